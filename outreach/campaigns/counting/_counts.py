"""The numbers of a campaign: whom it means, who gets a letter, who was reached. Whoever shows a number asks here.

Their identities hold for any group of authorities, so that networks add up to the whole:
targeted = out_of_scope + concerned; concerned = already_joined + excepted + stopped + to_reach;
to_reach = no_address + not_sent + to_come + recipients = reached + presumed + unread + too_early + left;
recipients = handed_over + on_the_way + returned.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, String, and_, cast, func, literal, null, select, union_all

from outreach.adherence.models import Programme
from outreach.campaigns.counting._classes import (
    FLAGS,
    TO_REACH,
    Class,
    Classified,
    Handing,
    Reach,
    as_if_launched,
    classify_campaign,
)
from outreach.campaigns.counting._entries import UncountedCampaign
from outreach.campaigns.models import Campaign
from outreach.campaigns.segments import Audience, Concerns, CriteriaContext
from outreach.core.db import Session
from outreach.delivery.models import Reason
from outreach.directory.models import Authority, Network

IN_CONCERNED = (Class.ALREADY_JOINED, Class.EXCEPTED, Class.STOPPED, *TO_REACH)
ALL_JOINED, SILENT = "joined_all", "silent"
BESIDE = (ALL_JOINED, SILENT)  # shown on pages; programs do not get them. SILENT: handed over, and nothing came back
KEYS = (
    *("targeted", "out_of_scope", "concerned", "already_joined", "excepted", "stopped", "to_reach", "no_address"),
    *("not_sent", "to_come", "recipients", "handed_over", "on_the_way", "returned"),
    *("reached", "presumed", "unread", "too_early", "left"),
    *("entered_later", "answered", "declared", "joined_since", "had_joined", "to_verify"),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many authorities, or schools, there are of each class, and beside; keys without any are 0.

    `reasons` are why those that are `no_address` or `not_sent` get no letter, or are excepted.
    """

    numbers: Mapping[str, int | None] = field(default_factory=dict)
    reasons: Mapping[Reason | None, int] = field(default_factory=dict)

    def __getitem__(self, key: str) -> int:
        """A number; 0 where it is not told (`is_told`)."""
        return self.numbers.get(key) or 0

    def is_told(self, key: str) -> bool:
        """Whether a number has a meaning in this campaign, and can be told."""
        return self.numbers.get(key, 0) is not None

    def as_json(self) -> dict[str, int | None]:
        """The numbers by their fixed names; null what has no meaning here."""
        return {key: self.numbers.get(key, 0) for key in KEYS}


@dataclass(frozen=True, slots=True)
class NetworkCounts:
    """The authorities and schools of one network: its code and its French name."""

    code: str
    label: str
    authorities: Counts
    schools: Counts


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """The numbers of a campaign of a programme (its code) at an instant, in all and by network in the usual order.

    `unreconstructable` is of how many authorities of a campaign of before these counts the classes could not be worked
    out: then none is told.
    """

    campaign: Campaign
    programme: str
    as_of: datetime
    authorities: Counts
    schools: Counts
    networks: Sequence[NetworkCounts]
    unreconstructable: int = 0

    def as_json(self) -> dict[str, Any]:
        """The numbers for programs, under fixed names."""
        about = {
            "campaign": self.campaign.id,
            "programme": self.programme,
            "strand": self.campaign.strand.number,
            "as_of": self.as_of.isoformat(),
        }
        untold = {"unreconstructable": self.unreconstructable} if self.unreconstructable else {}
        return {**about, **self.authorities.as_json(), "schools": self.schools.as_json(), **untold}


def of_campaign(
    session: Session, campaign: Campaign, *, now: datetime, classed: Classified | None = None
) -> CampaignCounts:
    """The numbers of a campaign now, in one statement; `classed` where its classes are at hand."""
    classed = classed or classify_campaign(session, campaign, now=now)
    return _counted(session, campaign, now, classed.authorities, classed.schools)


def of_audience(session: Session, audience: Audience, context: CriteriaContext) -> Counts:
    """The authorities whom a campaign with this audience would mean if its first wave were launched in a context."""
    each = as_if_launched(audience, context)
    by = each.c["class"], each.c.reason
    rows = session.execute(select(*by, func.count()).group_by(*by))
    untold = {"joined_since", ALL_JOINED} if audience.concerns is Concerns.JOINED else set[str]()
    return _counts(
        ((Class(kind), None, None, Reason(why) if why else None, count, [0] * len(FLAGS)) for kind, why, count in rows),
        untold,
    )


