"""Writes a note's answer in paragraphs, and puts two days side by side.

Notes and the page of the situation take it from here. Every figure is one of the situation or of the actions, or the
difference of two of them.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from outreach.access.scopes import of_schools
from outreach.adherence.models import Strand
from outreach.adherence.situation import (
    Bucket,
    Grouping,
    Situation,
    SituationRow,
    day_in_words,
    figures_of,
    kinds_of_schools,
    of_group,
    of_rows,
    opening_in_words,
    others_in_words,
    strand_ordinal,
)
from outreach.campaigns.planning import Stage
from outreach.campaigns.results import Actions, WaveAction
from outreach.core.text import french
from outreach.directory.models import Level
from outreach.directory.reference import NetworkCode
from outreach.reports.notes._content import CellKind, NoteColumn, NoteTable, ProseAnswer, TableKind

MOST_DONE, MOST_PLANNED = 2, 3  # waves that left, and campaigns to come, that the answer tells of
WHOLE = re.compile(r"\b(?:toutes|tous|ensemble|chaque)\b", re.IGNORECASE)
END = re.compile(r"[.!;\n]")
IN_PREPARATION = {
    Stage.DRAFT: ("une campagne en cours de rédaction", "campagnes en cours de rédaction"),
    Stage.TO_APPROVE: ("une campagne qui attend sa validation", "campagnes qui attendent leur validation"),
    Stage.APPROVED: ("une campagne validée, pas encore planifiée", "campagnes validées, pas encore planifiées"),
}
Preparing = Mapping[int, Mapping[Stage, int]]


@dataclass(frozen=True, slots=True)
class About:
    """What the answer is about: the networks asked for (none means all), and whether the question is if all joined.

    `earlier` is the situation to compare with, if any. `preparing` counts the campaigns without a date by strand and
    stage. It is None for a moment of the past, of which nobody knows that, nor whom a planned wave meant.
    """

    networks: Collection[str] = ()
    asks_all: bool = False
    earlier: Situation | None = None
    preparing: Preparing | None = None


def asks_whether_all(question: str) -> bool:
    """Whether a question is if all of something did: only then an answer begins with « Oui » or « Non »."""
    asked = question.split("?")[:-1]
    return any(WHOLE.search(END.split(sentence)[-1]) for sentence in asked)


def prose_answers(found: Situation, strands: Sequence[Strand], acted: Actions, about: About) -> tuple[ProseAnswer, ...]:
    """The answer about each strand; `acted` is of the networks that it is about (`Actions.about`)."""
    return tuple(_answer(found, strand, acted, about) for strand in strands)


def _answer(found: Situation, strand: Strand, acted: Actions, about: About) -> ProseAnswer:
    number = strand.number
    if number in found.openings:
        return ProseAnswer(number, opening_in_words(number, strand.opened_on, found.programme))
    chosen = [row for row in found.rows if row.code in about.networks]
    lead, figures = _of_chosen(found, strand, chosen, about) if chosen else _of_all(found, strand, about)
    if about.earlier is not None:
        figures.append(_since(found, about.earlier, number, chosen or [found.total]))
    actions = " ".join(_actions(found, number, acted, about))
    return ProseAnswer(number, french.typeset(lead), french.typeset(" ".join(figures)), french.typeset(actions))


def _of_chosen(found: Situation, strand: Strand, chosen: Sequence[SituationRow], about: About) -> tuple[str, list[str]]:
    """What is said of the networks asked for, the first of them as the answer; then of the others, and of all."""
    number, is_over = strand.number, strand.is_closed(found.as_of)
    counts = [figures_of(row, number) for row in chosen]
    total = figures_of(found.total, number)
    tail = f" au {strand_ordinal(number, found.programme)} {day_in_words(found)}"
    whose = of_schools(found.scope)
    lead, *more = (
        _said(
            figures,
            "" if place else tail,
            f" {_of_rows(found, row)}",
            replies=about.asks_all and not place,
            is_over=is_over,
        )
        for place, (row, figures) in enumerate(zip(chosen, counts, strict=True))
    )
    rest = {name: count - sum(one[name] for one in counts) for name, count in total.items()}
    if not rest["base"]:
        return lead, more
    here = f"Dans {'les autres réseaux' if len(found.rows) - len(chosen) > 1 else 'l’autre réseau'}, "
    more.append(here + _does(rest) + ".")
    declared = total[Bucket.DECLARED]
    also = f" ; {french.plural(declared, 'autre déclare', 'autres déclarent')} y adhérer" if declared else ""
    more.append(f"Au total, {_does(total, strand.levels, whose=whose)}{also}.")
    return lead, more


def _of_all(found: Situation, strand: Strand, about: About) -> tuple[str, list[str]]:
    number = strand.number
    tail = f" au {strand_ordinal(number, found.programme)} {day_in_words(found)}"
    total = figures_of(found.total, number)
    fields = {"replies": about.asks_all, "is_over": strand.is_closed(found.as_of)}
    lead = _said(total, tail, of_schools(found.scope), levels=strand.levels, **fields)
    rows = [row for row in found.rows if row.base(number)]
    each = [f"{row.label} {_joined(row, number)} sur {french.number(row.base(number))}" for row in rows]
    return lead, [f"Par réseau : {', '.join(each)}."] if len(rows) > 1 else []


def _since(found: Situation, earlier: Situation, number: int, rows: Sequence[SituationRow]) -> str:
    """How many had joined on the earlier day, and how many more it is: « Au 31 mars 2021, 12 écoles de WBE… »."""
    day = french.day(earlier.as_of)
    if number in earlier.openings:
        return f"Au {day}, ce volet n’était pas encore ouvert."
    told = []
    for row in rows:
        before, after = joined_on(earlier, row, number), row.strands[number][Bucket.JOINED]
        of = f" {_of(found, row)}" if row.code else ""
        had = f"{french.plural(before, 'école')}{of} {'avaient' if before > 1 else 'avait'} adhéré"
        had = had if before else f"aucune école{of} n’avait adhéré"
        more = (
            "autant"
            if before == after
            else f"{french.number(abs(after - before))} de {'plus' if after > before else 'moins'}"
        )
        told.append(f"{had}, soit {more} au {french.day(found.as_of)}")
    return f"Au {day}, {' ; '.join(told)}."


def _joined(row: SituationRow, number: int) -> str:
    return french.number(row.strands[number][Bucket.JOINED])


def _of(found: Situation, row: SituationRow) -> str:
    short = NetworkCode(row.code).facts.of if found.by is Grouping.NETWORK and row.code else ""
    return short or of_group(found.by, row)


def _of_rows(found: Situation, row: SituationRow) -> str:
    """A network after « écoles », with whose members alone are counted where a scope counts."""
    return of_rows(found, row) if found.scope else _of(found, row)


def _said(
    figures: Mapping[str, int],
    tail: str,
    whose: str,
    *,
    levels: Collection[Level] = (),
    replies: bool,
    is_over: bool,
) -> str:
    """The sentence about some schools, with what those do that have not joined."""
    base, told = figures["base"], _does(figures, levels, tail, whose)
    others = others_in_words(figures, is_over=is_over) if base else ""
    more = f" ; {'elle ' if base == 1 else ''}{others.removeprefix('une ') if base == 1 else others}" if others else ""
    if replies and base:
        return f"{'Oui' if figures[Bucket.JOINED] == base else 'Non'} : {told}{more}."
    return f"{french.initial(told)}{more}."


def _does(figures: Mapping[str, int], levels: Collection[Level] = (), tail: str = "", whose: str = "") -> str:
    """How many schools of some levels, or of all, have joined: « 14 des 147 écoles de WBE (9,5 %) ont adhéré ».

    `whose` follows « écoles », with its space.
    """
    joined, base = figures[Bucket.JOINED], figures["base"]
    one, several = (_schools(levels, figures, count) + whose for count in (1, 2))
    if not base:
        return f"aucune {one} n’est concernée"
    if base == 1:
        return f"la seule {one} {'a' if joined else 'n’a pas'} adhéré{tail}"
    several = f"{french.number(base)} {several}"
    if joined == base:
        return f"les {several} ont adhéré{tail}"
    if not joined:
        return f"aucune des {several} n’a adhéré{tail}"
    agreed = "une" if joined == 1 else french.number(joined)
    return f"{agreed} des {several} ({french.percent(joined / base)}) {'a' if joined == 1 else 'ont'} adhéré{tail}"


def _schools(levels: Collection[Level], figures: Mapping[str, int], count: int) -> str:
    """One or several schools: « école secondaire », « écoles concernées » where a strand leaves some out."""
    ending = "s" if count > 1 else ""
    concerned = f"concernée{ending}" if figures[Bucket.NOT_CONCERNED] else ""
    return " ".join(filter(None, (f"école{ending}", kinds_of_schools(levels, count) if levels else "", concerned)))


def _actions(found: Situation, number: int, acted: Actions, about: About) -> list[str]:
    """What was done and what is planned for a strand, what is being prepared, and for whom nothing is planned."""
    done, planned = (
        [one for one in acts if one.strand == number and one.means_some] for acts in (acted.done, acted.planned)
    )
    shown = sorted(done, key=lambda one: one.at, reverse=True)[:MOST_DONE]
    lines = [one.sentence(acted.labels) for one in reversed(shown)]
    campaigns_shown = {one.campaign for one in shown}
    lines += [one.sentence for one in acted.reached if one.campaign in campaigns_shown]
    if earlier := len(done) - len(shown):
        many = (
            french.plural(earlier, "autre vague est partie", "autres vagues sont parties")
            if acted.more == acted.more_planned
            else "D’autres vagues sont parties"
        )
        lines.insert(0, f"{many} auparavant.")
    campaigns = {one.campaign: [other for other in planned if other.campaign == one.campaign] for one in planned}
    lines += [_followed(waves, acted.labels) for waves in list(campaigns.values())[:MOST_PLANNED]]
    if (later := len(campaigns) - MOST_PLANNED) > 0:
        lines.append(f"{french.plural(later, 'autre campagne est prévue', 'autres campagnes sont prévues')} ensuite.")
    if about.preparing is not None:
        lines += _unplanned(found, number, planned, about) if not acted.more_planned else []
        lines += _prepared(about.preparing.get(number, {}))
    return lines


def _followed(waves: Sequence[WaveAction], labels: Mapping[str, str]) -> str:
    """The next wave of a campaign, and the days of those that follow it."""
    first, *later = waves
    if not later:
        return first.sentence(labels)
    follow = "une relance suit" if len(later) == 1 else "des relances suivent"
    days = french.all_of([f"le {french.day(one.at)}" for one in later])
    return f"{first.sentence(labels).removesuffix('.')} ; {follow} {days}."


def _unplanned(found: Situation, number: int, planned: Sequence[WaveAction], about: About) -> list[str]:
    """The networks whose schools have not all joined, and to which nothing planned would write."""
    rows = [row for row in found.rows if not about.networks or row.code in about.networks]
    missing = [row for row in rows if row.base(number) > row.strands[number][Bucket.JOINED]]
    alone = [row for row in missing if not any((one.meant or {}).get(row.code or "") for one in planned)]
    if not alone:
        return []
    if not about.networks and len(alone) == len(missing) > 1:
        return [f"Rien {'d’autre ' if planned else ''}n’est prévu à ce jour."]
    return [f"À ce jour, rien n’est prévu pour les écoles {french.all_of([_of(found, row) for row in alone])}."]


def _prepared(stages: Mapping[Stage, int]) -> list[str]:
    """The campaigns under way that have no date yet, said as such."""
    counted = [(stages.get(stage, 0), words) for stage, words in IN_PREPARATION.items()]
    told = [one if count == 1 else f"{french.number(count)} {several}" for count, (one, several) in counted if count]
    return [f"En préparation, sans date d’envoi ni effet à ce jour : {french.all_of(told)}."] if told else []


LESS = "\u2212"  # the sign, which is as wide as a plus


def tables(
    found: Situation, earlier: Situation | None, strands: Sequence[Strand], codes: Collection[str]
) -> tuple[NoteTable, ...]:
    """A table for each strand that was open on both days, of these networks or of all, beside the total."""
    if earlier is None:
        return ()
    closed = {*found.openings, *earlier.openings}
    return tuple(_table(found, earlier, strand.number, codes) for strand in strands if strand.number not in closed)


def joined_on(situation: Situation, row: SituationRow, number: int) -> int:
    """How many schools of a row's group had joined a strand on the day of another situation."""
    rows = {one.code: one for one in (*situation.rows, situation.total)}
    there = rows.get(row.code)
    return there.strands[number][Bucket.JOINED] if there else 0


def difference(before: int, after: int) -> str:
    """What was added: « +3 », « −1 » or « 0 »."""
    return f"{'+' if after > before else LESS if after < before else ''}{french.number(abs(after - before))}"


def _table(found: Situation, earlier: Situation, number: int, codes: Collection[str]) -> NoteTable:
    rows = [row for row in found.rows if row.open_to(number) and (not codes or row.code in codes)]
    days = [french.day(situation.as_of) for situation in (earlier, found)]
    columns = (
        NoteColumn("network", TableKind.NETWORK.label, CellKind.TEXT),
        NoteColumn("schools", "Écoles concernées"),
        NoteColumn("before", f"Ont adhéré, au {days[0]}"),
        NoteColumn("after", f"Ont adhéré, au {days[1]}"),
        NoteColumn("difference", "Différence", CellKind.TEXT),
    )
    cells = []
    for row, label in [*((row, row.label) for row in rows), (found.total, "Tous les réseaux")]:
        before, after = joined_on(earlier, row, number), row.strands[number][Bucket.JOINED]
        cells.append((label, row.base(number), before, after, difference(before, after)))
    title = f"Volet {number} : au {days[0]} et au {days[1]}"
    return NoteTable(TableKind.NETWORK, number, title, columns, tuple(cells))
