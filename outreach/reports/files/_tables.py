"""A note as a workbook: what it is, then a sheet for each table, definitions and sources among them."""

from collections.abc import Iterator

from outreach.campaigns.counting import Reach
from outreach.campaigns.results import Figure
from outreach.core.tables import Table, xlsx
from outreach.core.text import french
from outreach.reports.files._outline import moment
from outreach.reports.notes import Cell, NoteColumn, NoteSignature, NumberedNote

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


FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", " "))  # in the name of a sheet
LONGEST = 31


def workbook(note: NumberedNote, signature: NoteSignature) -> bytes:
    """The XLSX of a note."""
    content = note.content
    about = [
        ("Note", note.number),
        ("Titre", content.title),
        ("Question", content.question),
        ("Ministère", content.ministry),
        ("Programme", content.programme),
        ("Situation au", content.as_of),
        ("D’après ce qui était enregistré le", moment(content.known_at)),
        ("Figée le", f"{moment(content.frozen_at)} ({content.made_by})"),
        ("Validée le", f"{moment(note.approved_at)} ({note.approved_by})"),
        ("Page publique, une fois publiée", note.address),
        ("Code de contrôle des chiffres (SHA-256)", content.sha256()),
        ("Signature (Ed25519)", signature.value),
        ("Clé", signature.fingerprint),
    ]
    if content.correction:
        about.append(("Corrige la note", content.correction.number))
        about.append(("Parce que", content.correction.reason))
    sheets = [Table("À propos", ("Rubrique", "Contenu"), [(term, french.typeset(said)) for term, said in about])]
    taken = {sheets[0].name}
    sheets += [Table(_name(table.name, taken), table.headers, table.rows) for table in tables_of(note)]
    return xlsx(*sheets)


def _name(title: str, taken: set[str]) -> str:
    """A name of a sheet that no other has, as spreadsheets compare them: whatever the case."""
    plain = " ".join(title.translate(FORBIDDEN).split()).strip("'")
    name, number = plain[:LONGEST], 2
    while name.casefold() in {one.casefold() for one in taken}:
        ending = f" {number}"
        name, number = plain[: LONGEST - len(ending)] + ending, number + 1
    taken.add(name)
    return name
