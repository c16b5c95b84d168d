"""The situation in French sentences, and what their words mean: the same on pages, in files and in notes.

Pages, exports, the command and notes take them from here. They are typeset, and each names its day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from outreach.access.scopes import AccessScope, of_federation, of_network, of_schools
from outreach.adherence import programmes
from outreach.adherence.models import Status, Strand
from outreach.adherence.situation._grouping import OUTSIDE, Grouping
from outreach.adherence.situation._situation import Bucket, Situation, SituationRow, Solicitation
from outreach.core.text import french
from outreach.directory.models import Level

KNOWN = "D’après ce qui était enregistré le"
OF_REACH = {"Ont réagi", "Présumés atteints"}
DEFINITIONS = (
    ("École concernée", "École inscrite au registre à cette date, qui organise le niveau visé par le volet."),
    ("PO", "Pouvoir organisateur d’au moins une école concernée à cette date."),
    *((one.label, one.facts.definition) for one in (*Bucket, Solicitation.UNSOLICITED, Solicitation.SOLICITED)),
    ("À la date", "À la fin de ce jour, heure de Bruxelles."),
    (
        KNOWN,
        "Selon ce qui était enregistré à ce moment, heure de Bruxelles. Les noms sont ceux d’aujourd’hui.",
    ),
    (
        "Zone, province",
        "Celles de l’école. Un pouvoir organisateur compte dans chaque zone où il a une école, une fois au total.",
    ),
    ("Fédération", "Celle qui représente le pouvoir organisateur pour le niveau visé par le volet."),
    ("Action", "Une vague de courriels. Ses nombres comptent des pouvoirs organisateurs, chacun une fois."),
    ("Visés", "Tous ceux que vise une vague partie, écartés compris."),
    ("Écrirait à", "Ceux à qui une vague prévue écrirait maintenant."),
    ("Destinataires", "Ceux à qui un courriel de la vague est parti, ou a été tenté."),
    ("Ont réagi", "Ont répondu, adhéré depuis leur courriel, été joints par téléphone ou suivi un lien avec accord."),
    ("Présumés atteints", "Rien n’est revenu du courriel depuis sept jours, de la lettre sur papier depuis dix."),
)


ORDINALS = {1: "premier", 2: "deuxième", 3: "troisième", 4: "quatrième"}
# What one school does, and what several do, by the figure's name, in the order of a sentence. « Sans réponse » is said
# where no letters were handed down, so that it has no parts.
OTHERS: dict[str, tuple[str, str]] = {
    **{one: one.facts.does for one in Bucket if one not in {Bucket.JOINED, Bucket.NOT_CONCERNED, Bucket.NONE}},
    **{one: one.facts.does for one in (*Solicitation, Bucket.NONE)},
}
# The same once the strand has closed: nobody is still to be written to.
OVER: dict[str, tuple[str, str]] = {Solicitation.UNSOLICITED: ("n’a pas été sollicitée", "n’ont pas été sollicitées")}
PROVINCE_NAMES = {"Bruxelles": "de Bruxelles", "Brabant wallon": "de la province du Brabant wallon"}


@dataclass(frozen=True, slots=True)
class FiguredSentence:
    """A sentence and the figures that it was made from, by name: those of `SituationRow.figures`, and `base`.

    It says no other figure than these; a share is one of them by another.
    """

    sentence: str
    figures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GroupAnswer(FiguredSentence):
    """The answer to "have all schools of this group joined?", with the group's code and the strand."""

    code: str
    strand: int


def situation_sentences(found: Situation, strands: Iterable[Strand]) -> list[str]:
    """One sentence a strand: « Au 15 mai 2021, 48 des 649 écoles secondaires (7,4 %) ont adhéré au premier volet. »

    Schools that are reported as gone have one more, which is said once where it is the same for several strands.
    """
    strands = list(strands)
    reported = [of_reported([found.total], one, found.scope) for one in strands]
    told = [of_strand(found, one) for one in strands], reported
    return list(dict.fromkeys(one.sentence for some in told for one in some if one is not None))


def of_strand(found: Situation, strand: Strand) -> FiguredSentence:
    """The sentence of a strand; before its opening it has no figures."""
    if strand.number in found.openings:
        return FiguredSentence(opening_in_words(strand.number, strand.opened_on, found.programme), {})
    figures = figures_of(found.total, strand.number)
    return FiguredSentence(french.typeset(_of_strand(found, figures, strand)), figures)


def of_declared(rows: Iterable[SituationRow], number: int, programme: str = "") -> FiguredSentence | None:
    """What rows leave open in a strand: joinings that are declared and not confirmed; None without any."""
    count = sum(row.strands[number][Bucket.DECLARED] for row in rows)
    if not count:
        return None
    does = french.plural(count, "école déclare", "écoles déclarent")
    sentence = f"{does} adhérer au {strand_ordinal(number, programme)}, ce que le service n’a pas encore confirmé."
    return FiguredSentence(french.typeset(sentence), {Bucket.DECLARED.value: count})


