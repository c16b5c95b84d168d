"""The operations that read: pages and files through the application, audiences, checks."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from werkzeug.test import TestResponse

from benchmarks.growth.directory import place_of
from benchmarks.growth.ground import Ground
from benchmarks.growth.meter import Action
from outreach.campaigns import planning, results, segments
from outreach.campaigns.segments import Audience, Concerns, from_json
from outreach.core import audit
from outreach.web.ui.request import JOB
from tests import factories

ADMINISTRATOR = "hugo.willems@fwb.example"
PAST = timedelta(days=40)
Stated = Mapping[str, Any]


class Kind(StrEnum):
    """What a goal is set for."""

    PAGE = "page"
    AUDIENCE = "audience"
    LAUNCH = "launch"
    FILE = "file"
    WORK = "work"


@dataclass(frozen=True)
class Operation:
    """One line of the table. `prepare` is not measured and returns what is; `again`: it changes nothing.

    `address` is that of a page, without a host.
    """

    name: str
    kind: Kind
    prepare: Callable[[Ground], Action]
    again: bool = True
    address: str = ""


class NoJob:
    """A job that keeps nothing of what is made."""

    def progress(self, done: int, total: int | None = None) -> None:
        """Keep nothing."""


def page(name: str, path: str, *, kind: Kind = Kind.PAGE, person: str = factories.AUTHOR, **query: Any) -> Operation:
    """A page that a person opens."""
    address = f"{path}?{urlencode(query)}" if query else path

    def prepare(ground: Ground) -> Action:
        client = ground.client(person)
        return lambda: _whole(client.get(address))

    return Operation(name, kind, prepare, address=address)


def file(name: str, path: str) -> Operation:
    """A file that a person saves, as its job makes it where a page only offers one."""

    def prepare(ground: Ground) -> Action:
        client = ground.client()
        with client.get(path) as answer:
            environment = {} if "Content-Disposition" in answer.headers else {JOB: NoJob()}
        return lambda: _whole(client.get(path, environ_overrides=environment))

    return Operation(name, Kind.FILE, prepare)


def _whole(answer: TestResponse) -> None:
    """Take an answer to its last byte, and hold none of it."""
    size = sum(len(part) for part in answer.response)
    answer.close()
    if answer.status_code != 200 or not size:
        raise RuntimeError(answer.status)


def criteria(mailings: Sequence[int], network: str = "WBE") -> dict[str, Stated]:
    """One criterion of each kind, by its word."""
    known, place = list(mailings[:3]), place_of(2)
    return {
        "network": {"network": [network]},
        "level": {"level": ["secondary"]},
        "zone": {"zone": [place.zone]},
        "school_status": {"school_status": {"strand": 1, "statuses": ["in_preparation"], "which": "any"}},
        "roll_up": {"roll_up": {"strand": 1, "states": ["none", "partial"]}},
        "never_answered": {"never_answered": {"strand": 1}},
        "not_written_since": {"not_written_since": {"days": 7}},
        "unreachable": {"unreachable": {}},
        "federation": {"federation": ["SeGEC"]},
        "province": {"province": [place.province]},
        "municipality": {"municipality": [place.name]},
        "size": {"size": {"at_least": 2}},
        "received": {"received": {"mailings": known}},
        "reacted": {"reacted": {"mailings": known, "reaction": "opened"}},
        "authorities": {"authorities": {"fase": list(range(9002, 9082))}},
    }


def audience_criteria(mailings: Sequence[int]) -> dict[str, Stated]:
    """Each criterion alone, five and fifteen together, those that have not reacted, and everybody, by name."""
    each = criteria(mailings)
    narrow = {"unreachable", "municipality", "authorities"}  # with which nobody would be left of fifteen
    mostly = [{"not": one} if word in narrow else one for word, one in each.items() if word != "network"]
    more = [{"or": [each["network"], {"not": each["network"]}]}]
    return {
        "everybody": {"and": []},
        **each,
        "no reaction": {"reacted": {"mailings": list(mailings[:3]), "reaction": "none", "with_later": True}},
        "5 criteria": {"and": mostly[:1] + mostly[3:7]},
        "15 criteria": {"and": mostly + more},
    }


AUDIENCES = tuple(audience_criteria(()))


def audience_page(name: str) -> Operation:
    """The step of a campaign where its audience is chosen, with who is in it and who is left out."""

    def prepare(ground: Ground) -> Action:
        client = ground.client()
        stated = json.dumps(audience_criteria(ground.mailings)[name])
        return lambda: _whole(client.get(f"/campaigns/{ground.draft}/audience", query_string={"criteria": stated}))

    return Operation(f"audience page, {name}", Kind.AUDIENCE, prepare)


def draft_page(step: str) -> Operation:
    """A step of the campaign that is a draft. No goal is set: the check composes every letter."""

    def prepare(ground: Ground) -> Action:
        client = ground.client()
        return lambda: _whole(client.get(f"/campaigns/{ground.draft}/{step}"))

    return Operation(f"draft, {step}", Kind.WORK, prepare)


def audience_count(name: str) -> Operation:
    """An audience counted, with who is left out and why."""

    def prepare(ground: Ground) -> Action:
        criterion = from_json(json.dumps(audience_criteria(ground.mailings)[name]))

        def count() -> None:
            now = ground.settings.instant()
            with ground.database.reading() as session:
                campaign = planning.campaign_numbered(session, ground.draft)
                meant = Audience(criterion, campaign.strand, Concerns(campaign.concerns), campaign.message_class)
                segments.count_audience(session, meant, planning.context_of(session, campaign, now=now))

        return count

    return Operation(f"audience count, {name}", Kind.AUDIENCE, prepare)


def verify(ground: Ground) -> Action:
    """The rules of the ledger, and the seals of the audit."""

    def check() -> None:
        with ground.database.reading() as session:
            if breaches := results.verify_ledger(session, now=ground.settings.instant()):
                raise RuntimeError(f"{breaches[0].rule}: {len(breaches[0].rows)} rows")
            audit.verify_seals(session)

    return check


def reading_operations() -> Iterator[Operation]:
    """All operations that change nothing."""
    then = datetime.now(UTC) - PAST
    yield page("home", "/")
    yield page("home, as of a past day", "/", as_of=then.date())
    yield page("home, known at a moment", "/", known_at=then.strftime("%Y-%m-%dT%H:%M"))
    long_ago: dict[str, Any] = {"from": (then - 10 * PAST).date()}  # before every status
    yield page("a difference", "/situation/difference", known_from=then.isoformat(), **long_ago)
    yield page("schools that changed", "/situation/difference/schools", **long_ago)
    yield page("directory", "/directory")
    yield page("directory, filtered", "/directory", network="WBE", level="secondary")
    yield page("directory, with a word", "/directory", q="Namur")
    yield page("directory, with a typo", "/directory", q="Administraton")
    yield page("an authority", "/directory/9002")
    yield page("today", "/today")
    yield page("situation, authorities", "/situation/authorities", strand=1)
    yield page("campaigns", "/campaigns")
    yield from map(draft_page, ("audience", "letter", "check"))
    yield from map(audience_page, AUDIENCES)
    yield from map(audience_count, AUDIENCES)
    yield page("progress", "/campaigns/1/progress")
    yield page("authorities", "/campaigns/1/authorities")
    yield page("authorities, no reaction", "/campaigns/1/authorities", reaction="none")
    yield page("authorities, last page", "/campaigns/1/authorities", page=10, sort="-name")
    yield file("authorities CSV", "/campaigns/1/authorities/export.csv")
    yield file("authorities XLSX", "/campaigns/1/authorities/export.xlsx")
    yield page("responses", "/responses")
    yield page("reachability", "/directory/reachability")
    yield page("exclusions", "/directory/exclusions")
    yield page("segments", "/segments")
    yield page("notes", "/notes")
    for path in ("accounts", "closures", "programmes", "statements"):
        yield page(f"administration, {path}", f"/administration/{path}", person=ADMINISTRATOR)
    yield page("administration, trail", "/trail", person=ADMINISTRATOR)
    yield Operation("verify", Kind.WORK, verify)
