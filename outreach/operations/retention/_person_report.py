"""What is known of an address, in words that people read, also as a PDF."""

import enum
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from quopri import decodestring
from typing import Any

from sqlalchemy import Column, Date, Enum, Table, select

from outreach.campaigns import letter
from outreach.core.db import Base, Session, UtcDateTime
from outreach.core.db.bulk import among
from outreach.core.sandbox import pdf
from outreach.core.sandbox.pdf import settable
from outreach.core.tables import SERVICE
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.core.text.french import plural, typeset
from outreach.core.text.roles import RoleName
from outreach.directory.display_names import shown
from outreach.operations.retention._person_data import Known

_STATED: Mapping[str, Any] = tomllib.loads(Path(__file__).with_name("labels.toml").read_text(encoding="utf-8"))
TITLES: Mapping[str, str] = _STATED["tables"]  # by the name of a table, in the order of reading
PLACES: Mapping[str, int] = {name: place for place, name in enumerate(TITLES)}
LABELS: Mapping[str, str] = _STATED["colonnes"]
LABELS_OF: Mapping[str, Mapping[str, str]] = _STATED["colonnes_de"]
TECHNICAL = frozenset(_STATED["techniques"])  # columns that nobody reads; the data have them
SUBJECT_LABELS: Mapping[str, str] = _STATED["sujets"]
_CHOICES: Mapping[str, Mapping[str, str]] = _STATED["valeurs"]


def table_title(table: str) -> str:
    """What a table is called."""
    return TITLES.get(table, table)


def table_place(table: str) -> int:
    """Where a table stands in the order of reading."""
    return PLACES.get(table, len(PLACES))


def label(table: str, column: str) -> str:
    """What a column is called in its table; '' where nobody reads it. An unknown one is called as the program does."""
    own = LABELS_OF.get(table, {}).get(column)
    if own is None and column in TECHNICAL:
        return ""
    return own or LABELS.get(column, column)


def choice(member: enum.Enum) -> str:
    """What a choice is called: as the file says, or the program's label, or its value."""
    named = _CHOICES.get(type(member).__name__, {})
    return named.get(member.value) or str(getattr(member, "label", member.value))


def subject(written: str) -> str:
    """What the audit and decisions are about: « campaign:7 » is « campagne 7 ». Anything else stays as it is."""
    kind, _, key = written.partition(":")
    return f"{SUBJECT_LABELS[kind]} {key}".strip() if kind in SUBJECT_LABELS else written