def of_reported(
    rows: Iterable[SituationRow], strand: Strand, scope: AccessScope | None = None
) -> FiguredSentence | None:
    """The schools of a strand that are reported as gone: they count while the register has them. None without any."""
    count = sum(row.reported.get(strand.number, 0) for row in rows)
    if not count:
        return None
    schools = f"{french.plural(count, 'école')} {kinds_of_schools(strand.levels, count)}"
    schools += of_schools(scope)
    sentence = "signalées comme parties ou fermées : elles restent comptées tant que le registre les cite."
    if count == 1:
        sentence = "signalée comme partie ou fermée : elle reste comptée tant que le registre la cite."
    return FiguredSentence(french.typeset(f"{schools} {sentence}"), {"reported": count})


def opening_in_words(number: int, day: date, programme: str = "") -> str:
    """What is said of a strand instead of figures before its opening: « Le volet 2 s’ouvre le 31 juillet 2026. »"""
    return french.typeset(f"Le volet {number}{programmes.of_programme(programme)} s’ouvre le {french.day(day)}.")


def closing_in_words(closed: str) -> str:
    """Why nobody is invited to join a strand that has closed, as `closed_in_words` says, and what may be done
    instead."""
    return french.typeset(
        f"{closed} : plus aucune école ne peut y adhérer, et aucun courriel n’y invite plus. "
        "Choisissez un autre volet, ou n’écrivez qu’aux écoles qui ont adhéré."
    )


def closed_in_words(strand: Strand, programme: str = "") -> str:
    """When a strand has closed, in words; '' where it has no last day."""
    if strand.closed_on is None:
        return ""
    return f"Le volet {strand.number}{programmes.of_programme(programme)} a fermé le {french.day(strand.closed_on)}"


def joined_late(strand: Strand, status: Status, day: date, programme: str = "") -> str:
    """Why no school joins a strand on a day after its last one, and what to do instead; '' where it may.

    One rule for each way in which a joining is recorded. A joining of an earlier day is told at any time.
    """
    if status is not Status.JOINED or not strand.is_closed(day):
        return ""
    return french.typeset(
        f"{closed_in_words(strand, programme)} : aucune école n’y adhère le {french.day(day)}. "
        "Si elle a adhéré avant, indiquez "
        "ce jour-là. Si le volet a été prolongé, changez d’abord le jour où il ferme, dans ses réglages."
    )


def group_answers(
    found: Situation, strands: Sequence[Strand], codes: Iterable[str], *, replies: bool = True
) -> list[GroupAnswer]:
    """Whether all schools of each of these groups have joined, for each open strand; unknown codes are left out.

    Each begins with « Oui » or « Non » where it `replies`, as nobody says so unasked.
    """
    rows = {row.code: row for row in found.rows}
    return [
        _answer(found, rows[code], strand, replies=replies)
        for code in codes
        if code in rows
        for strand in strands
        if strand.number not in found.openings
    ]


def kinds_of_schools(levels: Iterable[Level], count: int = 2) -> str:
    """Schools of levels after « écoles »: « maternelles et primaires »; one of them: « maternelle ou primaire »."""
    if count < 2:
        return french.either(level.adjective for level in levels)
    return french.all_of([f"{level.adjective}s" for level in levels])


def strand_ordinal(number: int, programme: str = "") -> str:
    """A strand in a sentence: "premier volet"; with a name, "premier volet du programme « Plan lecture »"."""
    return f"{ORDINALS.get(number, f'{number}e')} volet{programmes.of_programme(programme)}"


def of_group(by: Grouping, row: SituationRow) -> str:
    """A group after « les écoles »: "du réseau WBE", "de la zone Namur"."""
    if row.code is None:
        return "de tous les réseaux"
    if row.code == OUTSIDE:
        return by.outside.lower()
    match by:
        case Grouping.NETWORK:
            return of_network(row.label)
        case Grouping.ZONE:
            return f"de la zone {row.label}"
        case Grouping.PROVINCE:
            return PROVINCE_NAMES.get(row.label, f"de la province de {row.label}")
        case Grouping.FEDERATION:
            return of_federation(row.label)


def of_rows(found: Situation, row: SituationRow) -> str:
    """A group after « les écoles » as far as the situation sees it: « du réseau WBE », with whose members it counts.

    Where the group is the scope itself, the scope says both.
    """
    scope = found.scope
    is_whole = scope is not None and (scope.kind.value, scope.code) == (found.by.value, row.code)
    return of_schools(scope).strip() if is_whole else of_group(found.by, row) + of_schools(scope)


