"""A note as a workbook: what it is, then a sheet a table, definitions and sources among them."""

from outreach import french
from outreach.notes.content import NumberedNote
from outreach.notes.files.outline import moment
from outreach.notes.files.tables import tables_of
from outreach.notes.signing import NoteSignature
from outreach.spreadsheets.written import Table, xlsx

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
