"""Dates that a letter's author typed as the last day to answer, compared with the campaign's own last day.

Every date of the text is found by one grammar (`days.written_in`, and `days.spans_in` for « sous 15 jours »). The words
of its sentence, before and after it, then say whether it is a last day to answer: the words at it ("avant le"), and
whether its clause asks for an answer.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from outreach.campaigns.planning import PlannedWave
from outreach.core.text import french
from outreach.core.text.dates import WEEKDAYS, WrittenDay, WrittenSpan, spans_in, today, written_in
from outreach.delivery.letters import DEADLINE_FIELD, FIELD_OR_ADDRESS, TAG

RIGHT = "au plus tard le ((date_limite))"
NEAR = 240  # characters that are read on either side of a date, so that time is by the length of the text
SAME_LENGTH = str.maketrans("àâäçéèêëîïôöùûüÿ’", "aaaceeeeiioouuuy'")
MARKS = re.compile(r"\*|(?<![^\W_])_|_(?![^\W_])")
HEADING, BLOCK = re.compile(r" {0,3}#"), re.compile(r" {0,3}(?:[-+|] |\||\d{1,9}[.)] )|\s*$")
SENTENCE_END = re.compile(r"(?<!\bM)(?<!\bMme)[.!?](?=\s{1,4}[A-ZÀ-ÖØ-Þ«(])|\n")
CLAUSE_END = re.compile(r"[:;–—]")

# The words right before and right after a date, in small letters without accents.
_LIMIT = (
    r"(?:date|jour|heure) (?:limite|ultime|butoir)|(?:derniere?|ultime) (?:date|delai|jour|limite|echeance)"
    r"|echeance|delai"
)
_LINK = r"(?:[ ,:(«|]{1,3}+(?:(?:est|sera|reste|fixee?s?|reportee?s?|prolongee?s?|au|a|le|la|ce)\b)?+){1,6}+\Z"
OVER_BEFORE = re.compile(r"\b(?:passee?|au[- ]dela)(?: du| le| ce)? \Z")
SURE_BEFORE = re.compile(
    rf"\b(?:au plus tard{_LINK}|(?:{_LIMIT}) du \Z"
    rf"|(?:{_LIMIT})(?: (?:de|des|d'|du|pour) ?\w{{1,20}}+(?: \w{{1,20}}+){{0,3}}?)?{_LINK})"
)
_CLOSES = r"clotur\w{1,9}(?: (?:de|des|d'|du) ?\w{1,20}+)?|(?:se )?termine\w{0,5}|pren\w{1,9} fin"
LIKELY_BEFORE = re.compile(
    r"\b(?:(?:avant|pour|jusqu'(?=a)|d'ici|entre le \w{1,9}(?: \w{1,9})? et|ouverte?s? du \w{1,9}(?: \w{1,9}){0,2} au"
    rf"|attendue?s?|souhaitee?s?|parvenir|{_CLOSES}|apres)(?=\W){_LINK}|jusqu'(?:a|au)(?: le| ce| la)? \Z)"
)
OPENS_WITH_CLOSING = re.compile(rf"\A\W{{0,9}}cloture{_LINK}")
# Before a length of time, and after one that does not run from the day on which the letter is sent.
WITHIN = re.compile(
    r"\b(?:sous|(?:sous|dans|endeans) (?:les?|la)|endeans|dans(?: un| le)? delai (?:maximum |maximal )?de"
    r"|(?:sous|dans) un delai (?:maximum |maximal )?de|d'ici(?: a)?|avant|vous (?:avez|disposez de)|il vous reste) \Z"
)
FROM_ANOTHER_DAY = re.compile(
    r",? (?:qui (?:suiv|preced)\w{1,4}|(?:suiv|preced)ant\w{0,2}|apres|avant|d[eu]s?\b|d'"
    r"|(?:a|des) (?:compter|partir|dater) d\w{0,2})"
    r"(?!\W{0,2}(?:la |le |l'|cet? |ce |cette )?(?:reception|present|envoi|courriel|message))"
)
_HOUR = r"(?:[ ,(]{1,3}(?:a|avant) (?:midi|minuit|\d{1,2} ?(?:h|heures)(?: ?\d\d)?)\)?)?"
SURE_AFTER = re.compile(
    rf"{_HOUR}[ ,()–|-]{{1,4}}(?:(?:est|sera|reste|constitue) )?(?:(?:la|le|l'|votre|notre) ?)?"
    rf"(?:au plus tard|{_LIMIT}|de rigueur)\b"
)
PLANNED = re.compile(r"\b(?:prevu|programme|planifie|annonce)e?s? \Z")
TOO_LATE = re.compile(r"\b(?:plus|tard|tardi\w{1,4}|clos\w{0,3}|ferme\w{0,3})\b")
# What its clause asks for: an answer, by a verb or only a noun, or something else.
WORDS = re.compile(
    r"""\b(?:
    (?P<other> (?:lanc|command|pay|achet|particip|assist|equip)(?:ez|er|ees?|es?)
      | (?:livr|install|factur|rembours|conserv|ferm|distribu|utilis|absen|valab|indisponib|depens)\w{1,12}
      | recue?s? | recevr\w{1,4}
      | repondu | adhere | envoyee?s? | transmise?s? | ecrite?s? | etai(?:t|ent) | demandai(?:t|ent)
      | conges? | cour[st] | effet | vigueur
      | nous[ ](?:\w{1,9}[ ]){0,2}\w{1,20}rons | (?:vous|y|leur)[ ](?:\w{1,9}[ ])?\w{1,20}r(?:a|ont) )
    | (?P<verb> repond(?:ez|re|ent) | inscri(?:vez|vent|re)
      | (?:verifi|confirm|renvoy|retourn|communiqu|adher|complet|signal|envoy|declar|manifest|indiqu|precis|enregistr
        |valid|depos)(?:ez|er|ent)
      | transmett(?:ez|re|ent) | remett(?:ez|re) | rempli(?:ssez|ssent|r) | choisi(?:ssez|ssent|r)
      | introdui(?:sez|re) | (?:dites|faites)(?=[ -](?:nous|le|la|les|part|savoir|parvenir|si|ou|ce|que)) | dire
      | attendons | parvenir | sans[ ]nouvelles )
    | (?P<noun> reponses? | inscriptions? | adhesions? | candidatures? | formulaires? | enquetes? | retours? | avis
      | decisions? | choix | delai )
    )\b""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _StatedDate:
    """A last day to answer as the text has it: its line, its words, the day (None for the campaign's own field)."""

    line: int
    said: str
    day: WrittenDay | WrittenSpan | None
    is_before: bool


