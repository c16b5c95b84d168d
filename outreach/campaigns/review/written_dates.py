"""Dates that a letter's author typed as the last day to answer, compared with the campaign's own last day."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date

from outreach import french
from outreach.campaigns.schedule.planning import PlannedWave
from outreach.days import MONTHS

SPACE = re.compile(r"\s")
WEEKDAYS = "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
CUE = (
    r"(?P<cue>avant le|au plus tard le|pour le|jusqu[’']au|d[’']ici (?:le|au)|"
    r"date limite(?: de réponse)?(?: est(?: fixée)?)?(?: ?:)?(?: le| au)?)"
)
SPELT = rf"(?P<day>\d{{1,2}})(?:er)? (?P<month>{'|'.join(MONTHS)})(?: (?P<year>\d{{4}}))?"
FIGURES = r"(?P<day2>\d{1,2})[/.](?P<month2>\d{1,2})(?:[/.](?P<year2>\d{4}))?"
LIMIT = re.compile(rf"\b{CUE}[ *]{{1,4}}(?:(?:{WEEKDAYS}) )?(?P<date>{SPELT}|{FIGURES})\b", re.IGNORECASE)
ASKS = re.compile(r"répon|vérif|dites|date limite", re.IGNORECASE)  # other dates of a letter are no last day to answer
RIGHT = "au plus tard le ((date_limite))"
EXCLUDES = re.compile(r"\bavant le[ *]{1,4}\(\(\s*date_limite\b", re.IGNORECASE)


def remarks(subject: str, letter: str, waves: Sequence[PlannedWave]) -> list[str]:
    """What does not agree with the last days to answer these waves, a French sentence for each, with the line."""
    found = []
    for number, line in enumerate([subject, *letter.split("\n")]):
        where = f"Ligne {number}" if number else "Objet"
        found += [f"{where} : {said}" for said in _of_line(line, waves)]
    return found


def _of_line(line: str, waves: Sequence[PlannedWave]) -> Iterator[str]:
    text = SPACE.sub(" ", unicodedata.normalize("NFC", line))
    if EXCLUDES.search(text):
        yield f"« avant le » exclut la date limite elle-même : écrivez « {RIGHT} »."
    for match in LIMIT.finditer(text) if ASKS.search(text) else ():
        others = [wave for wave in waves if not _is_on(match, wave.deadline.day)]
        if others:
            day = french.day(others[0].deadline.day)
            whose = f" de la {others[0].name}" if len({wave.deadline.day for wave in waves}) > 1 else ""
            yield f"« {match[0]} » n’est pas la date limite{whose}, le {day} : écrivez « {RIGHT} »."
        elif waves and match["cue"].casefold() == "avant le":
            yield f"« {match[0]} » exclut ce jour, qui est la date limite : écrivez « {RIGHT} »."


def _is_on(match: re.Match[str], day: date) -> bool:
    """Whether a date that was typed is this day; one without a year is that of any."""
    month = MONTHS.index(match["month"].casefold()) + 1 if match["month"] else int(match["month2"])
    year = match["year"] or match["year2"]
    return (int(match["day"] or match["day2"]), month) == (day.day, day.month) and int(year or day.year) == day.year
