#!/usr/bin/env python3
"""Write docs/modules.md: the first docstring line of every module, grouped by room (maintainers only).

Usage: python tools/modules.py. The page is for whoever reads the code, and is not committed. A room is a folder; what
its `__init__` says of it comes first. Nothing is imported.
"""

import ast
import pathlib
from collections import defaultdict

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE = ROOT / "outreach"
PAGE = ROOT / "docs" / "modules.md"
HEAD = """# Modules

Every module in one sentence, room by room. [Architecture](architecture.md) says how the houses stand to each other.
"""


def sentences() -> dict[pathlib.Path, str]:
    """The first docstring line of every module, by its path under outreach/; '' where there is none."""
    return {path.relative_to(CODE): _sentence(path) for path in sorted(CODE.rglob("*.py"))}


def page() -> str:
    """The page as it is to be, from the code as it is now."""
    rooms = defaultdict[pathlib.PurePath, dict[str, str]](dict)
    for path, sentence in sentences().items():
        rooms[path.parent][path.name] = sentence
    return HEAD + "".join(_room(rooms[folder], folder) for folder in sorted(rooms))


def _sentence(path: pathlib.Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def _room(modules: dict[str, str], folder: pathlib.PurePath) -> str:
    place = (pathlib.PurePosixPath("outreach") / folder).as_posix()
    own = modules.get("__init__.py")
    others = [name for name in modules if name != "__init__.py"]
    lines = [f"- [`{name}`](../{place}/{name}): {modules[name]}" for name in others]
    return "\n".join([f"\n## {place}/\n", *([f"{own}\n"] if own else []), *lines]).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
