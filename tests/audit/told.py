"""What the product says of the figures that the auditor counts, and where it differs."""

import json
from collections import Counter

from click.testing import CliRunner

from outreach.campaigns import counts, lifecycle
from outreach.campaigns.results import progress
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.errors import NotFound
from outreach.sight.scopes import Sight, SightKind
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


def of_situation(run, audit, programme, *, day, groupings, known_at=None):
    """The situation by each of these groupings, as the command tells it."""
    found = []
    for by in groupings:
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


def of_status(run, audit, campaign):
    """What became of each wave's letters, and the counts again, as the command tells them."""
    said = run("campaign", "status", campaign)
    about(said["counts"])
    found = differences(f"status of campaign {campaign}", said["counts"], audit.counts(campaign))
    return found + of_waves(said["waves"], audit, campaign)


def of_waves(said_of_waves, audit, campaign):
    """What became of each wave's letters, as it was said."""
    found = []
    waves = {one["number"]: one for one in audit.rows["waves"] if one["campaign_id"] == campaign}
    for told in said_of_waves:
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


def about(said):
    """Take what is no number off the counts of a campaign, and return it."""
    return {key: said.pop(key) for key in ("campaign", "programme", "strand", "as_of")}


def of_counts(run, audit, campaign):
    """Every key of a campaign's counts, as the command tells them."""
    said = run("campaign", "counts", campaign)
    about(said)
    return differences(f"campaign {campaign}", said, audit.counts(campaign))


def of_actions(run, audit):
    """To how many the actions of campaigns with one wave wrote: to the recipients of the campaign."""
    waves = Counter(one["campaign_id"] for one in audit.rows["waves"] if one["mailing_id"] is not None)
    done = [one for one in run("report", "actions")["done"] if waves[one["campaign"]] == 1]
    said = {one["campaign"]: one["sent"]["total"] for one in done}
    return differences("actions, recipients", said, {key: audit.counts(key)["recipients"] for key in said})


def of_campaign(database, audit, campaign):
    """What became of each wave's letters; every key in all, and network by network, which add up to the whole."""
    with database.reading() as session:
        stored = lifecycle.campaign_numbered(session, campaign)
        said = counts.of_campaign(session, stored, now=audit.now)
        tallies = [{"number": wave.number, **tally.as_json()} for wave, tally in progress.tallies(session, stored)]
    in_all = said.as_json()
    about(in_all)
    found = of_waves(tallies, audit, campaign)
    found += differences(f"campaign {campaign}", in_all, audit.counts(campaign))
    sums = {}
    for one in said.networks:
        theirs = {key for key, row in audit.authority.items() if audit.network[row["network_id"]] == one.code}
        told = {**one.authorities.as_json(), "schools": one.schools.as_json()}
        found += differences(f"campaign {campaign}, {one.code}", told, audit.counts(campaign, only=theirs))
        sums = {key: sums.get(key, 0) + (value or 0) for key, value in one.authorities.as_json().items()}
    whole = {key: value or 0 for key, value in said.authorities.as_json().items()}
    return found + (differences(f"campaign {campaign}, sum of networks", sums, whole) if any(whole.values()) else [])


def of_members(seen_by, audit, campaign, kind, code):
    """The same of what an account of a federation or a network sees, whose members are today's."""
    if kind is SightKind.FEDERATION:
        members = audit.members(code)
    else:
        members = {key for key, row in audit.authority.items() if audit.network[row["network_id"]] == code}
    # What is seen are letters to its members, not one to an authority that another took over; whom a wave to come means
    # is asked of what is seen: a federation sees its own memberships and levels alone.
    of_scope = code if kind is SightKind.FEDERATION else None
    seen = {table: [one for one in audit.rows[table] if one["authority_id"] in members]
            for table in ("messages", "reach_steps")}  # fmt: skip
    counted = recount.Campaigns(audit.rows | seen, audit.now, federation=of_scope).counts(campaign, only=members)
    with seen_by.of(Sight(kind, code)).reading() as session:
        try:
            of = lifecycle.campaign_numbered(session, campaign)
        except NotFound:  # none of its waves concerns a member, or it is a draft (again)
            row = next(one for one in audit.rows["campaigns"] if one["id"] == campaign)
            is_hidden = counted["recipients"] and row["state"] not in {"draft", "to_approve"}
            return [f"campaign {campaign} hides its letters from {code}"] if is_hidden else []
        said = counts.of_campaign(session, of, now=audit.now).as_json()
    told = {key: said[key] for key in recount.KEYS}
    return differences(f"campaign {campaign} for {code}", told, {key: counted[key] for key in recount.KEYS})
