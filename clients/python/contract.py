"""Writes `roomcast.v1`, the contract in Python, at every build.

The messages come from the tree's `proto/`, the codes of errors from `docs/ERRORS.md`, which is the
registry. A source archive has both inside.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROW = re.compile(
    r"^\| `(?P<code>[a-z0-9_.-]+)` \| `(?P<grpc>[A-Z_]+)` \| \d+ \| (?P<retry>yes|no) "
    r"\| .+? \| (?P<mend>.+?) \|$",
    re.MULTILINE,
)
HEAD = '"""{}\n\nWritten at the build, by `contract.py`.\n"""\n'


class ContractHook(BuildHookInterface[Any]):
    """Runs before anything is packed, and before an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Writes the package `roomcast.v1` afresh; a source archive needs none."""
        if self.target_name == "sdist":
            return
        root = Path(self.root)
        inside = root / "contract"
        proto, errors = inside / "proto", inside / "ERRORS.md"
        if not inside.is_dir():
            tree = root.parent.parent
            proto, errors = tree / "proto", tree / "docs" / "ERRORS.md"
        package = root / "src" / "roomcast" / "v1"
        package.mkdir(exist_ok=True)
        for old in package.glob("*.py*"):
            old.unlink()
        modules = write_messages(proto, root / "src")
        (package / "__init__.py").write_text(index(modules))
        (package / "registry.py").write_text(registry(errors.read_text()))


def write_messages(proto: Path, into: Path) -> list[str]:
    """Writes a module and its types for each file of the contract; answers their names."""
    from grpc_tools import protoc  # noqa: PLC0415 (only a build has it)

    files = sorted(proto.glob("roomcast/v1/*.proto"))
    # The messages that the contract takes from protobuf itself come with the compiler.
    theirs = Path(protoc.__file__).with_name("_proto")
    arguments = [f"-I{proto}", f"-I{theirs}", f"--python_out={into}", f"--pyi_out={into}"]
    if not files or protoc.main(["protoc", *arguments, *map(str, files)]) != 0:
        raise RuntimeError(f"the contract in {proto} could not be compiled")
    return [f"{file.stem}_pb2" for file in files]


def index(modules: list[str]) -> str:
    """All messages under one name, whichever file they are in."""
    lines = [f"from roomcast.v1.{module} import *" for module in modules]
    return (
        HEAD.format("The messages of the contract, `roomcast.v1`.") + "\n" + "\n".join(lines) + "\n"
    )


def registry(page: str) -> str:
    """The codes of errors with what a client needs of them."""
    rows = [row.groupdict() for row in ROW.finditer(page)]
    if not rows:
        raise RuntimeError("docs/ERRORS.md has no codes")
    lines = [f"    {row['code']!r}: ({row['retry'] == 'yes'}, {row['mend']!r})," for row in rows]
    table = "\n".join(lines)
    said = "For each code: whether the same request may succeed later, and what to do."
    return (
        HEAD.format("The registry of errors.")
        + "\nfrom __future__ import annotations\n"
        + f"\n# {said}\nCODES: dict[str, tuple[bool, str]] = {{\n{table}\n}}\n"
    )
