"""A revision says whether it breaks programs; one that touches rows has a file that says what becomes of them."""

import ast
import importlib

from outreach.operations.migrations import HERE
from tests.operations.migrations.told import PHASES, TOLD

RELEASED_FIRST = "0092"  # by 0.3.0: no database is older
BREAKS = {"drop_table", "drop_column", "drop_constraint", "rename_table", "alter_column", "create_check_constraint"}
BREAKS |= {"create_unique_constraint", "allow", "execute", "bulk_insert"}
TOUCHES = {"execute", "exec_driver_sql", "bulk_insert", "scalar", "scalars"}


def test_a_revision_that_touches_rows_has_a_file_that_checks_them():
    touching = {revision for revision, tree in revisions().items() if touches_rows(tree)}
    assert len(touching) > 5
    missing = sorted(revision for revision in touching - TOLD if revision > RELEASED_FIRST)
    assert missing == [], (
        "write tests/operations/migrations/migration_<revision>.py; tests/operations/migrations/told.py says how"
    )


def test_each_such_file_is_of_a_revision_and_holds_what_is_called():
    assert set(revisions()) >= TOLD
    for revision in sorted(TOLD):
        told = vars(importlib.import_module(f"tests.operations.migrations.migration_{revision}"))
        own = {name for name, held in told.items() if getattr(held, "__module__", "") == told["__name__"]}
        called = {name for name in own if not name.startswith("_")}
        assert called, revision
        assert called <= set(PHASES), f"{revision}: nothing calls {called - set(PHASES)}"
        assert any(name.startswith("after_") for name in called), f"{revision} checks nothing"


def test_a_file_that_touches_rows_is_seen():
    for line in ("op.execute('UPDATE x')", "op.get_bind().execute(y)", "op.bulk_insert(t, [])"):
        assert touches_rows(ast.parse(f"def upgrade():\n    {line}"))
    assert not touches_rows(ast.parse("def upgrade():\n    op.drop_table('x')\n    append_only.guard('y')"))


def test_each_revision_says_whether_the_program_before_goes_on():
    said = {revision: kind_of(tree) for revision, tree in revisions().items()}
    assert set(said.values()) == {"ADDITIVE", "BREAKING"}, [number for number, kind in said.items() if not kind]


def test_an_additive_revision_changes_nothing_that_the_program_before_reads_or_writes():
    additive = {revision: tree for revision, tree in revisions().items() if kind_of(tree) == "ADDITIVE"}
    assert additive
    assert {revision: found for revision, tree in additive.items() if (found := breaks(tree))} == {}


def test_what_breaks_a_program_is_seen():
    for line in (
        "op.drop_table('x')",
        "batch_op.alter_column('x', nullable=False)",
        "op.execute('UPDATE x')",
        "allow('x', 'y', 'y', 'z')",
        "op.add_column('x', sa.Column('y', sa.Integer(), nullable=False))",
        "op.add_column('x', column('y', sa.Integer()))",
    ):
        assert breaks(ast.parse(f"def upgrade():\n    {line}")), line
    for line in (
        "op.create_table('x', column('y', sa.Integer()))",
        "op.create_index('x', 'y', ['z'])",
        "op.add_column('x', sa.Column('y', sa.Integer(), nullable=True))",
        "op.add_column('x', column('y', sa.Integer(), server_default='0'))",
    ):
        assert not breaks(ast.parse(f"def upgrade():\n    {line}\ndef downgrade():\n    op.drop_table('x')")), line


def kind_of(tree):
    """What a revision's file says of itself."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "kind":
            return ast.unparse(node.value).removeprefix("MigrationKind.")
    return ""


def breaks(tree):
    """The calls on a revision's way up that the program before could not bear."""
    up = [node for node in tree.body if getattr(node, "name", "") != "downgrade"]
    calls = [call for node in up for call in ast.walk(node) if isinstance(call, ast.Call)]
    named = {call: ast.unparse(call.func).rpartition(".")[2] for call in calls}
    added = [call.args[-1] for call in calls if named[call] == "add_column"]
    filled = [given for given in added if not may_be_left_out(given)]
    return [ast.unparse(call) for call in calls if named[call] in BREAKS] + [ast.unparse(given) for given in filled]


def may_be_left_out(column):
    """Whether a row can be written without this column."""
    said = {word.arg: ast.unparse(word.value) for word in getattr(column, "keywords", ())}
    return said.get("nullable") == "True" or "server_default" in said


def revisions():
    """Each revision's file, read."""
    paths = (HERE / "versions").glob("*.py")
    return {path.name[:4]: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def touches_rows(tree):
    """Whether a file calls anything that reads or writes rows."""
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(isinstance(function, ast.Attribute) and function.attr in TOUCHES for function in called)
