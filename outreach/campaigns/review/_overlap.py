"""Waves near a campaign's own: which of its authorities get another letter within a week, and on which day."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Select, case, distinct, func, literal, select, union_all
from sqlalchemy.orm import joinedload

from outreach.campaigns import planning, segments
from outreach.campaigns.models import ON_ITS_WAY, Campaign, Wave
from outreach.campaigns.planning import ClosingRule, PlannedWave
from outreach.campaigns.segments import Audience, Concerns, CriteriaContext
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError
from outreach.delivery.models import Message, MessageState

NEAR = timedelta(days=7)
NAMED = 3
FEW = 10  # shared authorities are few up to one in so many
LEFT_OR_WAITS = (MessageState.QUEUED, MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class NearDay:
    """A day on which some of a campaign's authorities get another letter, or got one: their number, and from what.

    `titles` are the names of the other campaigns, '' that of the campaign itself.
    """

    day: date
    authorities: int
    titles: Sequence[str]

    @property
    def is_own(self) -> bool:
        """Whether a wave of the campaign itself left on that day."""
        return "" in self.titles

    def in_words(self, now: datetime) -> str:
        """A French sentence: "190 de ces PO reçoivent déjà un courriel le 8 décembre (« Rappel »)."."""
        this, several = today(now), self.authorities > 1
        verb = "reçoivent déjà" if several else "reçoit déjà"
        day = french.spelt_day(self.day, french.OF_YEAR if self.day.year == this.year else french.WHOLE)
        named = ", ".join(f"« {title} »" if title else "cette campagne" for title in self.titles[:NAMED])
        rest = len(self.titles) - NAMED
        more = f" et {french.plural(rest, 'autre campagne', 'autres campagnes')}" if rest > 0 else ""
        those = f"{french.number(self.authorities)} de ces PO"
        if self.day < this:
            return f"Un courriel est déjà parti à {those} le {day} ({named}{more})."
        return f"{those} {verb} un courriel le {day} ({named}{more})."


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The waves near those that a campaign plans: their days, and the campaigns that share its authorities.

    `shared` counts the authorities, each once, that `campaigns` (how many each has of them) write to as well; the
    campaign itself is one of these where other waves of its own are near. `of_others` are those that others share.
    """

    days: Sequence[NearDay] = ()
    shared: int = 0
    of_others: int = 0
    campaigns: Sequence[tuple[Campaign, int]] = ()

    def are_many(self, written: int) -> bool:
        """Whether they share more than a tenth of so many authorities: an approver has to have seen it."""
        return self.shared * FEW > written

    def ticked_off(self, seen: int) -> str:
        """What an approver knew of it, for the history. Raises InputError when more are shared than were `seen`."""
        shared = french.number(self.shared)
        if seen < self.shared:
            raise InputError(
                f"{shared} PO de ce public reçoivent un autre courriel dans les sept jours : cochez que vous "
                "l’avez vu, ou renvoyez l’envoi à la rédaction."
            )
        return f"en sachant que {shared} PO reçoivent un autre courriel dans les sept jours"


def near(
    session: Session,
    campaign: Campaign,
    planned: Sequence[PlannedWave],
    *,
    now: datetime,
    meant: Audience | None = None,
) -> Neighbours:
    """Other waves within a week of one that a campaign plans, that reach some of its authorities.

    A wave that was launched counts for whom its letters left or still wait; one that is planned, or paused before that,
    for whom it would be launched now. All are counted in one statement. Waves of the campaign itself count once they
    were launched, unless it is under way: then they are those it plans. All of them count beside a reminder that is
    added to it, which `meant` is the audience of. The letter that a correction corrects does not count.
    """
    instants, is_added = [wave.at for wave in planned if wave.at >= now], meant is not None
    waves = _near_waves(session, campaign, instants, now, is_added=is_added)
    if not waves:
        return Neighbours()
    met = _met(session, campaign, waves, now, meant).cte("near")
    count, is_other = func.count(distinct(met.c.authority_id)), met.c.campaign_id != campaign.id
    by_campaign = select(literal("campaign"), met.c.campaign_id, count)
    every = union_all(
        select(literal("day"), met.c.day, count).group_by(met.c.day),
        by_campaign.group_by(met.c.campaign_id),
        select(literal("all"), literal(0), count),
        select(literal("others"), literal(0), count).where(is_other),
    )
    counts: dict[str, dict[int, int]] = defaultdict(dict)
    for kind, key, total in session.execute(every):
        counts[kind][key] = total
    titles: dict[date, dict[str, None]] = defaultdict(dict)
    for wave in waves:
        titles[today(wave.due_at)]["" if wave.campaign is campaign else wave.campaign.title] = None
    days = {date.fromordinal(day): total for day, total in counts["day"].items()}
    sharing = {wave.campaign: counts["campaign"].get(wave.campaign_id, 0) for wave in waves}
    return Neighbours(
        [NearDay(day, days[day], list(titles[day])) for day in sorted(days)],
        counts["all"].get(0, 0),
        counts["others"].get(0, 0),
        [(one, total) for one, total in sharing.items() if total],
    )


