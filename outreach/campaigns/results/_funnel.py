"""The course of a campaign, of authorities and of schools: from recipients to joinings, and day by day."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from sqlalchemy import CTE, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.planning import launched_mailings
from outreach.campaigns.results._actions import by_network
from outreach.campaigns.results._figures import Figure, Results
from outreach.campaigns.results._openings import are_measured
from outreach.campaigns.segments import Concerns
from outreach.core.db import Session, UtcDateTime
from outreach.core.tables import BATCH
from outreach.core.text.dates import today
from outreach.delivery.models import Message
from outreach.engagement import tracking
from outreach.engagement.replies import Response, ResponseSchool
from outreach.engagement.tracking import Asked, Measured

WAY = (Figure.CONCERNED, Figure.RECIPIENTS, Figure.HANDED_OVER, Figure.ANSWERED, Figure.JOINED_SINCE)
MOST_DAYS = 92  # of a longer course, one day in seven is told


@dataclass(frozen=True, slots=True)
class WayStep:
    """A step of the way: how many authorities came so far, and how many schools; `declared` ones are not among them."""

    figure: Figure
    authorities: int
    schools: int
    declared: int = 0
    declared_schools: int = 0


@dataclass(frozen=True, slots=True)
class DayCount:
    """What had come at the end of a day. A school counts as declared or as confirmed, by the word that holds now; a
    machine's openings are left out.
    """

    day: date
    answered: int
    answered_schools: int
    declared: int
    declared_schools: int
    joined_since: int
    joined_since_schools: int
    opened: int
    clicked: int


@dataclass(frozen=True, slots=True)
class WaveYield:
    """What came after a wave, in authorities: to how many it was sent, how many of these answered, and how
    many joined from the day of their letter until that of the next wave: declared, and confirmed.
    """

    wave: Wave
    day: date
    sent: int
    answered: int
    declared: int
    joined_since: int


@dataclass(frozen=True, slots=True)
class Course:
    """The way from recipients to joinings, and the days since the first wave; `waves` left on these days.

    `yields` are those waves with what came after each. `counts_openings`: the letters carry a picture that counts them.
    """

    way: Sequence[WayStep]
    days: Sequence[DayCount]
    waves: Sequence[tuple[date, Wave]]
    counts_openings: bool = True
    yields: Sequence[WaveYield] = ()

    @property
    def has_openings(self) -> bool:
        """Whether an opening or a click may be shown."""
        return bool(self.days and (self.days[-1].opened or self.days[-1].clicked))


def campaign_course(
    session: Session, campaign: Campaign, results: Results, measured: Iterable[Measured], *, now: datetime
) -> Course:
    """The course until now of a campaign whose results, openings and clicks are these."""
    asked = Asked(launched_mailings(campaign), today(now))
    answered, answered_schools = (_days_of_answers(session, asked, each) for each in _ANSWERING)
    authorities, schools = results.counts.authorities, results.counts.schools
    declared = {Figure.JOINED_SINCE: (authorities[Figure.DECLARED], schools[Figure.DECLARED])}
    way = [
        WayStep(figure, authorities[figure], schools[figure], *declared.get(figure, (0, 0)))
        for figure in WAY
        if authorities.is_told(figure)
    ]
    waves = [(_left_on(wave), wave) for wave in campaign.waves if wave.mailing_id in asked.mailings]
    if not waves:
        return Course(way, [], [], are_measured(campaign))
    opened, clicked = Counter[date](), Counter[date]()
    for group in measured:
        opened += group.opened_on
        clicked += group.clicked_on
    series = (
        answered,
        answered_schools,
        *_days_of_joinings(session, campaign, results.classed.listed),
        opened,
        clicked,
    )
    start = min(day for day, _ in waves)
    yields = _yields(session, waves, asked, now)
    return Course(way, _told(start, max(today(now), start), series), waves, are_measured(campaign), yields)


_ANSWERING = (Response.authority_id, ResponseSchool.school_id)


def _days_of_answers(session: Session, asked: Asked, each: InstrumentedAttribute[int]) -> Counter[date]:
    """How many authorities (or schools) were first answered for on each day, by answers from these letters."""
    first = func.min(Response.given_at, type_=UtcDateTime())
    query = select(first).join(Message, Message.id == Response.message_id)
    if each is ResponseSchool.school_id:
        query = query.join(ResponseSchool, ResponseSchool.response_id == Response.id)
    query = query.where(Message.mailing_id.in_(asked.mailings), Response.is_a_reaction()).group_by(each)
    return Counter(map(today, session.scalars(query.execution_options(yield_per=BATCH))))


def _days_of_joinings(session: Session, campaign: Campaign, listed: CTE) -> list[Counter[date]]:
    """How many authorities and schools declare to have joined, then how many have joined since, by the first day.

    They are those of the counts. What was declared of a day before the letter has no day in the course but its first.
    """
    if campaign.concerns is Concerns.JOINED:
        return [Counter() for _ in range(4)]
    columns = (listed.c[name] for name in ("authority_id", "school_id", "effective_on", "declared"))
    query = select(*columns).where(or_(listed.c.declared == 1, listed.c.joined_since == 1))
    first = [dict[int, date]() for _ in range(4)]
    for authority, school, day, declared in session.execute(query.execution_options(yield_per=BATCH)):
        for days, key in zip(first[:2] if declared else first[2:], (authority, school), strict=True):
            days[key] = min(day, days.get(key, day))
    return [Counter(days.values()) for days in first]


def _yields(session: Session, waves: Sequence[tuple[date, Wave]], asked: Asked, now: datetime) -> list[WaveYield]:
    """What came after each wave, in two statements."""
    sums = by_network(session, [wave for _, wave in waves], now)
    joined: dict[tuple[int, str], Counter[date]] = {}
    for mailing, kind, day, count in session.execute(tracking.joined_after(asked)):
        joined.setdefault((mailing, kind), Counter())[day] += count
    ordered, yields = sorted(waves, key=lambda left: (left[0], left[1].number)), []
    for (day, wave), following in zip(ordered, [*(day for day, _ in ordered[1:]), date.max], strict=True):
        mailing = wave.mailing_id or 0
        declared, confirmed = (
            sum(count for when, count in joined.get((mailing, kind), Counter()).items() if when < following)
            for kind in ("declared", "joined_since")
        )
        sent, answered = (sum(sums[mailing][name].values()) for name in ("sent", "answered"))
        yields.append(WaveYield(wave, day, sent, answered, declared, confirmed))
    return yields


def _left_on(wave: Wave) -> date:
    """The day on which a wave left: its recipients may have been written down a little before it was due."""
    return today(max(wave.due_at, wave.mailing.created_at) if wave.mailing else wave.due_at)


def _told(start: date, end: date, series: Iterable[Counter[date]]) -> list[DayCount]:
    """The sums at the end of each day from start to end. What came before (a joining of an earlier day that was only
    known later) counts on the first day.
    """
    span = (end - start).days + 1
    sums = []
    for daily in series:
        by_day = [0] * span
        for day, count in daily.items():
            by_day[min(max((day - start).days, 0), span - 1)] += count
        sums.append(list(accumulate(by_day)))
    step = 1 if span <= MOST_DAYS else 7
    chosen = sorted({*range(0, span, step), span - 1})
    return [DayCount(start + timedelta(days=place), *(total[place] for total in sums)) for place in chosen]
