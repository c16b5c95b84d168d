"""Converts local times in Brussels to instants, also in the nights when the clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from outreach.days import BRUSSELS, FIRST, LAST, today
from outreach.errors import InputError
from outreach.french import spelt_day, spelt_hour

FARTHEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class BrusselsMoment:
    """An instant, and a note in French when its local time is skipped or repeated, or ''."""

    at: datetime
    note: str = ""


def moment_of(wall: datetime) -> BrusselsMoment:
    """The instant at which a clock in Brussels shows this local time (without zone).

    A time that the spring change skips becomes an hour later. For a time that the autumn change repeats, it is the
    first of the two. Both add a note.
    """
    first = wall.replace(tzinfo=BRUSSELS, fold=0)
    at = first.astimezone(UTC)
    shown = at.astimezone(BRUSSELS).replace(tzinfo=None)
    if shown != wall:
        return BrusselsMoment(
            at, f"{wall:%d/%m/%Y} : {wall:%H h %M} n’existe pas (heure d’été), ce sera {shown:%H h %M}."
        )
    if wall.replace(tzinfo=BRUSSELS, fold=1).utcoffset() != first.utcoffset():
        return BrusselsMoment(
            at, f"{wall:%d/%m/%Y} : {wall:%H h %M} existe deux fois (heure d’hiver), c’est la première."
        )
    return BrusselsMoment(at)


def read_moment(text: str) -> BrusselsMoment:
    """Reads a local date and time in Brussels, as an operator writes it: 2021-05-18 09:30.

    Raises InputError when the text has another form, or its date is outside this century.
    """
    try:
        wall = datetime.strptime(text.strip().replace("T", " "), "%Y-%m-%d %H:%M")  # noqa: DTZ007 - a local time
    except ValueError:
        raise InputError(f"« {text[:40]} » n’est pas un moment : écrivez 2021-05-18 09:30.") from None
    if not FIRST <= wall.date() < LAST:
        raise InputError(f"« {text[:40]} » n’est pas entre 2000 et 2099.")
    return moment_of(wall)


def read_past(text: str, *, now: datetime) -> datetime:
    """The past instant that a text names: 2021-05-12 14:00 in Brussels, the end of the day 2021-05-12, or an instant as
    JSON has it. Of today without an hour, it is now.

    Raises InputError when the text has another form, or its instant is still to come.
    """
    stated = "".join(character for character in text if character.isprintable()).strip()
    at = _instant(stated) or _end_of_day(stated, now) or read_moment(stated).at
    if at > now:
        raise InputError("Ce moment est dans l’avenir : on ne sait pas encore ce qui sera connu.")
    return at


def end_of(day: date) -> datetime:
    """The last instant of a day in Brussels."""
    return moment_of(datetime.combine(day, time.max)).at


def until(day: date, known_at: datetime | None) -> datetime:
    """The moment until which a situation of a day counts: its end, or the earlier moment whose knowledge is shown."""
    ends = end_of(day)
    return min(ends, known_at) if known_at else ends


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo and FIRST <= at.date() < LAST else None


def _end_of_day(text: str, now: datetime) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    if not FIRST <= day < LAST:
        raise InputError(f"« {text[:40]} » n’est pas entre 2000 et 2099.")
    return now if day == today(now) else end_of(day)


def spelt_moment(at: datetime) -> str:
    """An instant in French words, in Brussels time: "18 mai 2021 à 9 h 30"."""
    local = at.astimezone(BRUSSELS)
    return f"{spelt_day(local.date())} à {spelt_hour(local)}"


def refuse_far_away(at: datetime, now: datetime) -> None:
    """Raises InputError when the instant of a sending is past, or more than two years (730 days) ahead."""
    if at < now:
        raise InputError("Ce moment est passé : choisissez une date à venir.")
    if at - now > FARTHEST:
        raise InputError("Ce moment est à plus de deux ans : choisissez une date plus proche.")


def school_year(now: datetime) -> datetime:
    """The start of the school year, taken as 16 August: precise enough for a count."""
    day = today(now)
    first = date(day.year if day >= date(day.year, 8, 16) else day.year - 1, 8, 16)
    return now.replace(year=first.year, month=first.month, day=first.day, hour=0, minute=0, second=0, microsecond=0)
