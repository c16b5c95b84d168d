"""Scales: the round numbers and days at the axes of a chart, and where values and days stand between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from outreach import french

MOST_STEPS = 5
DAYS = (1, 2, 7, 14)  # from one tick to the next, while months would be too few
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from one number to another, and the pixels where it begins and ends."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value stands; the start where all values are one."""
        span = (self.high - self.low) or 1
        return round(self.start + (self.end - self.start) * (value - self.low) / span, 1)


def levels(most: int) -> list[int]:
    """Round whole numbers in equal steps, from 0 to the first that is not below `most`: 0, 20, 40, 60 for 57."""
    step, scale = 1, 1
    while True:
        for factor in (1, 2, 5):
            step = factor * scale
            if step * MOST_STEPS >= max(most, 1):
                return [step * place for place in range(-(-max(most, 1) // step) + 1)]
        scale *= 10


def day_ticks(first: date, last: date, most: int) -> Sequence[tuple[date, str]]:
    """At most so many days at equal steps from `first` to `last`, with their labels: "12 mai", or "mai 2021"."""
    span = (last - first).days
    for step in DAYS:
        if span // step < most:
            days = [first + timedelta(place) for place in range(0, span + 1, step)]
            return [(day, french.spelt_day(day, french.SHORT)) for day in days]
    beginnings = _months(first, last)
    for step in MONTHS:
        kept = [day for day in beginnings if (day.year * 12 + day.month - 1) % step == 0]
        if len(kept) <= most:
            return [(day, french.short_month(day)) for day in kept]
    return []


def _months(first: date, last: date) -> list[date]:
    """The first days of the months from one day to another."""
    numbers = range(first.year * 12 + first.month - (first.day == 1), last.year * 12 + last.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]
