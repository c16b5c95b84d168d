"""Finds words in the texts of every table, however they are written, and puts others in their place."""

import html
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from itertools import chain
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
ACCENTS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # signs of their own (NFD)
TO_FULL_WIDTH = 0xFEE0  # from a sign of ASCII to the one as wide as a Chinese one
FULL_WIDTH = "[\uff01-\uff5e]"
LOOKS = str.maketrans(
    {"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss", "ẞ": "ss", "ø": "o", "Ø": "o"}
    | {**dict.fromkeys("łŁ", "l"), **dict.fromkeys("đĐðÐ", "d"), "ı": "i", "İ": "i"}
)
SIGNS = str.maketrans(
    {chr(code + TO_FULL_WIDTH): chr(code) for code in range(0x21, 0x7F)}
    | dict.fromkeys(APOSTROPHES, "'")
    | dict.fromkeys(HYPHENS, "-")
    | {"ς": "σ"}
)
PLAIN = re.compile(r"[a-z0-9@]+")
GONE = re.compile(f"[{UNSEEN}]")
# A sign as HTML or JSON writes it, once or several times over.
ENTITY = r"&(?:amp;){0,16}(?:#[0-9]{1,40}|#x[0-9a-f]{1,40}|[a-z]{2,8}[0-9]{0,2});"
BARS = r"\\{1,16}"  # of JSON within JSON; a bound to each run, so that no text makes a pattern try for long
SPELT = re.compile(rf"{ENTITY}|{BARS}u[0-9a-f]{{4}}|{BARS}[nrtbf]|{BARS}(?=[\"'/\\])", re.IGNORECASE)
MARKS = f"[{ACCENTS}{UNSEEN}]*"
PAIRS = {"oe": "œŒ", "ae": "æÆ", "ss": "ßẞ", "fi": "ﬁ", "fl": "ﬂ", "ff": "ﬀ"}
VARIANTS = ((0xA1, 0x590), (0x1D00, 0x2200), (0x2460, 0x2500), (0xFF01, 0xFF5F), (0x1D400, 0x1D800))  # of letters


@dataclass(frozen=True, slots=True)
class Word:
    """Some words to find as a whole, and what takes their place.

    They are the same in any case, with or without accents, with any apostrophe, hyphen or spaces, of any width, as HTML
    or JSON writes them. In an address an accent tells one mailbox from another.
    """

    text: str
    instead: str
    is_address: bool = False

    def stands(self, said: str) -> bool:
        """Whether they stand in a text as a whole."""
        return next(self._places(said), None) is not None

    def taken_from(self, said: str) -> str:
        """A text with the other words in their place."""
        left: list[str] = []
        done = 0
        for first, end in self._places(said):
            left += said[done:first], self.instead
            done = end
        return "".join((*left, said[done:]))

    def _places(self, said: str) -> Iterator[tuple[int, int]]:
        """Where they stand. What is said is brought to its normal form, which takes time in proportion to its length;
        what is found there is cut out of what is said."""
        wanted = folded(self.text, is_address=self.is_address)
        if not wanted or wanted not in folded(said, is_address=self.is_address):
            return
        normal = _Normal(said, is_address=self.is_address)
        at = normal.text.find(wanted)
        while at >= 0:
            after = at + len(wanted)
            first, end = normal.starts[at], normal.ends[after - 1]
            is_it = not (normal.is_within(at) or normal.is_within(after)) and self._is_whole(said, first, end)
            if is_it:
                yield first, end
            at = normal.text.find(wanted, after if is_it else at + 1)

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
        return unicodedata.normalize("NFC", plain.translate(SIGNS)).lower().translate(SIGNS)
    return " ".join(_bare(plain).split())


def _bare(text: str) -> str:
    """A text without case, accents and width, each space as it is."""
    apart = unicodedata.normalize("NFKD", text.translate(SIGNS)).translate(LOOKS).casefold()
    return "".join(sign for sign in apart if not unicodedata.combining(sign)).translate(SIGNS)


