"""The tables of a note's workbook."""

from collections.abc import Iterator

from outreach.campaigns.counting.classes import Reach
from outreach.campaigns.results.figures import Figure
from outreach.notes.content import Cell, NoteColumn, NumberedNote
from outreach.spreadsheets.written import Table

_REACHED = {"authorities": "À atteindre", **{kind.value: Figure(kind).label for kind in Reach}}
# Of notes of before the campaigns' counts, whose files stay as they were.
_PROVED = {
    "authorities": "PO visés",
    "proved": "Atteints, avec preuve",
    "unproved": "Sans preuve",
    "answered": "A répondu",
    "joined": "A adhéré",
    "opened": "A ouvert, avec accord",
    "accepted": "Courriel accepté par le serveur du destinataire",
    "posted": "Lettre postée",
    "called": "Joint par téléphone",
}


def tables_of(note: NumberedNote) -> tuple[Table, ...]:
    """Every table of a note that has a row; none has the author's text."""
    return tuple(table for table in _tables(note) if table.rows)


def _tables(note: NumberedNote) -> Iterator[Table]:
    content = note.content
    yield Table("Réponses", ("Volet", "Réseau", "Réponse"), _answers(note))
    for table in (*content.tables, *content.comparisons):
        yield Table(table.title, _headings(table.columns), table.rows)
    actions = [
        (one.state.value, one.day, one.campaign, one.sentence, label, count)
        for one in content.actions
        for label, count in (one.networks or (("", ""),))
    ]
    yield Table("Actions", ("État", "Jour", "Campagne", "Phrase", "Réseau", "PO"), actions)
    yield _reached(note)
    effects = [(one.campaign, one.number, one.estimate, one.low, one.high, one.sentence) for one in content.effects]
    headings = ("Campagne", "Numéro", "Écart, en points", "De", "À", "Phrase")
    yield Table("Effet, par tirage au sort", headings, effects)
    by_hand = [(one.label, one.value, one.source, one.dated) for one in content.hand_figures]
    yield Table("Donnés à la main", ("Chiffre", "Valeur donnée à la main", "Source", "Date"), by_hand)
    if content.correction:
        changes = [(one.label, one.before, one.after) for one in content.correction.changes]
        yield Table("Corrections", ("Chiffre", "Avant", "Après"), changes)
    yield Table("Ce qui n’est pas connu", ("Phrase",), [(one,) for one in content.unknowns])
    yield Table("Définitions", ("Terme", "Sens"), [(one.term, one.meaning) for one in content.definitions])
    yield Table("Sources", ("Source", "Date"), [(one.name, one.dated) for one in content.sources])


def _headings(columns: tuple[NoteColumn, ...]) -> tuple[str, ...]:
    return tuple(column.label for column in columns)


def _reached(note: NumberedNote) -> Table:
    is_old = any({name for name, _ in one.by} - {kind.value for kind in Reach} for one in note.content.reached)
    headings = _PROVED if is_old else _REACHED
    rows: list[tuple[Cell, ...]] = []
    for one in note.content.reached:
        counted = {"authorities": one.authorities, "proved": one.proved, "unproved": one.unproved, **dict(one.by)}
        rows.append((one.campaign, one.strand, *(counted.get(name, 0) for name in headings)))
    title = "Atteints, avec preuve" if is_old else "Qui est atteint"
    return Table(title, ("Campagne", "Volet", *headings.values()), rows)


def _answers(note: NumberedNote) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for answer in note.content.answers:
        rows.append((answer.strand, "", answer.sentence))
        rows += [(answer.strand, one.network, one.sentence) for one in answer.networks]
    return rows
