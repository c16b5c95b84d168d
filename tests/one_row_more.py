"""A table in code with one row more, for the processes in which a test looks at all that follows from a row."""

import ast
import importlib.util
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType


def load(name, table, row):
    """Load a module whose enumeration `table` has this row after its last one, before anything else reads it."""
    spec = importlib.util.find_spec(name)
    lines = Path(spec.origin).read_text(encoding="utf-8").splitlines()
    (found,) = (each for each in ast.parse("\n".join(lines)).body if getattr(each, "name", "") == table)
    last = max(each.end_lineno for each in found.body if isinstance(each, ast.Assign))
    lines.insert(last, f"    {row}")
    package, _, place = name.rpartition(".")
    module = sys.modules[name] = ModuleType(name)
    setattr(import_module(package), place, module)
    exec(compile("\n".join(lines), spec.origin, "exec"), vars(module))  # noqa: S102 - our own module
