"""The tables of a note's data files: each with a fixed name, English column names and French headings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from outreach.campaigns.counting.classes import Reach
from outreach.campaigns.results.figures import Figure
from outreach.notes.content import Cell, CellKind, NumberedNote

Columns = tuple[tuple[str, str, CellKind], ...]
TEXT, COUNT = CellKind.TEXT, CellKind.COUNT
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


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table: its name in files, its French title, its columns (name, French heading, kind), its rows."""

    name: str
    title: str
    columns: Columns
    rows: Sequence[Sequence[Cell]]


def tables_of(note: NumberedNote) -> tuple[DataTable, ...]:
    """Every table of a note that has a row; none has the author's text."""
    return tuple(table for table in _tables(note) if table.rows)


def _tables(note: NumberedNote) -> Iterator[DataTable]:
    content = note.content
    yield DataTable("answers", "Réponses", _texts(strand="Volet", network="Réseau", sentence="Réponse"), _answers(note))
    for table in content.tables:
        columns = tuple((one.name, one.label, one.kind) for one in table.columns)
        yield DataTable(table.name, table.title, columns, table.rows)
    for table in content.comparisons:
        columns = tuple((one.name, one.label, one.kind) for one in table.columns)
        yield DataTable(f"compared-{table.strand}", table.title, columns, table.rows)
    actions = [
        (one.state.value, one.day, one.campaign, one.sentence, label, count)
        for one in content.actions
        for label, count in (one.networks or (("", ""),))
    ]
    columns = _texts(state="État", day="Jour", campaign="Campagne", sentence="Phrase", network="Réseau")
    yield DataTable("actions", "Actions", (*columns, ("authorities", "PO", TEXT)), actions)
    yield _reached(note)
    effects = [
        (one.campaign, one.number, one.estimate, one.low, one.high, one.sentence) for one in note.content.effects
    ]
    columns = (*_texts(campaign="Campagne"), ("number", "Numéro", COUNT))
    columns += _texts(estimate="Écart, en points", low="De", high="À", sentence="Phrase")
    yield DataTable("effects", "Effet, par tirage au sort", columns, effects)
    by_hand = [(one.label, one.value, one.source, one.dated) for one in content.hand_figures]
    columns = _texts(label="Chiffre", value="Valeur donnée à la main", source="Source", dated="Date")
    yield DataTable("hand_figures", "Donnés à la main", columns, by_hand)
    if content.correction:
        changes = [(one.label, one.before, one.after) for one in content.correction.changes]
        columns = _texts(label="Chiffre", before="Avant", after="Après")
        yield DataTable("corrections", "Corrections", columns, changes)
    yield DataTable(
        "unknowns", "Ce qui n’est pas connu", _texts(sentence="Phrase"), [(one,) for one in content.unknowns]
    )
    definitions = [(one.term, one.meaning) for one in content.definitions]
    yield DataTable("definitions", "Définitions", _texts(term="Terme", meaning="Sens"), definitions)
    sources = [(one.name, one.dated) for one in content.sources]
    yield DataTable("sources", "Sources", _texts(name="Source", dated="Date"), sources)


def _reached(note: NumberedNote) -> DataTable:
    is_old = any({name for name, _ in one.by} - {kind.value for kind in Reach} for one in note.content.reached)
    told = _PROVED if is_old else _REACHED
    rows: list[tuple[Cell, ...]] = []
    for one in note.content.reached:
        counted = {"authorities": one.authorities, "proved": one.proved, "unproved": one.unproved, **dict(one.by)}
        rows.append((one.campaign, one.strand, *(counted.get(name, 0) for name in told)))
    columns = (*_texts(campaign="Campagne", strand="Volet"), *((name, label, COUNT) for name, label in told.items()))
    return DataTable("reached", "Atteints, avec preuve" if is_old else "Qui est atteint", columns, rows)


def _answers(note: NumberedNote) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for answer in note.content.answers:
        rows.append((answer.strand, "", answer.sentence))
        rows += [(answer.strand, one.network, one.sentence) for one in answer.networks]
    return rows


def _texts(**headings: str) -> Columns:
    return tuple((name, heading, COUNT if name == "strand" else TEXT) for name, heading in headings.items())