class _Normal:
    """A text as `folded` has it, and for each sign of it from where to where it stands in what is said."""

    def __init__(self, said: str, *, is_address: bool) -> None:
        signs: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        for spelt, start, end in _spelt(said):
            plain = GONE.sub("", spelt)
            more = _address_sign(plain) if is_address else _name_sign(plain)
            if is_address and signs and more and unicodedata.combining(more[0]):
                composed = unicodedata.normalize("NFC", signs[-1] + more)
                more, signs[-1] = composed[1:], composed[0]
            if signs and (not more or (not is_address and more == signs[-1] == " ")):
                self.ends[-1] = end
                continue
            signs += more
            self.starts += [start] * len(more)
            self.ends += [end] * len(more)
        self.text = "".join(signs)

    def is_within(self, place: int) -> bool:
        """Whether a place is between two signs of one that is said: « œ » is two."""
        return 0 < place < len(self.starts) and self.starts[place] == self.starts[place - 1]


def _spelt(said: str) -> Iterator[tuple[str, int, int]]:
    """Each sign of a text, without the escapes of HTML and JSON, and from where to where it stands."""
    done = 0
    for found in SPELT.finditer(said):
        yield from ((said[place], place, place + 1) for place in range(done, found.start()))
        yield _sign_of(found), *found.span()
        done = found.end()
    yield from ((said[place], place, place + 1) for place in range(done, len(said)))


@lru_cache(maxsize=4096)
def _name_sign(sign: str) -> str:
    bare = _bare(sign)
    return " " if bare.isspace() else bare


@lru_cache(maxsize=4096)
def _address_sign(sign: str) -> str:
    return unicodedata.normalize("NFC", sign.translate(SIGNS)).lower().translate(SIGNS)


def shape_of(text: str) -> str:
    """A pattern of the writings of some words without escapes, for Python and for PostgreSQL. It finds some others.

    No sign is of two parts that follow each other, so that a text is tried once.
    """
    bare = folded(text)
    shape, place = [], 0
    while place < len(bare):
        pair = bare[place : place + 2]
        if pair in PAIRS:
            shape.append(f"(?:{_sign_shape(pair[0])}{_sign_shape(pair[1])}|[{PAIRS[pair]}]{MARKS})")
            place += 1
        else:
            shape.append(_sign_shape(bare[place]))
        place += 1
    return "".join(shape)


def _sign_shape(sign: str) -> str:
    if sign == " ":
        return f"[{SPACES}][{SPACES}{UNSEEN}]*"
    if sign.isalnum():
        return _class_of(sign) + MARKS
    same = {"'": APOSTROPHES, "-": HYPHENS}.get(sign, re.escape(sign))
    wide = chr(ord(sign) + TO_FULL_WIDTH) if sign.isascii() else ""
    return f"[{same}{wide}]{MARKS}"


@cache
def _class_of(letter: str) -> str:
    signs = {letter, letter.upper(), *_variants().get(letter, ())}
    return f"[{''.join(sorted(sign for sign in signs if len(sign) == 1))}]"


@cache
def _variants() -> Mapping[str, str]:
    """The letters and digits that are the same in any case, with any accent, of any width, by what is left of them."""
    found: dict[str, str] = {}
    for code in chain.from_iterable(range(*each) for each in VARIANTS):
        if len(bare := _bare(chr(code))) == 1 and bare.isalnum():
            found[bare] = found.get(bare, "") + chr(code)
    return found


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
    """Their pieces stand as they are, or something is escaped, or signs beyond ASCII may stand for theirs."""
    bare = folded(word.text, is_address=word.is_address)
    pieces = sorted(set(PLAIN.findall(bare)))
    is_plain = and_(*(lower.contains(piece, autoescape=True) for piece in pieces)) if pieces else false()
    may_vary = func.octet_length(said) != func.length(said)
    if word.is_address and pieces:
        may_vary &= said.regexp_match(FULL_WIDTH)
    return or_(is_plain, is_escaped, may_vary & said.regexp_match(f"(?i){shape_of(word.text)}"))


def rows_with(session: Session, table: Table, columns: Sequence[Column[Any]], words: Sequence[Word]) -> Iterator[Any]:
    """The rows of a table with one of these words as a whole in one of these columns."""
    if not columns or not words:
        return
    names = [column.name for column in columns]
    rows = _said(table, tuple(names))
    query = select(*(rows.c[column.key] for column in table.columns)).where(written_as(rows.c[SAID], words))
    for row in session.execute(query.execution_options(yield_per=MOST_AT_ONCE)).mappings():
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
