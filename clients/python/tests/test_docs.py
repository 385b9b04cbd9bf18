"""README.md and the guide do what they say: their programs and commands, as they stand.

A block of Python that begins with the name of a file is that file; one that does not is type-checked
alone. `sh` blocks are run in order, in one shell.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from server import TREE, Server

BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"# (\w+\.py)\n")
README = TREE / "clients" / "python" / "README.md"
GUIDE = TREE / "docs" / "guides" / "python.md"


def write(page: Path, folder: Path, server: Server) -> str:
    """Writes the programs and answers the commands, at the addresses of the test's server."""
    commands = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n"
    for number, (language, text) in enumerate(BLOCK.findall(page.read_text())):
        if language == "sh":
            commands += text
            continue
        named = NAME.match(text)
        file = folder / (named[1] if named else f"block_{number}.py")
        file.write_text(text.replace("127.0.0.1:50051", server.core))
    return commands


def follow(page: Path, folder: Path, server: Server) -> str:
    commands = write(page, folder, server)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    followed = subprocess.run(
        ["bash", "-c", commands],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert followed.returncode == 0, followed.stdout + followed.stderr
    return followed.stdout


def test_the_readme(server: Server, tmp_path: Path) -> None:
    said = follow(README, tmp_path, server)
    for expected in ("job.completed 100.0", "{'pages': 3}", "page 1\npage 2\npage 3\n"):
        assert expected in said


def test_the_guide(server: Server, tmp_path: Path) -> None:
    said = follow(GUIDE, tmp_path, server)
    for expected in (
        "task_update {'task_id': 't1', 'step': 2}",
        "same event: True",
        "idempotency_mismatch False",
        "[topic_reserved]: publish to a room: or user: topic",
        "case {'case': 'print', 'outcome': 'passed'}",
        "ended: True {'passed': 2}",
        "parse ok\nprint ok\n",
        "failed: no_cases 1",
        "cancelled: True",
        "the worker ended with 0",
        "version 1",
        "graph_cycle",
        "command.undo",
        "session.closed",
    ):
        assert expected in said, f"{expected} is missing in:\n{said}"


@pytest.mark.parametrize("page", [README, GUIDE], ids=lambda page: page.name)
def test_the_programs_are_typed(page: Path, server: Server, tmp_path: Path) -> None:
    write(page, tmp_path, server)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