def shared_with_others(session: Session, campaign: Campaign, *, now: datetime) -> set[int]:
    """The keys of the authorities that `Neighbours.of_others` counts, of the waves that a campaign plans."""
    planned = ClosingRule.of(session, campaign, now=now).waves(campaign)
    waves = _near_waves(session, campaign, [wave.at for wave in planned if wave.at >= now], now)
    if not waves:
        return set()
    met = _met(session, campaign, waves, now, None).subquery()
    return set(session.scalars(select(met.c.authority_id).where(met.c.campaign_id != campaign.id).distinct()))


def _met(
    session: Session, campaign: Campaign, waves: Sequence[Wave], now: datetime, meant: Audience | None
) -> Select[Any]:
    """Whom waves reach of those that a campaign would write to: columns day (ordinal), campaign_id, authority_id."""
    context = partial(planning.context_of, session, now=now)
    own = segments.audience_rows(meant or planning.audience_of(campaign), context(campaign))
    other = union_all(*_launched(waves), *_planned(waves, context, now)).subquery()
    written = select(own.c.authority_id).where(own.c.rank == 0)
    return select(other.c.day, other.c.campaign_id, other.c.authority_id).where(other.c.authority_id.in_(written))


def _near_waves(
    session: Session, campaign: Campaign, instants: Sequence[datetime], now: datetime, *, is_added: bool = False
) -> list[Wave]:
    """The waves to count, in order of their dates; of the campaign itself, all where a reminder `is_added` to it."""
    if not instants:
        return []
    around = NEAR + timedelta(days=1)
    query = select(Wave).where(Wave.due_at.between(min(instants) - around, max(instants) + around))
    with_all = joinedload(Wave.campaign).selectinload(Campaign.waves).joinedload(Wave.mailing)
    found = session.scalars(query.options(with_all).order_by(Wave.due_at, Wave.id))
    days = {today(at) for at in instants}
    is_under_way = any(wave.state in ON_ITS_WAY for wave in campaign.waves)
    corrected = _corrected(session, campaign, now)
    return [
        wave
        for wave in found
        if any(abs(today(wave.due_at) - day) <= NEAR for day in days)
        and (_is_launched(wave) or wave.state in ON_ITS_WAY)
        and (wave.campaign is not campaign or is_added or (_is_launched(wave) and not is_under_way))
        and wave.mailing_id not in corrected
    ]


def _corrected(session: Session, campaign: Campaign, now: datetime) -> set[int]:
    """The keys of the mailings that a campaign corrects; none where it is no correction."""
    if Concerns(campaign.concerns) is not Concerns.LISTED:
        return set()
    context, letters = (
        planning.context_of(session, campaign, now=now),
        segments.corrected_mailings(planning.criterion_of(campaign)),
    )
    return {key for letter in letters for key in session.scalars(letter.mailing_keys(context))}


def _is_launched(wave: Wave) -> bool:
    return wave.mailing is not None and wave.mailing.filled_at is not None


def _launched(waves: Sequence[Wave]) -> Iterator[Select[Any]]:
    """The authorities that letters of launched waves reach: columns day (its ordinal), campaign_id, authority_id."""
    launched = [wave for wave in waves if _is_launched(wave)]
    if launched:
        days = {wave.mailing_id: today(wave.due_at).toordinal() for wave in launched}
        campaigns = {wave.mailing_id: wave.campaign_id for wave in launched}
        yield select(
            case(days, value=Message.mailing_id).label("day"),
            case(campaigns, value=Message.mailing_id).label("campaign_id"),
            Message.authority_id,
        ).where(Message.mailing_id.in_(list(days)), Message.authority_id.is_not(None), Message.state.in_(LEFT_OR_WAITS))


def _planned(
    waves: Sequence[Wave], context: Callable[[Campaign], CriteriaContext], now: datetime
) -> Iterator[Select[Any]]:
    """As `_launched`, of planned waves. An audience is read once, however many waves of a campaign with it are near."""
    days: dict[tuple[int, bool, int | None], set[int]] = defaultdict(set)
    examples: dict[tuple[int, bool, int | None], Wave] = {}
    for wave in waves:
        if not _is_launched(wave):
            kind = (wave.campaign_id, wave.added_reminder_id is not None, wave.departure)
            days[kind].add(today(wave.due_at).toordinal())
            examples[kind] = wave
    for kind, its_days in days.items():
        wave = examples[kind]
        rows = segments.audience_rows(planning.planned_of(wave, now=now), context(wave.campaign))
        meant = select(rows.c.authority_id).where(rows.c.rank == 0).distinct().cte()
        for day in sorted(its_days):
            yield select(
                literal(day).label("day"), literal(wave.campaign_id).label("campaign_id"), meant.c.authority_id
            )
