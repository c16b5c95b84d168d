"""Finds words in the texts of every table, however they are written, and puts others in their place."""

import html
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
    SQLColumnExpression,
    String,
    Subquery,
    Table,
    and_,
    false,
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
GOES_ON = re.compile(r"([\w.+-]{1,64})['&]\Z")  # what an address may begin with before one of these: "o'brien@…"
ELISIONS = {"c", "d", "j", "jusqu", "l", "lorsqu", "m", "n", "puisqu", "qu", "s", "t"}  # "d'olivier@…" is his address
ADDRESS = re.compile(r"[^\s@<>\"(),;:=/\\\[\]]{1,128}@[^\s@<>\"(),;:=/\\\[\]]{1,255}")  # RFC 5321, §4.5.3.1
JOINS = re.compile(r"['&]")
MOST_AT_ONCE = 1000  # rows of a table in memory
SAID, BETWEEN = "all_said", "\n"  # what the texts of a row say, one after the other
BESIDE = 200  # characters before and after what was found, which tell whether it stands as a whole

# What stands for the same sign. Some people type the one, some programs turn it into another.
APOSTROPHES = "'’‘‛ʼʹʽʻʾʿˈ´`′＇΄ꞌ᾽᾿՚׳"
HYPHENS = "-‐‑‒–—―−﹣－⁃"
SPACES = " \t\r\n\f\v\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
UNSEEN = "\xad\u200b-\u200f\u2060\ufeff"
LOOKS = str.maketrans(
    {"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss", "ẞ": "ss", "ø": "o", "Ø": "o"}
    | {**dict.fromkeys("łŁ", "l"), **dict.fromkeys("đĐðÐ", "d"), "ı": "i", "İ": "i"}
)
SIGNS = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(HYPHENS, "-"))
PLAIN = re.compile(r"[a-z0-9@]+")
GONE = re.compile(f"[{UNSEEN}]")
# A sign as HTML or JSON writes it, once or several times over.
ENTITY = r"&(?:amp;){0,4}(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}[0-9]{0,2});"
BARS = r"\\{1,16}"  # of JSON within JSON; a bound to each run, so that no text makes a pattern try for long
ESCAPE = rf"{BARS}u[0-9a-f]{{4}}"
SPELT = re.compile(rf"{ENTITY}|{ESCAPE}|{BARS}[nrtbf]|{BARS}(?=[\"'/\\])", re.IGNORECASE)
ANY = f"{ENTITY}|{ESCAPE}"
# An accent that is a sign of its own (NFD), as in names of files of a Mac; what is not seen.
MARK = rf"[\u0300-\u036f{UNSEEN}]|{BARS}u03[0-6][0-9a-f]|&#(?:7[67][0-9]|8[0-7][0-9]);|&#x0?3[0-6][0-9a-f];|&shy;"
MARKS = f"(?:{MARK}){{0,8}}"
PAIRS = {"oe": "œŒ", "ae": "æÆ", "ss": "ßẞ"}


@dataclass(frozen=True, slots=True)
class Word:
    """Some words to find as a whole, and what takes their place.

    They are the same in any case, with or without accents, with any apostrophe, hyphen or space, as HTML or JSON
    writes them. In an address an accent tells one mailbox from another.
    """

    text: str
    instead: str
    is_address: bool = False

    def stands(self, said: str) -> bool:
        """Whether they stand in a text as a whole."""
        return next(self._places(said), None) is not None

    def taken_from(self, said: str) -> str:
        """A text with the other words in their place."""
        for first, end in reversed([*self._places(said)]):
            said = said[:first] + self.instead + said[end:]
        return said

    def _places(self, said: str) -> Iterator[tuple[int, int]]:
        shape, wanted = pattern_of(self.text), folded(self.text, is_address=self.is_address)
        found = shape.search(said)
        while found is not None:
            first, end = found.span()
            is_it = folded(found[0], is_address=self.is_address) == wanted and self._is_whole(said, first, end)
            if is_it:
                yield first, end
            found = shape.search(said, end if is_it else first + 1)

    def _is_whole(self, said: str, first: int, end: int) -> bool:
        before, after = decoded(said[max(first - BESIDE, 0) : first]), decoded(said[end : end + BESIDE])
        if not self.is_address:
            return not (before[-1:].isalnum() or after[:1].isalnum())
        is_more = after[:1].isalnum() or after[:1] in {"-", "_"} or (after[:1] == "." and after[1:2].isalnum())
        return not (
            before[-1:].isalnum() or before[-1:] in OF_ADDRESSES or is_more or _begins_earlier(before, after[:1])
        )


def _begins_earlier(before: str, after: str) -> bool:
    """Whether an address begins before this place: "o'brien@b.be" is another mailbox than "brien@b.be"."""
    before = before.translate(SIGNS)
    begun = GOES_ON.search(before)
    if begun is None:
        return False
    is_field = before[: begun.start()][-1:] in {"", '"'} and after in {"", '"'}
    return is_field or begun[1].lower() not in ELISIONS


def decoded(said: str) -> str:
    """A text without the escapes of HTML and JSON."""
    return SPELT.sub(_sign_of, said)


def _sign_of(spelt: re.Match[str]) -> str:
    if spelt[0].startswith("&"):
        return html.unescape(spelt[0].replace("amp;", ""))
    bare = spelt[0].lstrip("\\")
    return chr(int(bare[1:], 16)) if bare[:1] in {"u", "U"} else " " if bare else ""