def day_in_words(found: Situation) -> str:
    """The day of a situation, and the moment whose knowledge it shows: as in "au 15 mai 2021"."""
    known = f", d’après ce qui était enregistré le {french.moment(found.known_at)}" if found.known_at else ""
    return f"au {french.day(found.as_of)}{known}"


def figures_of(row: SituationRow, number: int) -> dict[str, int]:
    """What a sentence about a row in a strand is made from: `SituationRow.figures`, and `base`."""
    return {**row.figures(number), "base": row.base(number)}


def others_in_words(figures: Mapping[str, int], *, is_over: bool) -> str:
    """What the schools do that have not joined: « 16 s’y préparent, 6 ont refusé »; '' where there are none.

    `is_over` says that the strand has closed, so that nobody is still to be written to.
    """
    return ", ".join(_others(figures[name], *_does(name, is_over=is_over)) for name in _other_figures(figures))


def _does(name: str, *, is_over: bool) -> tuple[str, str]:
    return OVER.get(name, OTHERS[name]) if is_over else OTHERS[name]


def _answer(found: Situation, row: SituationRow, strand: Strand, *, replies: bool) -> GroupAnswer:
    number = strand.number
    figures, head = (
        figures_of(row, number),
        f"{french.initial(strand_ordinal(number, found.programme))}, {day_in_words(found)}. ",
    )
    reply, told = _of_group(figures, of_rows(found, row), is_over=strand.is_closed(found.as_of))
    told = head + (f"{reply} : {told}" if reply and replies else french.initial(told))
    return GroupAnswer(french.typeset(told), figures, row.code or "", number)


def _of_strand(found: Situation, figures: Mapping[str, int], about: Strand) -> str:
    joined, declared, base = figures[Bucket.JOINED], figures[Bucket.DECLARED], figures["base"]
    day = french.initial(day_in_words(found))
    strand = strand_ordinal(about.number, found.programme)
    whose = of_schools(found.scope)
    if not base:
        return f"{day}, aucune école{whose} n’est concernée par le {strand}."
    concerned = " concernées" if figures[Bucket.NOT_CONCERNED] else ""
    share = french.percent(joined / base)
    more = f", et {french.plural(declared, 'autre déclare', 'autres déclarent')} y adhérer" if declared else ""
    schools = f"des {french.number(base)} écoles {kinds_of_schools(about.levels)}{concerned}{whose}"
    if base == 1:
        verb = "a" if joined else "n’a pas"
        more = " ; elle déclare y adhérer" if declared else ""
        kind = kinds_of_schools(about.levels, 1)
        return f"{day}, la seule école {kind}{concerned[:-1]}{whose} {verb} adhéré au {strand}{more}."
    if not joined:
        return f"{day}, aucune {schools} n’a adhéré au {strand}{more}."
    agreed = "a adhéré" if joined == 1 else "ont adhéré"
    if joined == base:
        every = schools.removeprefix("des ")
        return f"{day}, les {every} ({share}) ont adhéré au {strand}."
    return f"{day}, {_count(joined)} {schools} ({share}) {agreed} au {strand}{more}."


def _of_group(figures: Mapping[str, int], of: str, *, is_over: bool) -> tuple[str, str]:
    """The reply to "have all joined?", '' where nobody is concerned, and the sentence after it."""
    joined, base = figures[Bucket.JOINED], figures["base"]
    if not base:
        return "", f"aucune école {of} n’est concernée."
    concerned = "concernées " if figures[Bucket.NOT_CONCERNED] else ""
    if base == 1:
        return _of_only_school(figures, f"{concerned.replace('ées', 'ée')}{of}", is_over=is_over)
    schools = f"{french.number(base)} écoles {concerned}{of}"
    if joined == base:
        return "Oui", f"les {schools} ont adhéré."
    if not joined:
        return "Non", f"aucune des {schools} n’a adhéré ; {others_in_words(figures, is_over=is_over)}."
    agreed = "a adhéré" if joined == 1 else "ont adhéré"
    return "Non", f"{_count(joined)} des {schools} {agreed} ; {others_in_words(figures, is_over=is_over)}."


def _of_only_school(figures: Mapping[str, int], of: str, *, is_over: bool) -> tuple[str, str]:
    if figures[Bucket.JOINED]:
        return "Oui", f"la seule école {of} a adhéré."
    does = next(_does(name, is_over=is_over)[0] for name in _other_figures(figures))
    return "Non", f"la seule école {of} n’a pas adhéré ; elle {does}."


def _other_figures(figures: Mapping[str, int]) -> list[str]:
    """The names of the figures of schools that have not joined, in the order of a sentence; each school is in one."""
    left_out = Bucket.NONE if Solicitation.SOLICITED in figures else None
    return [name for name in OTHERS if figures.get(name) and name != left_out]


def _others(count: int, one: str, several: str) -> str:
    return f"{_count(count)} {one if count == 1 else several}"


def _count(count: int) -> str:
    return "une" if count == 1 else french.number(count)
