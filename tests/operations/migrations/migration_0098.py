"""Notes that say whom campaigns reached, or count recipients to whom no letter left, are to be counted again."""

import json

from tests.operations.migrations.told import AT, BY, add, values

FIGURES = {
    9801: {"actions": [], "reached": [{"proved": 307}]},
    9802: {"actions": [{"counted": [["meant", 985], ["sent", 279]]}]},
    9803: {"actions": [{"counted": [["meant", 279], ["sent", 279]]}, {"counted": [["meant", 985]]}]},
    9804: {},
}
RECOUNTED = "SELECT note_id FROM note_recounts WHERE note_id BETWEEN 9801 AND 9804 ORDER BY note_id"


def before_upgrade(connection):
    (programme,) = values(connection, "SELECT min(id) FROM programmes")
    fields = {"title": "Bilan", "as_of": "2021-05-15", "known_at": AT, "text": "", "sha256": "x", "frozen_by": BY}
    for number, figures in FIGURES.items():
        add(connection, "notes", id=number, programme_id=programme, figures=json.dumps(figures), frozen_at=AT, **fields)


def after_upgrade(connection, _before):
    assert values(connection, RECOUNTED) == [9801, 9802]


def before_downgrade(_connection):
    """Nothing else is to be seen to."""


def after_downgrade(connection, _before):
    assert len(values(connection, "SELECT id FROM notes WHERE id BETWEEN 9801 AND 9804")) == 4