@dataclass(frozen=True)
class _Text:
    """A subject or letter, of which the lines of a sentence are joined; `plain` is as long, in small bare letters."""

    text: str
    lines: Sequence[int]
    asks: bool
    plain: str = field(default="")

    @classmethod
    def of(cls, source: str, *, asks: bool) -> "_Text":
        """`asks`: an answer is asked for where no word says what is."""
        text = unicodedata.normalize("NFKC", TAG.sub("", source.replace("\r\n", "\n"))).replace("İ", "I")
        text = MARKS.sub("", FIELD_OR_ADDRESS.sub(_kept, text))
        lines = text.split("\n")
        joined = "".join(f"{line}{end}" for line, end in zip(lines, [*_ends(lines), ""], strict=True))
        starts = [0, *accumulate(len(line) + 1 for line in lines)]
        return cls(joined, starts, asks, joined.lower().translate(SAME_LENGTH))

    def stated(self) -> Iterator[_StatedDate]:
        """Every last day to answer."""
        fields = ((found.start(), found.end(), None) for found in DEADLINE_FIELD.finditer(self.text))
        days: list[WrittenDay | WrittenSpan] = [*written_in(self.text), *spans_in(self.text)]
        for start, end, day in (*fields, *((day.start, day.end, day) for day in days)):
            if words := self._words(start, end, is_span=isinstance(day, WrittenSpan)):
                first, last = words
                is_before = self.plain.startswith("avant", first) and not isinstance(day, WrittenSpan)
                line = bisect_right(self.lines, start) - 1
                yield _StatedDate(line, " ".join(self.text[first:last].split()), day, is_before)

    def _words(self, start: int, end: int, *, is_span: bool) -> tuple[int, int] | None:
        """Where the words of a last day begin and end; None where the date at this place is another one."""
        near = max(0, start - NEAR)
        opens = max((found.end() for found in SENTENCE_END.finditer(self.text, near, start)), default=near)
        closing = SENTENCE_END.search(self.text, end, end + NEAR)
        before, after = self.plain[opens:start], self.plain[end : closing.start() if closing else end + NEAR]
        if (found := (self._within if is_span else self._by_day)(before, after)) is None:
            return None
        begin, more = found
        return opens + begin, end + more

    def _within(self, before: str, after: str) -> tuple[int, int] | None:
        """Of a length of time: where its words begin in what is before it, and how many are after it."""
        found = WITHIN.search(before)
        if found is None or FROM_ANOTHER_DAY.match(after):
            return None
        is_asked = self._is_asked(before[: found.start()], after, default=self.asks)
        return (found.start(), 0) if is_asked else None

    def _by_day(self, before: str, after: str) -> tuple[int, int] | None:
        """The same of a date or of the campaign's field."""
        if over := OVER_BEFORE.search(before):
            return over.start(), 0
        if sure := SURE_BEFORE.search(before) or OPENS_WITH_CLOSING.match(before):
            return (sure.start(), 0) if self._is_asked(before, after, default=True) else None
        if later := SURE_AFTER.match(after):
            return (len(before), later.end()) if self._is_asked(before, after, default=True) else None
        likely = LIKELY_BEFORE.search(before)
        if likely is None or PLANNED.search(before, 0, likely.start()):
            return None
        if likely[0].startswith("apres") and not TOO_LATE.search(after):
            return None
        return (likely.start(), 0) if self._is_asked(before, after, default=self.asks) else None

    @staticmethod
    def _is_asked(before: str, after: str, *, default: bool) -> bool:
        """Whether an answer is asked for, as the nearest clause says that says what is: its last word before the date,
        else the first one after it.
        """
        earlier, later = CLAUSE_END.split(before), CLAUSE_END.split(after)
        for clause, is_before in (
            (earlier[-1], True),
            (later[0], False),
            *((clause, True) for clause in earlier[-2::-1]),
            *((clause, False) for clause in later[1:]),
        ):
            asked = None
            for found in WORDS.finditer(clause):
                if asked is None or (is_before and found.lastgroup != "noun"):
                    asked = found.lastgroup != "other"
            if asked is not None:
                return asked
        return default


