"""A revision that touches rows has a file that says what becomes of them, and checks it."""

import ast
import importlib

from outreach.migrations import HERE
from tests.migrations.told import PHASES, TOLD

RELEASED_FIRST = "0011"  # by 0.1.0: no database is older
TOUCHES = {"execute", "exec_driver_sql", "bulk_insert", "scalar", "scalars"}


def test_a_revision_that_touches_rows_has_a_file_that_checks_them():
    touching = {revision for revision, tree in revisions().items() if touches_rows(tree)}
    assert len(touching) > 10
    missing = sorted(revision for revision in touching - TOLD if revision > RELEASED_FIRST)
    assert missing == [], "write tests/migrations/migration_<revision>.py; tests/migrations/told.py says how"


def test_each_such_file_is_of_a_revision_and_holds_what_is_called():
    assert set(revisions()) >= TOLD
    for revision in sorted(TOLD):
        told = vars(importlib.import_module(f"tests.migrations.migration_{revision}"))
        own = {name for name, held in told.items() if getattr(held, "__module__", "") == told["__name__"]}
        called = {name for name in own if not name.startswith("_")}
        assert called, revision
        assert called <= set(PHASES), f"{revision}: nothing calls {called - set(PHASES)}"
        assert any(name.startswith("after_") for name in called), f"{revision} checks nothing"


def test_a_file_that_touches_rows_is_seen():
    for line in ("op.execute('UPDATE x')", "op.get_bind().execute(y)", "op.bulk_insert(t, [])"):
        assert touches_rows(ast.parse(f"def upgrade():\n    {line}"))
    assert not touches_rows(ast.parse("def upgrade():\n    op.drop_table('x')\n    append_only.guard('y')"))


def revisions():
    """Each revision's file, read."""
    paths = (HERE / "versions").glob("*.py")
    return {path.name[:4]: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def touches_rows(tree):
    """Whether a file calls anything that reads or writes rows."""
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Attribute) and function.attr in TOUCHES for function in called)
