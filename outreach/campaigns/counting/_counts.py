"""The numbers of a campaign: whom it means, who gets a letter, who was reached. Whoever shows a number asks here.

Their identities hold for any group of authorities, so that networks add up to the whole:
targeted = out_of_scope + concerned; concerned = already_joined + excepted + stopped + to_reach;
to_reach = no_address + not_sent + to_come + recipients = reached + presumed + unread + too_early + left;
recipients = handed_over + on_the_way + returned.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, select

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
    """The numbers of a campaign now, in two statements; `classed` where its classes are at hand."""
    classed = classed or classify_campaign(session, campaign, now=now)
    found = _counted(session, campaign, classed.authorities, now)
    schools = _by_network(session, classed.schools)
    untold = _untold(campaign, found.unreconstructable)
    networks = [replace(one, schools=_counts(schools.get((one.code, one.label), []), untold)) for one in found.networks]
    whole = _counts([row for rows in schools.values() for row in rows], untold)
    return replace(found, networks=networks, schools=whole)


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
    return _counted(session, campaign, classify_campaign(session, campaign, now=now).authorities, now)


def _counted(session: Session, campaign: Campaign, authorities: Subquery, now: datetime) -> CampaignCounts:
    query = select(Programme.code, UncountedCampaign.authorities)
    query = query.outerjoin(UncountedCampaign, UncountedCampaign.campaign_id == campaign.id)
    programme, lost = session.execute(query.where(Programme.id == campaign.strand.programme_id)).one()
    untold = _untold(campaign, lost or 0)
    rows = _by_network(session, authorities)
    networks = [NetworkCounts(*network, _counts(some, untold), Counts()) for network, some in rows.items()]
    whole = _counts([row for some in rows.values() for row in some], untold)
    return CampaignCounts(campaign, programme, now, whole, Counts(), networks, lost or 0)


def _untold(campaign: Campaign, lost: int) -> set[str]:
    """The numbers that have no meaning in a campaign, or cannot be told."""
    if lost:
        return {*KEYS, *BESIDE}
    return {"joined_since", ALL_JOINED} if campaign.concerns is Concerns.JOINED else set()


Row = tuple[Class, Handing | None, Reach | None, Reason | None, int, Sequence[int]]


def _by_network(session: Session, each: Subquery) -> dict[tuple[str, str], list[Row]]:
    """Counts by network's code and name, class, handing, reach and reason, with the sums of the flags."""
    reason = [each.c.reason] if "reason" in each.c else []
    kinds = [each.c["class"], each.c.handing, each.c.reach, *reason]
    by = (Network.position, Network.code, Network.label, *kinds)
    query: Select[Any] = (
        select(*by, func.count(), *(func.sum(each.c[name]) for name in FLAGS))
        .join(Authority, Authority.id == each.c.authority_id)
        .join(Network, Network.id == Authority.network_id)
        .group_by(*by)
        .order_by(Network.position)
    )
    found: dict[tuple[str, str], list[Row]] = {}
    for _, code, label, *row in session.execute(query):
        kind, handing, reach, *rest = row
        why = rest.pop(0) if reason else None
        count, *flags = rest
        found.setdefault((code, label), []).append(
            (
                Class(kind),
                Handing(handing) if handing else None,
                Reach(reach) if reach else None,
                Reason(why) if why else None,
                count,
                list(map(int, flags)),
            )
        )
    return found


def is_silent(each: Subquery) -> ColumnElement[bool]:
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
