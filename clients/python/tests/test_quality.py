"""The types hold, and the style; of the package, its tests and its build."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    "check",
    [
        ["mypy"],
        ["ruff", "check", "--output-format", "concise", "."],
        ["ruff", "format", "--check", "."],
    ],
    ids=" ".join,
)
def test_it_is_clean(check: list[str]) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", *check],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
