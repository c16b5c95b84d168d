"""The tables of a note as CSV, in one zip with their description (datapackage.json, as Data Package 1.0 says).

The zip neither compresses nor tells the time, so that the same note gives the same bytes.
"""

import io
import json
import zipfile
from typing import Any

from outreach.notes.content import CellKind, NumberedNote
from outreach.notes.files.tables import DataTable, tables_of
from outreach.spreadsheets.written import Table, csv_bytes

NO_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell
READABLE = 0o644 << 16


def package(note: NumberedNote) -> bytes:
    """The zip of a note's tables. The same note gives the same bytes."""
    tables = tables_of(note)
    members = {"datapackage.json": json.dumps(_described(note, tables), ensure_ascii=False, indent=2).encode()}
    for table in tables:
        members[f"{table.name}.csv"] = csv_bytes(Table(table.name, [name for name, _, _ in table.columns], table.rows))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, NO_TIME)
            member.external_attr, member.create_system = READABLE, 3  # of Unix, wherever it is made
            archive.writestr(member, content)
    return packed.getvalue()


def _described(note: NumberedNote, tables: tuple[DataTable, ...]) -> dict[str, Any]:
    content = note.content
    return {
        "profile": "tabular-data-package",
        "name": f"note-{note.number}",
        "title": content.title,
        "homepage": note.address,
        "created": note.approved_at,
        "as_of": content.as_of,
        "known_at": content.known_at,
        "sha256": content.sha256(),
        "sources": [{"title": f"{one.name}, {one.dated}"} for one in content.sources],
        "resources": [_resource(table) for table in tables],
    }


def _resource(table: DataTable) -> dict[str, Any]:
    types = {CellKind.COUNT: "integer", CellKind.TEXT: "string"}
    return {
        "name": table.name.replace("_", "-"),
        "title": table.title,
        "path": f"{table.name}.csv",
        "profile": "tabular-data-resource",
        "encoding": "utf-8",  # with the byte order mark by which spreadsheets know it
        "dialect": {"delimiter": ";", "lineTerminator": "\r\n"},
        "schema": {
            "fields": [{"name": name, "title": title, "type": types[kind]} for name, title, kind in table.columns]
        },
    }
