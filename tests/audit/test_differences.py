"""Of random histories and pairs of readings: each cell's causes sum up, to the last school, and the rows bear them."""

import random
import tempfile
from collections import Counter
from copy import deepcopy
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from outreach.core.settings import read
from outreach.core.text.dates import today
from outreach.directory import register
from tests.audit import recount, rows, told
from tests.audit.differences import CAUSES, Differences
from tests.audit.histories import DAY, HOUR, History
from tests.audit.test_histories import minute
from tests.directory import editions
from tests.factories import AUTHOR

HISTORIES = {"all": 25, "land": 4, "short": 1}[hypothesis.settings.get_current_profile_name()]
PAIRS, TURNS = 40, 24
USUAL = {"joined_since", "told_late", "level_changed", "merged"}  # in any few histories
LEVELS = ("Primaire ordinaire", "Secondaire ordinaire", "Maternel ordinaire")
FEDERATIONS = ("", "", "", "SeGEC", "CPEONS")


class Register(History):
    """A history of a register whose editions change more than most do, may come late, and may be undone."""

    def edition(self, at, on=None):
        with self.database.writing() as session:
            content = editions.edition(*(editions.row(**one) for one in self.rows.values()))
            last = register.last_import(session)
            on = max(on or today(at), last.edition_on) if last else today(at)
            if editions.apply(session, content, at, on, actor=AUTHOR).changes:
                self.before = [*getattr(self, "before", ()), deepcopy(self.rows)]

    def reshape(self):
        """A school moves to another network, level or zone, or all schools of an authority to another network."""
        one, other = (self.random.choice(list(self.rows.values())) for _ in range(2))
        kind = self.random.choice(("move", "merge", "level", "zone"))
        owner = one["authority"]
        for row in self.rows.values():
            if row is one or (kind == "merge" and row["authority"] == owner):
                taking = [name for name in other if name.startswith(("authority", "network"))]
                row.update({name: other[name] for name in taking} if kind in ("move", "merge") else {})
        one |= {"kind": self.random.choice(LEVELS)} if kind == "level" else {}
        one |= {"zone": other["zone"], "postcode": other["postcode"]} if kind == "zone" else {}
        self.edition(self.now, today(self.now) - self.random.choice((0, 0, 3, 12)) * DAY)
        return f"{kind} {one['school']} {other['authority']}"

    def undo_edition(self):
        """The last edition is undone."""
        if len(self.before) < 2:
            return "the first"
        with self.database.writing() as session:
            editions.undo(session, self.now, actor=AUTHOR)
        self.before.pop()
        self.rows = deepcopy(self.before[-1])
        return "undone"


ACTS = (
    *(History.joining_list,) * 4,
    *(History.record,) * 4,
    *(History.change_register, History.undo_list),
    *(Register.reshape,) * 5,
    Register.undo_edition,
)


def played(history):
    """A history of the register and of statuses alone, which go through the product's own functions."""
    history.begin()
    for _ in range(TURNS):
        history.now += history.random.choice((5 * HOUR, DAY, 3 * DAY, 8 * DAY))
        history.attempt(history.random.choice(ACTS))
    return history


def reading(chance, now):
    """A day and a moment at which it was over or had begun; None for the moment: as known now."""
    known_at = minute(now - chance.choice((0, 1, 4, 12, 30, 45)) * DAY - chance.choice((0, 5)) * HOUR)
    known_at = chance.choice((known_at, known_at, None))
    return recount.day_of(known_at or now) - chance.choice((0, 0, 1, 6, 20)) * DAY, known_at


def asked(run, audit, chance, now):
    """One pair of readings: what was asked, and what is wrong with what is told."""
    strand = chance.choice(list(audit.strand.values()))
    programme = next(one for one in audit.rows["programmes"] if one["id"] == strand["programme_id"])
    first, second = reading(chance, now), reading(chance, now)
    by, federation = chance.choice(("network", "zone", "level")), chance.choice(FEDERATIONS)
    words = ["--programme", programme["code"], "--strand", strand["number"], "--by", by]
    for end, (day, known_at) in (("from", first), ("to", second)):
        words += [f"--{end}", day]
        words += [f"--known-{end}", f"{known_at.astimezone(recount.BRUSSELS):%Y-%m-%d %H:%M}"] if known_at else []
    words += ["--federation", federation] if federation else []
    said = run("report", "difference", *words)
    causes = Counter(one["cause"] for cell in said["cells"] for one in cell["causes"])
    return causes, [f"{words}: {fault}" for fault in audit.faults(said, strand["id"], first, second, by, federation)]


def compared(templates, backend, seed):
    """Play a history on a database of its own; what is wrong, how many causes were told, and what was done."""
    random.seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        for url in templates.copy(backend, "staffed", Path(folder)):
            database = templates.open(url)
            run = told.Commands(database, read({"OUTREACH_DATA": folder, "OUTREACH_DATABASE_URL": url}))
            try:
                history = played(Register(database, random.Random(seed), several=seed % 2 == 1))
                audit, chance = Differences(rows.of(url)), random.Random(seed + 1)
                run.at(history.now)
                found = [asked(run, audit, chance, history.now) for _ in range(PAIRS)]
            finally:
                database.dispose()
    return (
        [fault for _, faults in found for fault in faults],
        sum((causes for causes, _ in found), Counter()),
        history.told,
    )


@pytest.mark.timeout(900)
def test_every_difference_has_its_causes(templates, backend):
    causes, pairs = Counter(), 0

    @settings(
        max_examples=HISTORIES,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
    )
    @given(seed=st.integers(0, 2**32 - 1))
    def holds(seed):
        nonlocal pairs
        wrong, many, done = compared(templates, backend, seed)
        pairs += PAIRS
        note(f"seed {seed}")
        causes.update(many)
        assert not wrong, "\n".join([f"seed {seed}", *wrong, *done])

    holds()
    assert pairs >= HISTORIES * PAIRS, pairs  # 1,000 in the deep run
    assert {*causes} >= (CAUSES if HISTORIES > 4 else USUAL), causes
