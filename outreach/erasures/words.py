"""Finds words in the texts of every table, and puts others in their place."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Enum,
    RowMapping,
    String,
    Subquery,
    Table,
    and_,
    func,
    or_,
    select,
    update,
)

from outreach.db import Base, Session
from outreach.errors import InputError
from outreach.mail.addresses import judge

Key = tuple[Any, ...]
OF_ADDRESSES = {".", "-", "_", "+"}  # what may stand within an address, beside letters and digits
GOES_ON = re.compile(r"([\w.+-]{1,64})['’&]\Z")  # what an address may begin with before one of these: "o'brien@…"
ELISIONS = {"c", "d", "j", "jusqu", "l", "lorsqu", "m", "n", "puisqu", "qu", "s", "t"}  # "d'olivier@…" is his address
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
ADDRESS = re.compile(r"[^\s@<>\"(),;:=/\\\[\]]{1,128}@[^\s@<>\"(),;:=/\\\[\]]{1,255}")  # RFC 5321, §4.5.3.1
JOINS = re.compile(r"['’&]")
MOST_AT_ONCE = 1000  # rows of a table in memory
SAID, AS_WRITTEN, BETWEEN = "all_said", "all_as_written", "\n"  # what the texts of a row say, one after the other
LONGEST_LOCAL = 64  # letters before the @ (RFC 5321 §4.5.3.1.1)


@dataclass(frozen=True, slots=True)
class Word:
    """Some words to find as a whole, whatever their case, and what takes their place."""

    text: str
    instead: str
    is_address: bool = False

    def stands(self, said: str) -> bool:
        """Whether they stand in a text as a whole."""
        return next(self._places(said), None) is not None

    def taken_from(self, said: str) -> str:
        """A text with the other words in their place."""
        for place in reversed([*self._places(said)]):
            said = said[:place] + self.instead + said[place + len(self.text) :]
        return said

    def _places(self, said: str) -> Iterator[int]:
        # Some letters change their length with their case: such a text is compared as it is written.
        lower = said.lower() if len(said.lower()) == len(said) else said
        wanted = self.text.lower() if lower is not said or lower == said.lower() else self.text
        place = lower.find(wanted)
        while place >= 0:
            if self._is_whole(lower, place, place + len(wanted)):
                yield place
            place = lower.find(wanted, place + len(wanted))

    def _is_whole(self, said: str, first: int, end: int) -> bool:
        before, after = said[:first][-1:], said[end:][:2]
        if not self.is_address:
            return not (before.isalnum() or after[:1].isalnum())
        is_more = after[:1].isalnum() or after[:1] in {"-", "_"} or (after[:1] == "." and after[1:].isalnum())
        return not (before.isalnum() or before in OF_ADDRESSES or is_more or _begins_earlier(said, first, end))


def _begins_earlier(said: str, first: int, end: int) -> bool:
    """Whether an address begins before this place: "o'brien@b.be" is another mailbox than "brien@b.be"."""
    begun = GOES_ON.search(said, max(first - LONGEST_LOCAL, 0), first)
    if begun is None:
        return False
    is_field = said[: begun.start()][-1:] in {"", '"'} and said[end : end + 1] in {"", '"'}
    return is_field or begun[1] not in ELISIONS


def written(words: Sequence[Word]) -> list[Word]:
    """The same words in all their writings.

    An accent may be a sign of its own (NFD), as in names of files of a Mac; JSON, which half of the longer texts are,
    escapes letters with an accent, in either case.
    """
    found = {word.text: word for word in words}
    for word in words:
        apart = unicodedata.normalize("NFD", word.text)
        found.setdefault(apart, Word(apart, word.instead, word.is_address))
    for word in [*found.values()]:
        for cased in (word.text, word.text.lower(), word.text.upper()):
            escaped = json.dumps(cased)[1:-1]
            if escaped != cased:
                found.setdefault(escaped, Word(escaped, word.instead, word.is_address))
    return [*found.values()]


def taken_from(said: str, words: Sequence[Word]) -> str:
    """A text with the other words in the place of all of these."""
    for word in words:
        said = word.taken_from(said)
    return said


def texts_of(table: Table, without: Collection[str] = ()) -> list[Column[Any]]:
    """The columns of a table that hold a text, except for these."""
    held = [column for column in table.columns if isinstance(column.type, String)]
    return [column for column in held if not isinstance(column.type, Enum) and column.name not in without]


def rows_with(session: Session, table: Table, columns: Sequence[Column[Any]], words: Sequence[Word]) -> Iterator[Any]:
    """The rows of a table with one of these words as a whole in one of these columns."""
    if not columns or not words:
        return
    names = [column.name for column in columns]
    rows = _said(table, tuple(names))
    pieces = {word.text: tuple(piece.lower() for piece in NOT_ASCII.split(word.text) if piece) for word in words}
    held = [_holds(rows.c[SAID], each) for each in sorted({*pieces.values()} - {()})]
    held += [rows.c[AS_WRITTEN].contains(text, autoescape=True) for text, found in pieces.items() if not found]
    query = select(*(rows.c[column.key] for column in table.columns)).where(or_(*held))
    for row in session.execute(query).mappings():
        if any(word.stands(row[name] or "") for name in names for word in words):
            yield row


@cache  # the statement of a table is as large as it has texts: to build it takes longer than to execute it
def _said(table: Table, names: tuple[str, ...]) -> Subquery:
    """The rows of a table, with what all of these columns say: as it is written, and in small letters."""
    texts: list[ColumnElement[str]] = [func.coalesce(table.c[name], "", type_=String) for name in names]
    written = reduce(lambda before, after: before + BETWEEN + after, texts)
    return select(table, written.label(AS_WRITTEN), func.lower(written, type_=String).label(SAID)).subquery()


def _holds(said: ColumnElement[str], pieces: Sequence[str]) -> ColumnElement[bool]:
    """SQLite lowers the letters of ASCII alone, so it is asked for what lies between the others."""
    return and_(*(said.contains(piece, autoescape=True) for piece in pieces))


def addresses_in(session: Session, columns: Sequence[Column[Any]]) -> set[str]:
    """The addresses that these columns of one table name, as they are compared."""
    if not columns:
        return set()
    query = select(*columns).where(or_(*(column.contains("@") for column in columns)))
    found: set[str] = set()
    for row in session.execute(query.execution_options(yield_per=MOST_AT_ONCE)):
        for said in row:
            found.update(ADDRESS.findall(said or ""))
    tokens = {token.strip(".'’&") for token in found}
    tokens |= {JOINS.split(token)[-1] for token in tokens}
    return {key for token in tokens if (key := _key_of(token))}


def _key_of(token: str) -> str:
    try:
        return judge(token, examples=True).key
    except InputError:
        return ""


def find(session: Session, words: Sequence[Word], without: Mapping[str, Sequence[str]]) -> dict[str, list[Key]]:
    """The keys of the rows with one of these words, by table; `without` are columns that are not looked at."""
    found: dict[str, list[Key]] = {}
    for table in Base.metadata.sorted_tables:
        columns = texts_of(table, without.get(table.name, ()))
        if keys := [key_of(table, row) for row in rows_with(session, table, columns, words)]:
            found[table.name] = keys
    return found


def replace(session: Session, table: Table, keys: Sequence[Key], words: Sequence[Word], without: Sequence[str]) -> None:
    """Put the other words in their place, in the rows of a table with these keys."""
    columns = texts_of(table, without)
    for key in keys:
        this = and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))
        row = session.execute(select(*columns).where(this)).mappings().first()
        if changed := _changed(row, columns, words) if row else {}:
            session.execute(update(table).where(this).values(changed))


def _changed(row: RowMapping, columns: Sequence[Column[Any]], words: Sequence[Word]) -> dict[str, str]:
    changed: dict[str, str] = {}
    for column in columns:
        before = row[column.name] or ""
        if (after := taken_from(before, words)) != before:
            changed[column.name] = after[: getattr(column.type, "length", None)]
    return changed


def key_of(table: Table, row: RowMapping) -> Key:
    """The primary key of a row."""
    return tuple(row[column.name] for column in table.primary_key)
