"""What was applied and undone before counts as looked at: no note that was published then becomes a task."""

from tests.operations.migrations.told import values

GAINS = ("looked_imports",)
TURNS = "SELECT '{0}\\:' || id || '\\:{1}' FROM {2} WHERE {1}_at IS NOT NULL"
IMPORTS = (("list", "joining_lists"), ("edition", "register_imports"))


def after_upgrade(connection, before):
    wanted = [TURNS.format(name, turn, table) for name, table in IMPORTS for turn in ("applied", "undone")]
    assert sorted(values(connection, "SELECT what FROM looked_imports")) == sorted(
        what for query in wanted for what in values(connection, query)
    )
