"""The ground of a rehearsal: audience, planned waves and earlier campaigns, read once: plays ask no database."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from outreach import french
from outreach.campaigns import audiences
from outreach.campaigns.lifecycle import ENDED
from outreach.campaigns.models import Campaign
from outreach.campaigns.rehearsal import earlier
from outreach.campaigns.schedule import draw_plan, planning
from outreach.campaigns.schedule.planning import PlannedWave
from outreach.days import BRUSSELS, today
from outreach.db import Session
from outreach.directory.models import Authority, Network
from outreach.effect import draw, power, sentences
from outreach.effect.rehearsal.plays import Behaviour, Plan, Sending
from outreach.effect.strata import SMALLEST_DRAW, Stratified, stratified
from outreach.effect.tables import WINDOW
from outreach.errors import Refused
from outreach.segments import audience

DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Read:
    """An audience as it stands: each authority's network, the letters that each would get, the others by reason.

    `domains` has the domain of one mailbox of each authority that would get a letter. `digest` is equal for equal
    audiences.
    """

    networks: Mapping[int, str]
    letters: Mapping[int, int]
    stopped: Mapping[str, frozenset[int]]
    domains: Mapping[int, str]

    @property
    def digest(self) -> str:
        """The SHA-256 of who is written to at how many mailboxes, and who is left out for which reason."""
        out = {one: reason for reason, authorities in self.stopped.items() for one in authorities}
        told = [(one, self.networks[one], self.letters.get(one, 0), out.get(one, "")) for one in sorted(self.networks)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a rehearsal stands on. `earlier` is how many campaigns of the class tell how it may go, and
    `last_share` the share of authorities that joined in the last of them, None without any. `could` says what a draw of
    departures among these authorities could see, or why there can be none.
    """

    read: Read
    waves: Sequence[PlannedWave]
    plan: Plan
    behaviour: Behaviour
    earlier: int
    last_share: float | None
    could: str

    @property
    def first(self) -> date:
        """The day from which days count."""
        return today(self.waves[0].at)


def read(session: Session, campaign: Campaign, *, now: datetime) -> Read:
    """The audience of a campaign's first wave, if it left now."""
    rows = audience.rows(audiences.audience_of(campaign), audiences.scope_of(session, campaign, now=now))
    query = select(rows.c.authority_id, Network.code, rows.c.rank, rows.c.address_key)
    query = query.join(Authority, Authority.id == rows.c.authority_id)
    networks, letters, ranks, domains = dict[int, str](), Counter[int](), dict[int, int](), dict[int, str]()
    for one, network, rank, key in session.execute(query.join(Network, Network.id == Authority.network_id)):
        networks[one], ranks[one] = network, min(rank, ranks.get(one, rank))
        letters[one] += not rank
        if not rank:
            domains[one] = min(key.rpartition("@")[2], domains.get(one, key.rpartition("@")[2]))
    stopped: dict[str, set[int]] = {}
    for one, rank in ranks.items():
        if (reason := audience.reason_of(rank)) is not None:
            stopped.setdefault(reason.value, set()).add(one)
    written = {one: count for one, count in letters.items() if count}
    return Read(networks, written, {reason: frozenset(theirs) for reason, theirs in stopped.items()}, domains)


def dates(session: Session, campaign: Campaign, *, now: datetime) -> list[PlannedWave]:
    """The waves of a campaign by its own dates, or by its first wave's where a command planned it; none without."""
    planned = min((wave.due_at for wave in campaign.waves), default=None)
    return planning.plan(session, campaign, now=now, start=None if campaign.starts_at else planned)


def why_not(session: Session, campaign: Campaign, *, now: datetime) -> str:
    """Why a campaign cannot be rehearsed, and what to do, in French; '' where it can."""
    if campaign.state in ENDED or any(wave.mailing_id for wave in campaign.waves):
        return "Une répétition précède le premier courriel : cette campagne a commencé, ou est finie."
    if not dates(session, campaign, now=now):
        return "Choisissez d’abord les dates : une répétition suit le calendrier."
    return ""