def remarks(subject: str, letter: str, waves: Sequence[PlannedWave], *, preheader: str = "") -> list[str]:
    """What does not agree with the last days to answer these waves, a French sentence for each, with the line."""
    above = (("Objet", subject), ("Texte d’aperçu", preheader))
    read = (*((name, _Text.of(text, asks=True)) for name, text in above), ("", _Text.of(letter, asks=False)))
    return [
        f"{where or f'Ligne {stated.line + 1}'} : {said}"
        for where, text in read
        for stated in sorted(text.stated(), key=lambda one: one.line)
        if (said := _fault(stated, waves))
    ]


def _fault(stated: _StatedDate, waves: Sequence[PlannedWave]) -> str:
    if isinstance(stated.day, WrittenDay):
        return _fault_of_day(stated, stated.day, waves)
    if stated.day is not None:
        return _fault_of_span(stated.said, stated.day, waves)
    excluded = f"« avant le » exclut la date limite elle-même : écrivez « {RIGHT} »."
    return excluded if stated.is_before else ""


def _fault_of_day(stated: _StatedDate, day: WrittenDay, waves: Sequence[PlannedWave]) -> str:
    # A reminder may leave after the last day that it recalls: without its year, that day is the one behind.
    meant = [(wave, day.from_(min(today(wave.at), wave.deadline.day))) for wave in waves]
    if any(one is None for _, one in meant):
        return f"« {stated.said} » n’existe pas dans le calendrier : écrivez « {RIGHT} »."
    if others := [wave for wave, one in meant if one != wave.deadline.day]:
        right = french.day(others[0].deadline.day)
        whose = f" de la {others[0].name}" if len({wave.deadline.day for wave in waves}) > 1 else ""
        return f"« {stated.said} » n’est pas la date limite{whose}, le {right} : écrivez « {RIGHT} »."
    if waves and stated.is_before:
        return f"« {stated.said} » exclut ce jour, qui est la date limite : écrivez « {RIGHT} »."
    weekday = WEEKDAYS[waves[0].deadline.day.weekday()] if waves else ""
    if waves and day.weekday not in {"", weekday}:
        return f"« {stated.said} » est un {weekday} : écrivez « {RIGHT} »."
    return ""


def _fault_of_span(said: str, span: WrittenSpan, waves: Sequence[PlannedWave]) -> str:
    """What does not agree with the last day of a wave, counted from the day on which it leaves."""
    for wave in waves:
        meant = span.after(today(wave.at))
        if not {wave.deadline.day, wave.deadline.requested}.intersection(meant):
            whose = f" de la {wave.name}" if len(waves) > 1 else ""
            ends, day = french.day(meant[0]), french.day(wave.deadline.day)
            return f"« {said} » mène au {ends}, et la date limite{whose} est le {day} : écrivez « {RIGHT} »."
    return ""


def _kept(found: re.Match[str]) -> str:
    """The campaign's field of its last day as it stands, and nothing of an address or of another field's name."""
    return found[0] if DEADLINE_FIELD.fullmatch(found[0]) else " "


def _ends(lines: Sequence[str]) -> Iterator[str]:
    """What stands at the end of each line but the last: a space where its sentence may go on in the next one."""
    for line, following in pairwise(lines):
        begins = HEADING.match(line) or HEADING.match(following) or BLOCK.match(following)
        yield "\n" if begins and not line.rstrip().endswith((":", ";", ",")) else " "
