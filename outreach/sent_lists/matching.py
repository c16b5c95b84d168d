"""What a person said that the columns of a file mean; it is remembered for files with the same header."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Index, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, Session
from outreach.spreadsheets.headers import ERROR, TOLD, normalised
from outreach.spreadsheets.tables import Grid


class ColumnMatching(Base):
    """The fields that a person gave to the columns of a header (JSON, by place), for a kind of list. The last counts.

    `header` is the digest of the header as `headers.normalised` spells it. Personal data: it names a colleague.
    """

    __tablename__ = "column_matchings"
    __table_args__ = (Index("ix_column_matchings_kind_header", "kind", "header"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    header: Mapped[str] = mapped_column(String(64))
    fields: Mapped[str] = mapped_column(Text)
    matched_at: Mapped[datetime] = mapped_column(index=True)
    matched_by: Mapped[str] = mapped_column(String(255))


def matched(session: Session, kind: str, grid: Grid) -> Grid:
    """A grid with the fields that a person gave to its columns, or to those of such a header, if anybody did."""
    if grid.fields:
        return grid
    same = ColumnMatching.kind == kind, ColumnMatching.header == digest(grid.header)
    query = select(ColumnMatching.fields).where(*same).order_by(ColumnMatching.id.desc()).limit(1)
    if not (said := session.scalar(query)):
        return grid
    fields = json.loads(said)
    return replace(grid, fields=[*fields, *[""] * (len(grid.header) - len(fields))])


def remember(session: Session, kind: str, grid: Grid, *, now: datetime, actor: str) -> None:
    """Remember the fields that a person gave to the columns of a grid."""
    values = {"header": digest(grid.header), "fields": json.dumps(grid.fields), "matched_at": now, "matched_by": actor}
    session.add(ColumnMatching(kind=kind, **values))


def digest(header: Sequence[str]) -> str:
    """What tells a header from others: its columns in their order, whatever their accents and case.

    That of a file of rejected rows is that of the file whose rows they were.
    """
    names = [normalised(told[1] if (told := TOLD.fullmatch(name.strip())) else name) for name in header]
    return hashlib.sha256("\n".join(names[:-1] if names[-1:] == [ERROR] else names).encode()).hexdigest()