def refuse(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Raise Refused where a campaign cannot be rehearsed."""
    if why := why_not(session, campaign, now=now):
        raise Refused(why)


def of(
    session: Session,
    campaign: Campaign,
    *,
    now: datetime,
    rate: float = 0,
    rates_of_domains: Mapping[str, float] | None = None,
) -> Ground:
    """The ground of a rehearsal of a campaign that has not begun. `rate` is letters a second, 0 for as fast as can be;
    domains may have their own, `*` being that of each other one.

    Raises Refused, with what to do, where it has begun, has no dates, or would write to nobody.
    """
    refuse(session, campaign, now=now)
    waves, found = dates(session, campaign, now=now), read(session, campaign, now=now)
    if not found.letters:
        raise Refused("Cette campagne n’écrirait à personne : revoyez d’abord son public.")
    first, meant = today(waves[0].at), sorted(found.networks)
    per_authority = sum(found.letters.values()) / len(found.letters)
    strata, key_of = _strata(session, campaign, now)
    leaving = _departures(campaign, found, strata, key_of)
    sendings = []
    for wave in waves:
        whom = [one for one in meant if leaving.get(one, 1) == wave.departure] if wave.departure else meant
        counts = Counter(found.domains.get(one, "") for one in whom) or Counter({"": 1})
        each = {domain: own / per_authority for domain, own in (rates_of_domains or {}).items()}
        sendings.append(Sending(whom, slots_of_domains(wave.at, first, counts, rate / per_authority, each)))
    deadline = (waves[-1].deadline.day - first).days
    before = earlier.of_class(session, campaign, now=now)
    plan = Plan(found.networks, sendings, deadline, found.stopped, found.letters)
    last_share = before[-1].joined / len(before[-1].each) if before else None
    return Ground(found, waves, plan, earlier.behaviour(before), len(before), last_share, _could(strata, campaign))


def _strata(session: Session, campaign: Campaign, now: datetime) -> tuple[Stratified, dict[int, int]]:
    """The strata of a draw of those whom a campaign would write to now, and their keys by FASE number."""
    candidates = draw_plan.candidates(session, campaign, now=now)
    return stratified([one.listed for one in candidates]), {one.listed.fase: one.authority_id for one in candidates}


def _departures(campaign: Campaign, found: Read, strata: Stratified, key_of: Mapping[int, int]) -> dict[int, int]:
    """The departure of each authority as some draw would give it; none where departures are not drawn."""
    if not campaign.departure_gap:
        return {}
    some = draw.drawn(hashlib.sha256(found.digest.encode()).digest(), strata.strata)
    return {key_of[fase]: place + 1 for one in some for place, fases in enumerate(one.departures) for fase in fases}


def _could(strata: Stratified, campaign: Campaign) -> str:
    """What a draw among these authorities could see, in French."""
    if strata.drawn < SMALLEST_DRAW:
        return french.typeset(f"Un tirage au sort des départs demande {SMALLEST_DRAW} PO : ici, il ne montrerait rien.")
    sizes = [len(one.fases) for one in strata.strata]
    return sentences.planned(power.detectable(sizes, campaign.departure_gap or WINDOW))


def slots(begins: datetime, first: date, count: int, rate: float) -> list[tuple[int, int]]:
    """How many authorities may be written to on each day from an instant on, days counted from `first`.

    Letters that have begun to leave go on overnight; `rate` is authorities a second, 0 for as fast as can be.
    """
    day, told = (today(begins) - first).days, list[tuple[int, int]]()
    if not rate:
        return [(day, count)]
    while sum(room for _, room in told) < count:
        told.append((day, _room(begins, first, day, rate)))
        day += 1
    return told


def slots_of_domains(
    begins: datetime, first: date, counts: Counter[str], rate: float, rates: Mapping[str, float]
) -> list[tuple[int, int]]:
    """How many authorities may be written to on each day, by how many there are of each domain: a domain with a rate
    of its own takes its letters beside the others, and all together keep to `rate`."""
    may_leave = Counter[int]()
    for domain, count in counts.items():
        left = count
        for day, room in slots(begins, first, count, rates.get(domain, rates.get("*", 0))):
            may_leave[day] += min(room, left)
            left -= min(room, left)
    told, waiting, day = list[tuple[int, int]](), 0, min(may_leave)
    while sum(room for _, room in told) < counts.total():
        waiting += may_leave[day]
        leaving = min(waiting, _room(begins, first, day, rate)) if rate else waiting
        waiting -= leaving
        told += [(day, leaving)] if leaving else []
        day += 1
    return told


def _room(begins: datetime, first: date, day: int, rate: float) -> int:
    """How many may leave on a day at a rate: on the first one until midnight, at least one."""
    begun = today(begins)
    if day > (begun - first).days:
        return int(DAY_SECONDS * rate) or 1
    midnight = datetime.combine(begun + timedelta(days=1), time(), BRUSSELS)
    return max(int((midnight - begins).total_seconds() * rate), 1)