def of_authorities(session: Session, campaign: Campaign, *, now: datetime) -> CampaignCounts:
    """As `of_campaign`, in half the time: its schools are not counted."""
    return _counted(session, campaign, now, classify_campaign(session, campaign, now=now).authorities)


def _counted(session: Session, campaign: Campaign, now: datetime, *parts: FromClause) -> CampaignCounts:
    """The numbers of the rows of the authorities and, where given, of the schools."""
    query = select(Programme.code, UncountedCampaign.authorities)
    query = query.outerjoin(UncountedCampaign, UncountedCampaign.campaign_id == campaign.id)
    programme, lost = session.execute(query.where(Programme.id == campaign.strand.programme_id)).one()
    untold, rows = _untold(campaign, lost or 0), _by_network(session, *parts)

    def counts(place: int, *networks: tuple[str, str]) -> Counts:
        return _counts((row for network in networks for row in rows[network, place]), untold)

    found = list(dict.fromkeys(network for network, _ in rows))
    by_network = [NetworkCounts(*network, counts(0, network), counts(1, network)) for network in found]
    return CampaignCounts(campaign, programme, now, counts(0, *found), counts(1, *found), by_network, lost or 0)


def _untold(campaign: Campaign, lost: int) -> set[str]:
    """The numbers that have no meaning in a campaign, or cannot be told."""
    if lost:
        return {*KEYS, *BESIDE}
    return {"joined_since", ALL_JOINED} if campaign.concerns is Concerns.JOINED else set()


Row = tuple[Class, Handing | None, Reach | None, Reason | None, int, Sequence[int]]


def _by_network(session: Session, *parts: FromClause) -> dict[tuple[tuple[str, str], int], list[Row]]:
    """By network's code and name, in the usual order, and place of the part: counts by class, handing, reach and
    reason, with the sums of the flags. One statement, as the classes of schools stand on those of authorities."""
    query = union_all(*(_grouped(place, each) for place, each in enumerate(parts)))
    found = defaultdict[tuple[tuple[str, str], int], list[Row]](list)
    for place, _, code, label, kind, handing, reach, why, count, *flags in session.execute(query.order_by("position")):
        row = (
            Class(kind),
            Handing(handing) if handing else None,
            Reach(reach) if reach else None,
            Reason(why) if why else None,
            count,
            list(map(int, flags)),
        )
        found[(code, label), place].append(row)
    return found


def _grouped(place: int, each: FromClause) -> Select[Any]:
    reason = each.c.reason if "reason" in each.c else cast(null(), String)
    by = (Network.position, Network.code, Network.label, each.c["class"], each.c.handing, each.c.reach, reason)
    return (
        select(literal(place), *by, func.count(), *(func.sum(each.c[name]) for name in FLAGS))
        .join(Authority, Authority.id == each.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .group_by(*by)
    )


def is_silent(each: FromClause) -> ColumnElement[bool]:
    """Whether a row of `classes.Classified` is counted as SILENT."""
    return and_(each.c.handing == Handing.HANDED_OVER.value, each.c.reach != Reach.REACHED.value)


def sum_counts(parts: Iterable[Counts]) -> Counts:
    """The sum of the numbers of some groups."""
    numbers, reasons = Counter[str](), Counter[Reason | None]()
    untold = set[str]()
    for part in parts:
        numbers.update({key: number for key, number in part.numbers.items() if number is not None})
        untold |= {key for key, number in part.numbers.items() if number is None}
        reasons.update(part.reasons)
    return Counts({**numbers, **dict.fromkeys(untold)}, reasons)


def _counts(rows: Iterable[Row], untold: set[str]) -> Counts:
    numbers, reasons = Counter[str](), Counter[Reason | None]()
    for kind, handing, reach, reason, count, flags in rows:
        numbers["targeted"] += count
        numbers[kind] += count
        numbers["concerned"] += count * (kind in IN_CONCERNED)
        numbers["to_reach"] += count * (kind in TO_REACH)
        for part in filter(None, (handing, reach)):
            numbers[part] += count
        numbers[SILENT] += count * (handing is Handing.HANDED_OVER and reach is not Reach.REACHED)
        for name, flagged in zip(FLAGS, flags, strict=True):
            numbers[name] += flagged
        if kind in {Class.EXCEPTED, Class.NO_ADDRESS, Class.NOT_SENT}:
            reasons[reason] += count
    fields: dict[str, int | None] = {
        **dict.fromkeys((*KEYS, *BESIDE), 0),
        **{str(key): n for key, n in numbers.items()},
    }
    return Counts({**fields, **dict.fromkeys(untold)}, reasons)
