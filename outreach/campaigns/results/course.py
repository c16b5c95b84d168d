"""The course of a campaign, of authorities and of schools: from recipients to joinings, and day by day."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from outreach.adherence.models import Word
from outreach.campaigns.audiences import launched
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.results.figures import Figure, Results, figures
from outreach.campaigns.results.openings import are_measured
from outreach.days import today
from outreach.measuring.hits import Measured

WAY = (Figure.RECIPIENTS, Figure.DELIVERED, Figure.ANSWERED, Figure.JOINED)  # in the order of the table of networks
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
    """What had come at the end of a day. Joinings are declared or confirmed; a machine's openings are left out."""

    day: date
    answered: int
    answered_schools: int
    joined: int
    joined_schools: int
    opened: int
    clicked: int


@dataclass(frozen=True, slots=True)
class Course:
    """The way from recipients to joinings, and the days since the first wave; `waves` left on these days.

    `counts_openings`: the letters carry a picture that counts them.
    """

    way: Sequence[WayStep]
    days: Sequence[DayCount]
    waves: Sequence[tuple[date, Wave]]
    counts_openings: bool = True

    @property
    def has_openings(self) -> bool:
        """Whether an opening or a click may be shown."""
        return bool(self.days and (self.days[-1].opened or self.days[-1].clicked))


def of(campaign: Campaign, results: Results, measured: Iterable[Measured], *, now: datetime) -> Course:
    """The course until now of a campaign whose results, openings and clicks are these."""
    mailings = launched(campaign)
    joined = [school for school in results.listed if school.has_left and school.joined_on is not None]
    words = {school.school: school.word for school in joined}
    confirmed = sum(word is Word.CONFIRMED for word in words.values())
    answered = _first((given.authority, today(given.at)) for given in results.given)
    answered_schools = _first((given.school, today(given.at)) for given in results.given if given.school is not None)
    schools = {
        Figure.RECIPIENTS: len({school.school for school in results.listed}),
        Figure.DELIVERED: len({school.school for school in results.listed if school.is_delivered}),
        Figure.ANSWERED: len(answered_schools),
        Figure.JOINED: confirmed,
    }
    declared = {Figure.JOINED: (len(results.behind[Figure.DECLARED]), len(words) - confirmed)}
    way = [
        WayStep(figure, len(results.behind[figure]), schools[figure], *declared.get(figure, (0, 0)))
        for figure in WAY
        if figure in figures(campaign)
    ]
    waves = [(_left_on(wave), wave) for wave in campaign.waves if wave.mailing_id in mailings]
    if not waves:
        return Course(way, [], [], are_measured(campaign))
    opened, clicked = Counter[date](), Counter[date]()
    for group in measured:
        opened += group.opened_on
        clicked += group.clicked_on
    series = (
        Counter(answered.values()),
        Counter(answered_schools.values()),
        Counter(_first((school.authority, school.joined_on) for school in joined if school.joined_on).values()),
        Counter(_first((school.school, school.joined_on) for school in joined if school.joined_on).values()),
        opened,
        clicked,
    )
    start = min(day for day, _ in waves)
    return Course(way, _told(start, max(today(now), start), series), waves, are_measured(campaign))


def _first(dated: Iterable[tuple[int, date]]) -> dict[int, date]:
    """The first day of each key."""
    first: dict[int, date] = {}
    for key, day in dated:
        first[key] = min(day, first.get(key, day))
    return first


def _left_on(wave: Wave) -> date:
    """The day on which a wave left: its recipients may have been written down a little before it was due."""
    return today(max(wave.due_at, wave.mailing.created_at) if wave.mailing else wave.due_at)


def _told(start: date, end: date, series: Iterable[Counter[date]]) -> list[DayCount]:
    """The sums at the end of each day from start to end. What came before (a joining of an earlier day that was only
    known later) counts on the first day.
    """
    span = (end - start).days + 1
    sums = []
    for counts in series:
        by_day = [0] * span
        for day, count in counts.items():
            by_day[min(max((day - start).days, 0), span - 1)] += count
        sums.append(list(accumulate(by_day)))
    step = 1 if span <= MOST_DAYS else 7
    chosen = sorted({*range(0, span, step), span - 1})
    return [DayCount(start + timedelta(days=place), *(total[place] for total in sums)) for place in chosen]