MOST_COLUMNS = 4  # that stand side by side on a page
LETTERS, GONE = "compositions", "plus conservé"
# Tables whose rows have a name, and its column: another row that refers to one says the name, not the number.
NAMES = {
    "authorities": "name",
    "campaigns": "title",
    "federations": "name",
    "networks": "label",
    "notes": "title",
    "programmes": "name",
    "roles": "name",
    "saved_segments": "name",
    "schools": "name",
    "strands": "name",
    "users": "name",
}
SUBJECTS = {("audit_entries", "subject"), ("decisions", "subject")}
Fields = Sequence[tuple[str, str]]
Value = str | int | float | None  # as JSON has it
Names = Mapping[str, Mapping[Value, str]]


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table as people read it: its title, how many of its rows are about the person, and the first of them."""

    name: str
    title: str
    count: int
    rows: Sequence[Fields]

    @property
    def columns(self) -> Sequence[str]:
        """The labels of a table that stands side by side; none where it has too many, and each row stands by itself."""
        labels_of = list(dict.fromkeys(label for fields in self.rows for label, _ in fields))
        return labels_of if len(labels_of) <= MOST_COLUMNS else []

    @property
    def left_out(self) -> int:
        """How many rows are not among `rows`."""
        return self.count - len(self.rows)


def readable_tables(session: Session, known: Known, *, most: int, seen: Callable[[str], str] = str) -> list[KnownTable]:
    """The tables in which something is known, with at most so many rows each: pairs of a label and words.

    What is empty is left out, and so is what only a program needs. `seen` makes each text one that its reader may have.
    """
    tables = []
    for name in sorted(known, key=table_place):
        first = known[name][:most]
        rows = _letters(session, first) if name == LETTERS else _rows(session, Base.metadata.tables[name], first)
        cleaned = [[(label, seen(words)) for label, words in fields] for fields in rows]
        tables.append(KnownTable(name, table_title(name), len(known[name]), cleaned))
    return tables


def _rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[Fields]:
    """These rows, the columns in the order of the table."""
    columns = [(column, shown) for column in table.columns if (shown := label(table.name, column.name))]
    names = _names(session, [column for column, _ in columns], rows)
    told = ([(label, _words(column, row.get(column.name), names)) for column, label in columns] for row in rows)
    return [[(label, words) for label, words in fields if words] for fields in told]


def _words(column: Column[Any], value: Value, names: Names) -> str:
    """A value in words; '' for none."""
    if value is None or value == "":
        words = ""
    elif target := _target(column):
        words = names.get(target, {}).get(value) or f"n° {value}"
    elif isinstance(column.type, Enum) and column.type.enum_class:
        words = choice(column.type.enum_class(value))
    elif (str(column.table), column.name) in SUBJECTS:
        words = subject(str(value))
    elif isinstance(column.type, UtcDateTime):
        words = french.moment(datetime.fromisoformat(str(value)))
    elif isinstance(column.type, Date):
        words = french.day(date.fromisoformat(str(value)))
    elif isinstance(value, bool):
        words = "oui" if value else "non"
    else:
        words = _unfolded(str(value))
    return words


def _unfolded(text: str) -> str:
    """A text; one that is JSON as its parts, line by line."""
    if text[:1] not in {"{", "["}:
        return text
    try:
        return "\n".join(_parts(json.loads(text)))
    except ValueError:
        return text


def _parts(value: object, of: str = "") -> Iterable[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _parts(part, f"{of} {name}".strip())
    elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
        for part in value:
            yield from _parts(part, of)
    elif value or value == 0:
        words = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield f"{of}: {words}" if of else words


def _target(column: Column[Any]) -> str:
    """The table that a column refers to, or ''."""
    return next((foreign.column.table.name for foreign in column.foreign_keys), "")


def _names(session: Session, columns: Sequence[Column[Any]], rows: Sequence[Mapping[str, Any]]) -> Names:
    """The names of what these rows refer to, by table and key; one statement a table."""
    values: dict[str, set[int]] = {}
    for column in columns:
        if (target := _target(column)) in NAMES:
            values.setdefault(target, set()).update(row[column.name] for row in rows if row[column.name] is not None)
    return {target: _named(session, Base.metadata.tables[target], keys) for target, keys in values.items() if keys}


def _named(session: Session, table: Table, keys: Iterable[int]) -> Mapping[Value, str]:
    rows = session.execute(select(table).where(among(table.c.id, keys))).mappings()
    return {row["id"]: _name(table.name, row) for row in rows}


def _name(table: str, row: Mapping[Any, Any]) -> str:
    name = str(row[NAMES[table]])
    if table == "roles":
        return RoleName(name).label
    return f"{shown(name, row['corrected_name'])} (FASE {row['fase']})" if "corrected_name" in row else name


def _letters(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[Fields]:
    """What letters said, with their subjects, as they left."""
    filled = letter.filled_again(session, [row["message_id"] for row in rows])
    letters: list[Fields] = []
    for row in rows:
        again = filled.get(row["message_id"])
        said = (again.subject, decodestring(again.text).decode()) if again else ("", GONE)
        fields = [("Courriel", f"n° {row['message_id']}"), ("Objet", said[0]), ("Texte", said[1])]
        letters.append([(label, words) for label, words in fields if words])
    return letters


MOST_ROWS = 1_000  # of a table in a PDF: typst sets some thousands in the time that it has


def pdf_of(address: str, tables: Sequence[KnownTable], service: str, *, now: datetime) -> bytes:
    """The PDF about an address. `service` is the address of this installation, whose public page says the rest.

    Raises Refused when it cannot be made.
    """
    made = today(now)
    document = {
        "name": f"Ce que le service sait de {address}",
        "service": SERVICE,
        "address": settable(address),
        "stated": f"Établi le {french.moment(now)}",
        "date": [made.year, made.month, made.day],
        "introduction": [typeset(settable(sentence)) for sentence in _introduction(address, tables, service)],
        "tables": [_table(table) for table in tables],
    }
    return pdf.set_pdf("person/person.typ", document, int(now.timestamp()), lost_nothing="Rien n’est perdu")


def _introduction(address: str, tables: Sequence[KnownTable], service: str) -> list[str]:
    if not tables:
        return [f"Le service ne sait rien de l’adresse {address}."]
    return [
        f"Ce document réunit ce que le service sait de l’adresse {address} (RGPD, articles 15 et 20).",
        "Ce sont les lignes qui nomment cette adresse, et celles qui leur appartiennent.",
        "Un mot de passe, une clé, un lien qui agirait à la place de quelqu’un n’y sont pas.",
        "Le fichier JSON a les mêmes lignes, avec les colonnes qui ne servent qu’au programme.",
        f"Pourquoi chaque chose est gardée, combien de temps, et à qui écrire : {service}/data-protection",
    ]


def _table(table: KnownTable) -> dict[str, Any]:
    left = f"Les {plural(len(table.rows), 'première ligne', 'premières lignes')} ; le fichier JSON les a toutes."
    return {
        "title": typeset(table.title),
        "count": plural(table.count, "ligne"),
        "more": typeset(left) if table.left_out else "",
        "columns": [typeset(label) for label in table.columns],
        "rows": [[(typeset(label), settable(typeset(words))) for label, words in fields] for fields in table.rows],
    }
