"""Puts a note's content in order: what its PDF, its DOCX and its public page say, section by section.

The public page leaves out what is for the adviser who asked: the author's own text, figures given by hand, and counts
by federation, as a federation may have one member. Of a correction it leaves out the same figures.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from outreach.core.text import french
from outreach.reports.files._document import (
    Block,
    CellGrid,
    Paragraph,
    Piece,
    Section,
    Terms,
    TextTone,
    blocks_of,
    bullets,
    curve,
    plain,
    zone_map,
)
from outreach.reports.notes import (
    ActionState,
    Cell,
    CellKind,
    Correction,
    NoteColumn,
    NoteContent,
    NoteSignature,
    NoteTable,
    NumberedNote,
    TableKind,
)

HAND = (
    "Ces chiffres ne viennent pas du service, qui ne peut ni les calculer ni les vérifier : ils sont donnés à la main."
)
PUBLIC = (TableKind.NETWORK, TableKind.ZONE, TableKind.PROVINCE)
PUBLIC_FIGURE = re.compile(rf"Volet \d+, par (?:{'|'.join(kind.label.lower() for kind in PUBLIC)}), ")
ACTIONS = {
    ActionState.DONE: ("Actions menées", "Aucune vague n’est partie à cette date."),
    ActionState.PLANNED: ("Actions prévues", "Aucune vague n’est prévue à cette date."),
}
OTHER_ACTIONS = {ActionState.DONE: "Autres actions menées", ActionState.PLANNED: "Autres actions prévues"}
ANSWER = "answer"  # the section that is the answer, which pages let their reader copy
DIGITS = re.compile(r"(?<![\d,.])[1-9]\d{4,14}(?!\d)")
ALWAYS = {"authorities", "schools", "concerned", "joined", "before", "after"}  # columns that stay, whatever they count
RIGHT = {"share", "difference"}  # columns of text that read as numbers
PARTS_OF_NONE = {"solicited", "unsolicited"}  # whose sum the column « none » has


@dataclass(frozen=True, slots=True)
class Outline:
    """A note as a document: what stands above it, and its sections."""

    ministry: str
    number: str
    title: str
    stated: str
    programme: str
    sections: tuple[Section, ...]


def outline(note: NumberedNote, signature: NoteSignature) -> Outline:
    """The whole document, for its files."""
    how = Section("Auteurs et vérification", tuple(_checked(note, signature)))
    return _outline(note, [*sections_of(note.content), how])


def sections_of(content: NoteContent) -> list[Section]:
    """What the document says before how it is checked, which a note has before its number."""
    return [
        *_correction(content.correction),
        *_answered(content),
        *_effects(content),
        *_added(content),
        *_counts(content, tuple(TableKind)),
        *_actions(content),
        *_about(content),
    ]


def public_outline(note: NumberedNote) -> Outline:
    """What anybody may read of a published note. How to check it stands on the page itself."""
    content = note.content
    return _outline(
        note, [*_answered(content), *_effects(content), *_counts(content, PUBLIC), *_actions(content), *_about(content)]
    )


def corrected_grid(correction: Correction) -> CellGrid:
    """The figures that a correction changes, before and after."""
    rows = tuple((_typeset(change.label), change.before, change.after) for change in correction.changes)
    caption = f"Chiffres de la note {correction.number} qui changent"
    return CellGrid(caption, ("Chiffre", "Avant", "Après"), (False, True, True), rows)


def public_correction(correction: Correction) -> Correction:
    """A correction with the figures that anybody may read: those of the tables that the public page shows."""
    return replace(correction, changes=tuple(one for one in correction.changes if PUBLIC_FIGURE.match(one.label)))


def checking(note: NumberedNote) -> str:
    """How a reader of the PDF or the DOCX checks it, in French."""
    return _typeset(
        f"Pour vérifier : ouvrez {note.address} et comparez le code de contrôle, ou donnez ce fichier à la commande "
        "« note verify » du service."
    )


def moment(written: str) -> str:
    """An instant of a note (2021-05-15T12:00:00Z) in words, in Brussels."""
    return french.moment(datetime.fromisoformat(written))


def grouped(value: str) -> str:
    """A figure given by hand with its digits in threes: « 98765 » as « 98 765 ».

    Four digits within words may be a year.
    """
    whole = value.strip()
    if whole.isascii() and whole.isdigit() and len(whole) < 16:
        return french.number(int(whole))
    return _typeset(DIGITS.sub(lambda digits: french.number(int(digits[0])), value))


def _outline(note: NumberedNote, sections: Sequence[Section]) -> Outline:
    content = note.content
    return Outline(
        content.ministry,
        note.number,
        _typeset(content.title),
        f"Situation au {_day(content.as_of)}, d’après ce qui était enregistré le {moment(content.known_at)}",
        _typeset(content.programme),
        tuple(sections),
    )


def _correction(correction: Correction | None) -> Iterator[Section]:
    if correction:
        reason = plain(_typeset(correction.reason))
        table = (corrected_grid(correction),) if correction.changes else ()
        yield Section(f"Cette note corrige la note {correction.number}", (reason, *table))


def _answered(content: NoteContent) -> Iterator[Section]:
    if content.question:
        yield Section("Question", (plain(_typeset(content.question), TextTone.QUOTE),))
    yield Section("Réponse", tuple(_answers(content)), ANSWER)


def _effects(content: NoteContent) -> Iterator[Section]:
    """What draws of departures showed: the sentence, its figure, where it is from."""
    for one in content.effects:
        headings = ("Campagne", "Écart, en PO sur 100", "De", "À")
        row = (_typeset(one.campaign), one.estimate, one.low, one.high)
        grid = CellGrid("Effet mesuré par tirage au sort des départs", headings, (False, True, True, True), (row,))
        yield Section("L’effet du courriel", (plain(one.sentence), grid, plain(one.source, TextTone.SMALL)))


def _added(content: NoteContent) -> Iterator[Section]:
    """What its author added: paragraphs, and figures given by hand."""
    if blocks := blocks_of(content.text):
        yield Section("Complément", blocks)
    if content.hand_figures:
        yield Section("Chiffres donnés à la main", tuple(_by_hand(content)))


def _answers(content: NoteContent) -> Iterator[Block]:
    """The answer: as prose, or the sentences of a note from before there was any."""
    for told in content.prose:
        figures = f" {_typeset(told.figures)}" if told.figures else ""
        yield Paragraph((Piece(_typeset(told.lead), strong=True), Piece(figures)))
        if told.actions:
            yield plain(_typeset(told.actions))
    if content.changed:
        yield plain(_typeset(content.changed))
    if content.prose:
        return
    for answer in content.answers:
        yield plain(_typeset(answer.sentence), TextTone.LEAD)
        if answer.networks:
            yield bullets(tuple(_typeset(one.sentence) for one in answer.networks))


def _by_hand(content: NoteContent) -> Iterator[Block]:
    yield plain(_typeset(HAND))
    rows = tuple(
        (_typeset(one.label), grouped(one.value), _typeset(one.source), _day(one.dated)) for one in content.hand_figures
    )
    headings = ("Chiffre", "Valeur", "Source", "Date")
    yield CellGrid("Chiffres donnés à la main, avec leur source", headings, (False, False, False, False), rows)


def _counts(content: NoteContent, kinds: Collection[TableKind]) -> Iterator[Section]:
    blocks: list[Block] = [block for table in content.comparisons for block in _table(table, names_empty=False)]
    for table in content.tables:
        if table.kind in kinds:
            drawn = zone_map(table)
            blocks += [drawn] if drawn else []
            blocks += _table(table, names_empty=not content.prose)
    drawn = curve(content.curve)
    if blocks or drawn:
        yield Section("Chiffres", (*blocks, drawn) if drawn else tuple(blocks))


def _table(table: NoteTable, *, names_empty: bool) -> Iterator[Block]:
    """A table as documents show it: without the states that no school is in, which a sentence under it may name.

    « Sans réponse » is shown by its two parts, where the note has them.
    """
    has_parts = {column.name for column in table.columns} >= PARTS_OF_NONE
    places = [place for place, column in enumerate(table.columns) if not (has_parts and column.name == "none")]
    empty = {place for place in places if _is_state(table.columns[place]) and not any(row[place] for row in table.rows)}
    shown = [place for place in places if place not in empty]
    columns = [table.columns[place] for place in shown]
    yield CellGrid(
        _typeset(table.title),
        tuple(_typeset(french.hyphenated(column.label)) for column in columns),
        tuple(column.kind is CellKind.COUNT or column.name in RIGHT for column in columns),
        tuple(tuple(_cell(row[place]) for place in shown) for row in table.rows),
        table.has_total,
    )
    if empty and names_empty:
        names = ", ".join(french.within_quotes(table.columns[place].label).lower() for place in sorted(empty))
        yield plain(_typeset(f"Aucune école dans ces états : {names}."), TextTone.SMALL)


def _is_state(column: NoteColumn) -> bool:
    return column.kind is CellKind.COUNT and column.name not in ALWAYS


def _cell(cell: Cell) -> str:
    return french.number(cell) if isinstance(cell, int) else _typeset(cell)


def _actions(content: NoteContent) -> Iterator[Section]:
    """What was done and what is planned: what the answer does not tell, where it is prose.

    An older note that has none says so, as it was asked.
    """
    if content.prose:
        yield from _other_actions(content)
        return
    for state, (heading, none) in ACTIONS.items():
        told = tuple(_typeset(one.sentence) for one in content.actions if one.state is state)
        yield Section(heading, (bullets(told) if told else plain(_typeset(none)),))


def _other_actions(content: NoteContent) -> Iterator[Section]:
    """Every wave of the note whose own sentence the answer does not say: it names some by their day, or not at all."""
    answer = " ".join(told.actions for told in content.prose)
    # Before the days of reminders a sentence has no full stop, and in older notes it begins small after « D’ici là, ».
    others = [one for one in content.actions if one.sentence[1:-1] not in answer]
    reached = [one.sentence for one in content.reached if one.sentence not in answer]
    for state, heading in OTHER_ACTIONS.items():
        left = [one.sentence for one in others if one.state is state]
        if left := left + reached if state is ActionState.DONE else left:
            yield Section(heading, (bullets(tuple(map(_typeset, left))),))


def _about(content: NoteContent) -> Iterator[Section]:
    if content.unknowns:
        yield Section("Ce qui n’est pas connu", (bullets(tuple(map(_typeset, content.unknowns))),))
    if content.definitions:
        pairs = tuple((_typeset(one.term), _typeset(one.meaning)) for one in content.definitions)
        yield Section("Définitions", (Terms(pairs, is_small=True),))
    if content.sources:
        pairs = tuple((_typeset(one.name), _typeset(one.dated)) for one in content.sources)
        yield Section("Sources", (Terms(pairs, is_small=True),))


def _checked(note: NumberedNote, signature: NoteSignature) -> Iterator[Block]:
    content = note.content
    yield plain(
        f"Chiffres figés le {moment(content.frozen_at)} ({content.made_by}), "
        f"validés le {moment(note.approved_at)} ({note.approved_by})."
    )
    yield Terms(
        (
            ("Page publique, une fois la note publiée", note.address),
            ("Code de contrôle des chiffres (SHA-256)", content.sha256()),
            ("Signature (Ed25519)", signature.value),
            ("Clé", signature.fingerprint),
        )
    )


def _day(written: str) -> str:
    return french.day(date.fromisoformat(written))


def _typeset(text: str) -> str:
    return french.typeset_letter(text)
