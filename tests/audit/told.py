"""What the product says of the figures that the auditor counts, and where it differs."""

import json

from outreach.access.scopes import AccessScope, ScopeKind
from outreach.campaigns import counting, planning, results
from outreach.core.text.errors import NotFound
from tests.audit import recount
from tests.commands import invoke

OF_WAVES, OF_REACH = ("meant", "sent", "delivered", "answered"), ("to_reach", *recount.REACHES)
GROUPINGS = ("network", "zone", "province", "federation")


class Commands:
    """`./run …` in this process, on a database, at a moment."""

    def __init__(self, database, settings):
        self.database, self.settings = database, settings

    def at(self, now):
        self.now = now
        return self

    def __call__(self, *words):
        result = invoke(self.database, self.settings, *words, "--json", now=self.now)
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
    """The situation of a programme by each of these groupings, as the command tells it."""
    found = []
    for by in groupings:
        asked = ["--as-of", day, "--by", by, *naming(audit, programme)]
        asked += ["--known-at", f"{known_at.astimezone(recount.BRUSSELS):%Y-%m-%d %H:%M}"] if known_at else []
        said = run("report", "situation", *asked)
        counted = audit.situation(programme["id"], day, known_at=known_at, by=by)
        rows = {"total": said["total"], **{row[by]: row for row in said[f"{by}s"]}}
        values = {code if code != "-" else None: _row(row) for code, row in rows.items()}
        counted = {code: _row(row) for code, row in counted.items()}
        where = f"situation of {programme['code']}, {day} by {by}, known at {known_at}"
        found += differences(where, values, _with_strings(counted))
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
    found = misnamed(audit, campaign, said["counts"])
    found += differences(f"status of campaign {campaign}", said["counts"], audit.counts(campaign))
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
    counted = audit.told(campaign)
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


def misnamed(audit, campaign, said):
    """What the counts of a campaign name otherwise than its rows, taken off the numbers."""
    named = about(said)
    (row,) = (one for one in audit.rows["campaigns"] if one["id"] == campaign)
    strand = audit.strand[row["strand_id"]]
    codes = {one["id"]: one["code"] for one in audit.rows["programmes"]}
    counted = {"campaign": campaign, "programme": codes[strand["programme_id"]], "strand": strand["number"]}
    return differences(f"names of campaign {campaign}", {key: named[key] for key in counted}, counted)


def of_counts(run, audit, campaign):
    """Every key of a campaign's counts, as the command tells them."""
    said = run("campaign", "counts", campaign)
    found = misnamed(audit, campaign, said)
    return found + differences(f"campaign {campaign}", said, audit.counts(campaign))


def naming(audit, programme):
    """The option that names a programme: where there is one alone, nobody writes it."""
    return ("--programme", programme["code"]) if len(audit.rows["programmes"]) > 1 else ()


def of_actions(run, audit, programme):
    """The waves of a programme that left, and whom its campaigns reached, as the command tells them."""
    return of_actions_said(run("report", "actions", *naming(audit, programme)), audit, programme["code"])


def of_actions_said(said, audit, code):
    """The same of what was said."""
    done = {}
    for one in said["done"]:
        done.setdefault(one["campaign"], []).append({key: one[key]["total"] for key in OF_WAVES})
    counted = {}
    for (campaign, _), of in waves_about(audit, code).items():
        counted.setdefault(campaign, []).append(of)
    found = differences(f"actions of {code}", _by_place(done), _by_place(counted))
    strands = {one["id"]: audit.strand[one["strand_id"]]["number"] for one in audit.rows["campaigns"]}
    of_strands = {one["campaign"]: one["strand"] for one in (*said["done"], *said["planned"])}
    found += differences(f"strands of {code}", of_strands, {key: strands[key] for key in of_strands})
    unknown = dict.fromkeys(of_strands.keys() - campaigns_about(audit, code), "another programme's")
    found += differences(f"actions of {code}", unknown, {})
    coming = {}
    for one in said["planned"]:
        if one["meant"] is not None:
            coming.setdefault(one["campaign"], []).append({"would": one["meant"].get("total", 0)})
    counted = {}
    for wave in waves_to_come(audit, code):
        would = len(audit.would_write(audit.told(wave["campaign_id"]), wave))
        counted.setdefault(wave["campaign_id"], []).append({"would": would})
    found += differences(f"actions to come of {code}", _by_place(coming), _by_place(counted))
    reached = {one["campaign"]: {key: one[key] for key in OF_REACH} for one in said["reached"]}
    counted = {key: audit.counts(key) for key in {campaign for campaign, _ in waves_about(audit, code)}}
    counted = {key: {name: of[name] for name in OF_REACH} for key, of in counted.items() if of["to_reach"]}
    return found + differences(f"reach of {code}", reached, counted)


