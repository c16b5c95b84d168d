"""What the product says of the figures that the auditor counts, and where it differs."""

import json

from click.testing import CliRunner

from outreach.cli.campaigns import campaign as campaign_commands
from outreach.cli.context import Operation
from outreach.cli.main import commands
from tests.audit import recount

GROUPINGS = ("network", "zone", "province", "federation")


class Commands:
    """`./run …` in this process, on a database, at a moment."""

    def __init__(self, database, settings):
        self.database, self.settings = database, settings

    def at(self, now):
        self.now = now
        return self

    def __call__(self, *words):
        operation = Operation()
        operation.settings, operation.now = self.settings, self.now
        operation.opened = operation.database = self.database
        result = CliRunner().invoke(commands, [*map(str, words), "--json"], obj=operation)
        assert result.exit_code == 0, (words, result.output, result.exception)
        return json.loads(result.stdout)


def has_counts():
    """Whether the command that tells a campaign's counts is there."""
    return "counts" in campaign_commands.campaign.commands


def differences(what, said, counted):
    """How what is said differs from what was counted, key by key; a key that only one of them knows is one, too."""
    found = []
    for key in sorted({*said, *counted}, key=str):
        theirs, ours = said.get(key, "nothing"), counted.get(key, "nothing")
        if isinstance(theirs, dict) and isinstance(ours, dict):
            found += differences(f"{what} › {key}", theirs, ours)
        elif theirs != ours:
            found.append(f"{what} › {key}: the product says {theirs}, the rows say {ours}")
    return found


def of_situation(run, audit, programme, *, day, known_at=None):
    """The situation by each grouping, as the command tells it."""
    found = []
    for by in GROUPINGS:
        asked = ["--as-of", day, "--by", by]
        asked += ["--known-at", f"{known_at.astimezone(recount.BRUSSELS):%Y-%m-%d %H:%M}"] if known_at else []
        said = run("report", "situation", *asked)
        counted = audit.situation(programme, day, known_at=known_at, by=by)
        rows = {"total": said["total"], **{row[by]: row for row in said[f"{by}s"]}}
        told = {code if code != "-" else None: _row(row) for code, row in rows.items()}
        found += differences(f"situation of {day} by {by}, known at {known_at}", told, _with_strings(counted))
    return found


def _row(row):
    return {key: row[key] for key in ("authorities", "schools", "strands")}


def _with_strings(counted):
    rows = {code: {**row, "strands": {str(number): of for number, of in row["strands"].items()}}
            for code, row in counted.items()}  # fmt: skip
    rows.setdefault("total", {"authorities": 0, "schools": 0, "strands": {}})
    return rows


def of_ledger(run, audit, campaign):
    """What became of each wave's letters."""
    return of_waves(run("campaign", "status", campaign), audit, campaign)


def of_waves(said_of, audit, campaign):
    """The same of what was said of a campaign."""
    found = []
    waves = {one["number"]: one for one in audit.rows["waves"] if one["campaign_id"] == campaign}
    for told in said_of["waves"]:
        states, reasons = audit.of_wave(waves[told["number"]]["id"])
        waiting = states.pop("queued", 0) + states.pop("handing", 0)
        withdrawn = states.pop("withdrawn", 0)
        counted = {**dict.fromkeys(("accepted", "refused", "expired", "in_doubt"), 0), **states}
        said = {key: told[key] for key in ("accepted", "refused", "expired", "in_doubt")}
        counted |= {"waits": waiting, "withdrawn": reasons, "intended": sum(states.values()) + waiting + withdrawn}
        said |= {
            "waits": told["deferred"] + told["pending"],
            "withdrawn": told["withdrawn"],
            "intended": told["intended"],
        }
        found += differences(f"ledger of campaign {campaign}, wave {told['number']}", said, counted)
    return found


def of_audience(run, audit, campaign):
    """Whom a campaign would write to that has not begun."""
    counted = recount.Told(audit, campaign)
    if counted.launched or counted.row["concerns"] == "listed":
        return []
    meant = audit.meant_now(counted)
    written = {key for key in meant if audit.would_get(counted, key)}
    said = run("campaign", "audience", campaign)
    said = {key: said[key] for key in ("authorities", "written")}
    return differences(f"audience of {campaign}", said, {"authorities": len(meant), "written": len(written)})


def of_counts(run, audit, campaign):
    """Every key of a campaign's counts, as the command tells them."""
    said = run("campaign", "counts", campaign)
    for about in ("campaign", "programme", "strand", "as_of"):
        said.pop(about)
    return differences(f"campaign {campaign}", said, audit.counts(campaign))
