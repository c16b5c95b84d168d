"""A table in code with one row more, for the processes in which a test looks at all that follows from a row."""

import ast
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType


def load(name, table, row):
    """Load a module whose enumeration `table` has this row after its last one, before anything else reads it."""
    origin = Path(__file__).parents[1].joinpath(*name.split(".")).with_suffix(".py")  # its room's door reads it, too
    lines = origin.read_text(encoding="utf-8").splitlines()
    (found,) = (each for each in ast.parse("\n".join(lines)).body if getattr(each, "name", "") == table)
    last = max(each.end_lineno for each in found.body if isinstance(each, ast.Assign))
    lines.insert(last, f"    {row}")
    package, _, place = name.rpartition(".")
    module = sys.modules[name] = ModuleType(name)
    exec(compile("\n".join(lines), origin, "exec"), vars(module))  # noqa: S102 - our own module
    setattr(import_module(package), place, module)