def folded(text: str, *, is_address: bool = False) -> str:
    """Words as they are compared: two writings of the same words are one."""
    plain = GONE.sub("", decoded(text))
    if is_address:
        return unicodedata.normalize("NFC", plain).lower().translate(SIGNS)
    apart = unicodedata.normalize("NFD", plain.translate(LOOKS).casefold())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return " ".join(bare.translate(SIGNS).split())


def shape_of(text: str) -> str:
    """A pattern of all writings of some words, for Python and for PostgreSQL. It finds some others, too."""
    bare = folded(text)
    shape, place = [], 0
    while place < len(bare):
        pair = bare[place : place + 2]
        if pair in PAIRS:
            shape.append(f"(?:{_sign_shape(pair[0])}{_sign_shape(pair[1])}|(?:[{PAIRS[pair]}]|{ANY}){MARKS})")
            place += 1
        else:
            shape.append(_sign_shape(bare[place]))
        place += 1
    return "".join(shape)


def _sign_shape(sign: str) -> str:
    if sign == " ":
        return rf"(?:[{SPACES}]|{ANY}|{BARS}[nrtf]){{1,4}}"
    if sign.isalpha():
        return f"(?:{_class_of(sign)}|{ANY}){MARKS}"
    same = {"'": rf"(?:{BARS})?[{APOSTROPHES}]", "-": f"[{HYPHENS}]", '"': f'(?:{BARS})?"'}.get(sign, re.escape(sign))
    return f"(?:{same}|{ANY}){MARKS}"


@cache
def _class_of(letter: str) -> str:
    signs = {letter, letter.upper(), *_accented().get(letter, ())}
    return f"[{''.join(sorted(sign for sign in signs if len(sign) == 1))}]"


@cache
def _accented() -> Mapping[str, str]:
    """The letters that are the same without their accents, by what is left: Latin, Greek, Cyrillic."""
    found: dict[str, str] = {}
    for code in (*range(0xC0, 0x590), *range(0x1E00, 0x2000)):
        if chr(code).isalpha() and len(bare := folded(chr(code))) == 1:
            found[bare] = found.get(bare, "") + chr(code)
    return found


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    """The pattern of all writings of some words, as Python has it."""
    return re.compile(shape_of(text), re.IGNORECASE)


def taken_from(said: str, words: Sequence[Word]) -> str:
    """A text with the other words in the place of all of these."""
    for word in words:
        said = word.taken_from(said)
    return said


def texts_of(table: Table, without: Collection[str] = ()) -> list[Column[Any]]:
    """The columns of a table that hold a text, except for these."""
    held = [column for column in table.columns if isinstance(column.type, String)]
    return [column for column in held if not isinstance(column.type, Enum) and column.name not in without]


def written_as(said: SQLColumnExpression[Any], words: Collection[Word]) -> ColumnElement[bool]:
    """The condition that some of these words may stand in what is said, in any writing: who asks looks once more."""
    lower, is_escaped = func.lower(said, type_=String), said.contains("&") | said.contains("\\", autoescape=True)
    return or_(*(_may_stand(said, lower, is_escaped, word) for word in words))


def _may_stand(
    said: SQLColumnExpression[Any], lower: ColumnElement[str], is_escaped: ColumnElement[bool], word: Word
) -> ColumnElement[bool]:
    """The pattern takes long. Where nothing is escaped, and no accent may have been added, its pieces stand as they
    are, which is soon known."""
    bare = folded(word.text, is_address=word.is_address)
    pieces = sorted(set(PLAIN.findall(bare)))
    is_plain = and_(*(lower.contains(piece, autoescape=True) for piece in pieces)) if pieces else false()
    may_vary = not word.is_address and any(map(str.isalpha, bare))
    is_accented = (func.octet_length(said) != func.length(said)) if may_vary or not pieces else false()
    return or_(is_plain, is_escaped, is_accented) & said.regexp_match(f"(?i){shape_of(word.text)}")


def rows_with(session: Session, table: Table, columns: Sequence[Column[Any]], words: Sequence[Word]) -> Iterator[Any]:
    """The rows of a table with one of these words as a whole in one of these columns."""
    if not columns or not words:
        return
    names = [column.name for column in columns]
    rows = _said(table, tuple(names))
    query = select(*(rows.c[column.key] for column in table.columns)).where(written_as(rows.c[SAID], words))
    for row in session.execute(query).mappings():
        if any(word.stands(row[name] or "") for name in names for word in words):
            yield row


@cache  # the statement of a table is as large as it has texts: to build it takes longer than to execute it
def _said(table: Table, names: tuple[str, ...]) -> Subquery:
    """The rows of a table, with what all of these columns say."""
    texts: list[ColumnElement[str]] = [func.coalesce(table.c[name], "", type_=String) for name in names]
    return select(table, reduce(lambda before, after: before + BETWEEN + after, texts).label(SAID)).subquery()


def addresses_in(session: Session, columns: Sequence[Column[Any]]) -> set[str]:
    """The addresses that these columns of one table name, as they are compared."""
    if not columns:
        return set()
    query = select(*columns).where(or_(*(column.contains("@") for column in columns)))
    found: set[str] = set()
    for row in session.execute(query.execution_options(yield_per=MOST_AT_ONCE)):
        for said in row:
            found.update(ADDRESS.findall(decoded(said or "").translate(SIGNS)))
    tokens = {token.strip(".'&") for token in found}
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