def _by_place(waves):
    """The waves of each campaign, whatever the order in which they are told."""
    return {key: dict(enumerate(sorted(some, key=lambda one: list(one.values())))) for key, some in waves.items()}


def campaigns_about(audit, code):
    """The campaigns about a strand of a programme, by its code."""
    (programme,) = (one["id"] for one in audit.rows["programmes"] if one["code"] == code)
    strands = {key for key, one in audit.strand.items() if one["programme_id"] == programme}
    return {one["id"] for one in audit.rows["campaigns"] if one["strand_id"] in strands}


def waves_about(audit, code):
    """{(campaign, number): figures} of the waves of a programme that left."""
    campaigns = campaigns_about(audit, code)
    return {(one["campaign_id"], one["number"]): of_letters(audit, one) for one in audit.rows["waves"]
            if one["mailing_id"] is not None and one["campaign_id"] in campaigns}  # fmt: skip


def waves_to_come(audit, code):
    """The planned waves of a programme."""
    campaigns = campaigns_about(audit, code)
    return [one for one in audit.rows["waves"] if one["state"] == "planned" and one["campaign_id"] in campaigns]


def of_letters(audit, wave):
    """A wave’s authorities: all, those to which a letter left, was handed over, and who of these answered."""
    letters = [one for one in audit.rows["messages"] if one["mailing_id"] == wave["mailing_id"]]
    keys = {one["id"] for one in letters}
    answered = {one["authority_id"] for given in audit.told(wave["campaign_id"]).answers.values() for one in given
                if one["message_id"] in keys}  # fmt: skip
    left = [one for one in letters if recount.has_left(one)]
    answered &= {one["authority_id"] for one in left}
    return {
        "meant": len({one["authority_id"] for one in letters}),
        "sent": len({one["authority_id"] for one in left}),
        "delivered": len({one["authority_id"] for one in left if one["state"] == "accepted"}),
        "answered": len(answered),
    }


def of_campaign(database, audit, campaign):
    """What became of each wave's letters; every key in all, and network by network, which add up to the whole."""
    with database.reading() as session:
        stored = planning.campaign_numbered(session, campaign)
        said = counting.of_campaign(session, stored, now=audit.now)
        tallies = [{"number": wave.number, **tally.as_json()} for wave, tally in results.wave_tallies(session, stored)]
    in_all = said.as_json()
    found = misnamed(audit, campaign, in_all)
    found += of_waves(tallies, audit, campaign)
    found += differences(f"campaign {campaign}", in_all, audit.counts(campaign))
    networks = {one.code: {**one.authorities.as_json(), "schools": one.schools.as_json()} for one in said.networks}
    for code in audit.network.values():
        theirs = {key for key, row in audit.authority.items() if audit.network[row["network_id"]] == code}
        counted = audit.counts(campaign, only=theirs)
        if code in networks or counted["targeted"]:
            found += differences(f"campaign {campaign}, {code}", networks.get(code, {}), counted)
    return found


def of_members(seen_by, audit, campaign, kind, code):
    """The same of what an account of a federation or a network sees, whose members are today's.

    Of a campaign for schools of a level that a federation represents nobody for, it is told nothing.
    """
    if kind is ScopeKind.FEDERATION:
        members = audit.members(code)
    else:
        members = {key for key, row in audit.authority.items() if audit.network[row["network_id"]] == code}
    # What is seen are letters to its members, not one to an authority that another took over; whom a wave to come means
    # is asked of what is seen: a federation sees its own memberships and levels alone.
    of_scope = code if kind is ScopeKind.FEDERATION else None
    seen = {table: [one for one in audit.rows[table] if one["authority_id"] in members]
            for table in ("messages", "reach_steps")}  # fmt: skip
    counted = recount.Campaigns(audit.rows | seen, audit.now, federation=of_scope).counts(campaign, only=members)
    (row,) = (one for one in audit.rows["campaigns"] if one["id"] == campaign)
    levels = {*audit.strand[row["strand_id"]]["levels"].split(",")}
    is_theirs = kind is not ScopeKind.FEDERATION or bool(levels & audit.represented(code))
    with seen_by.of(AccessScope(kind, code)).reading() as session:
        try:
            stored = planning.campaign_numbered(session, campaign)
            said = results.progress_concerning(session, stored, now=audit.now)["counts"]
        except NotFound:  # none of its waves concerns a member, or it is a draft (again)
            hides = is_theirs and counted["recipients"] and row["state"] not in {"draft", "to_approve"}
            return [f"campaign {campaign} hides its letters from {code}"] if hides else []
    if not is_theirs:
        return [f"campaign {campaign} is shown to {code}, which represents nobody for its schools"]
    found = misnamed(audit, campaign, said)
    values = {key: said[key] for key in recount.KEYS}
    return found + differences(f"campaign {campaign} for {code}", values, {key: counted[key] for key in recount.KEYS})
