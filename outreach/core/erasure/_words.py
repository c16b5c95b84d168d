"""Finds words in the texts of every table, however they are written, and puts others in their place."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from html.entities import html5
from typing import Any

from sqlalchemy import Column, ColumnElement, Enum, RowMapping, String, Table, and_, select, update

from outreach.core.db import Base, Session, time_limit
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError

Key = tuple[Any, ...]
OF_ADDRESSES = {".", "-", "_", "+"}  # what may stand within an address, beside letters and digits
GOES_ON = re.compile(r"([\w.+-]{1,64})['&]\Z")  # what an address may begin with before one of these: "o'brien@…"
ELISIONS = {"c", "d", "j", "jusqu", "l", "lorsqu", "m", "n", "puisqu", "qu", "s", "t"}  # "d'olivier@…" is his address
ADDRESS = re.compile(r"[^\s@<>\"(),;:=/\\\[\]]{1,128}@[^\s@<>\"(),;:=/\\\[\]]{1,255}")  # RFC 5321, §4.5.3.1
JOINS = re.compile(r"['&]")
MOST_AT_ONCE = 1000  # rows of a table in memory
BETWEEN = "\n"  # the texts of a row, where they are looked at as one
BESIDE = 200  # characters before and after what was found, which tell whether it stands as a whole

# What stands for the same sign. Some people type the one, some programs turn it into another.
APOSTROPHES = dict.fromkeys(map(ord, "'’‘‛ʼʹʽʻʾʿˈ´`′＇΄ꞌ᾽᾿՚׳"), "'")
SIGNS = APOSTROPHES | dict.fromkeys(map(ord, "-‐‑‒–—―−﹣－⁃"), "-") | {ord("ς"): "σ"}
LOOKS = str.maketrans(
    {"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "ß": "ss", "ẞ": "ss", "ø": "o", "Ø": "o"}
    | {**dict.fromkeys("łŁ", "l"), **dict.fromkeys("đĐðÐ", "d"), "ı": "i", "İ": "i"}
)
# Signs that nobody sees, beside those that only format (Cf): joiners, fillers, choices of a variant.
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# A sign as HTML or JSON writes it, once or several times over; a bound to each run, so that no text makes a pattern try
# for long.
BARS, HEX = r"\\{1,16}", "[0-9a-fA-F]"
PAIR = rf"{BARS}u[dD][89abAB]{HEX}{{2}}{BARS}u[dD][c-fC-F]{HEX}{{2}}"  # of UTF-16
OF_JSON = rf"{PAIR}|{BARS}u{HEX}{{4}}|{BARS}[nrtbf]|{BARS}[\"'/]"
NUMBER, NAMED = rf"#[0-9]{{1,40}};?|#[xX]{HEX}{{1,40}};?", "[a-zA-Z]{2,31}[0-9]{0,2}"
SPELT = re.compile(rf"&(?:(?:amp|AMP);){{0,16}}({NUMBER}|{NAMED};)|{OF_JSON}")
# The same, where somebody left a semicolon out. « Louis&ethan » is then « Louisðan »: such a text is read both ways.
UNENDED = re.compile(rf"&(?:(?:amp|AMP);?){{0,16}}({NUMBER}|{NAMED};?)|{OF_JSON}")
UNITS = re.compile(rf"u({HEX}{{4}})")


@dataclass(frozen=True, slots=True)
class Redaction:
    """Some words to find as a whole, and what takes their place.

    They are the same in any case, with or without accents, with any apostrophe, hyphen or spaces, of any width, as HTML
    or JSON writes them. In an address an accent tells one mailbox from another.
    """

    text: str
    instead: str
    is_address: bool = False

    def may_stand(self, said: str) -> bool:
        """Whether they stand in a text, as a whole or within others."""
        return any(self._wanted in fold_words(said, reading, is_address=self.is_address) for reading in readings(said))

    def stands(self, said: str) -> bool:
        """Whether they stand in a text as a whole."""
        return any(next(self._places(said, reading), None) for reading in readings(said))

    def taken_from(self, said: str) -> str:
        """A text with the other words in their place."""
        for reading in readings(said):
            left: list[str] = []
            done = 0
            for first, end in self._places(said, reading):
                left += said[done:first], self.instead
                done = end
            said = "".join((*left, said[done:]))
        return said

    @property
    def _wanted(self) -> str:
        return fold_words(self.text, is_address=self.is_address)

    def _places(self, said: str, reading: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Where they stand. What is said is brought to its normal form, which takes time in proportion to its length;
        what is found there is cut out of what is said."""
        wanted = self._wanted
        if not wanted or wanted not in fold_words(said, reading, is_address=self.is_address):
            return
        normal = _Normal(said, reading, is_address=self.is_address)
        at = normal.text.find(wanted)
        while at >= 0:
            after = at + len(wanted)
            is_it = self._is_whole(normal, at, after)
            if is_it:
                yield normal.starts[at], normal.ends[after - 1]
            at = normal.text.find(wanted, after if is_it else at + 1)

    def _is_whole(self, normal: "_Normal", at: int, after: int) -> bool:
        if normal.divides(at) or normal.divides(after):
            return False
        before, behind = normal.before(at), normal.behind(after)
        if _is_of_word(before[-1:]) or _is_of_word(behind[:1]):
            return False
        if not self.is_address:
            return True
        is_more = behind[:1] in {"-", "_"} or (behind[:1] == "." and behind[1:2].isalnum())
        return not (before[-1:] in OF_ADDRESSES or is_more or _begins_earlier(before, behind[:1]))


def _is_of_word(sign: str) -> bool:
    return sign.isalnum() or bool(sign and unicodedata.combining(sign))


def _begins_earlier(before: str, after: str) -> bool:
    """Whether an address begins before this place: "o'brien@b.be" is another mailbox than "brien@b.be"."""
    begun = GOES_ON.search(before)
    if begun is None:
        return False
    is_field = before[: begun.start()][-1:] in {"", '"'} and after in {"", '"'}
    return is_field or begun[1].lower() not in ELISIONS


def readings(said: str) -> Sequence[re.Pattern[str]]:
    """The ways to read a text: what stands for a sign in it may be told in more than one."""
    return (SPELT, UNENDED) if "&" in said else (SPELT,)


def decoded(said: str, reading: re.Pattern[str] = SPELT) -> str:
    """A text without the escapes of HTML and JSON."""
    if "&" not in said and "\\" not in said:
        return said
    return reading.sub(lambda spelt: "".join(_read(spelt)), said)


def _read(spelt: re.Match[str]) -> tuple[str, str]:
    """What an escape stands for, and its end that stands for itself: without a semicolon it may have taken too much."""
    name = spelt[1]
    if name is None:
        return _read_of_json(spelt[0]), ""
    if name.startswith("#"):
        return unescape(f"&{name}"), ""
    for end in range(len(name), len(name) - 1 if spelt.re is SPELT else 1, -1):
        if sign := html5.get(name[:end]) or html5.get(f"{name[:end]};"):
            return sign, name[end:]
    return "&", name


def _read_of_json(spelt: str) -> str:
    if units := UNITS.findall(spelt):
        return b"".join(int(unit, 16).to_bytes(2) for unit in units).decode("utf-16-be", "replace")
    return spelt[-1] if spelt[-1] in "\"'/" else " "


@lru_cache(maxsize=32)  # of one row, which each word is sought in
def fold_words(text: str, reading: re.Pattern[str] = SPELT, *, is_address: bool = False) -> str:
    """Words as they are compared: two writings of the same words are one."""
    plain = unicodedata.normalize("NFD", decoded(text, reading).translate(OF_ADDRESS if is_address else OF_NAME))
    return plain if is_address else " ".join(plain.split())


class _Folds(dict[int, str]):
    """What each sign is compared as, found when it is first met."""

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        folded = "" if unicodedata.category(sign) == "Cf" or UNSEEN.match(sign) else self._fold(sign)
        return self.setdefault(code, folded)


def _plain(sign: str) -> str:
    """A sign without its width and what it is made of apart, be it several."""
    return unicodedata.normalize("NFKD", sign.translate(SIGNS)).translate(SIGNS)


def _of_address(sign: str) -> str:
    """In any case. An accent counts."""
    return _plain(_plain(sign).lower())


def _of_name(sign: str) -> str:
    """In any case, with or without accents."""
    apart = _plain(_plain(sign).translate(LOOKS).casefold())
    bare = "".join(part for part in apart if not unicodedata.combining(part))
    return " " if bare.isspace() else bare


OF_ADDRESS, OF_NAME = _Folds(_of_address), _Folds(_of_name)


class _Normal:
    """A text as `fold_words` has it, and for each sign of it from where to where it stands in what is said."""

    def __init__(self, said: str, reading: re.Pattern[str], *, is_address: bool) -> None:
        self._said, self._reading = said, reading
        signs: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        folds = OF_ADDRESS if is_address else OF_NAME
        for spelt, start, end in _spelt(said, reading):
            more = spelt.translate(folds)
            if signs and (not more or (not is_address and more == signs[-1] == " ")):
                self.ends[-1] = end
                continue
            signs += more
            self.starts += [start] * len(more)
            self.ends += [end] * len(more)
        self.text = unicodedata.normalize("NFD", "".join(signs))

    def divides(self, place: int) -> bool:
        """Whether a place is within one sign that is said: « œ » is two letters, « é » a letter and its accent."""
        is_within = 0 < place < len(self.starts) and self.starts[place] == self.starts[place - 1]
        return is_within and _is_of_word(self.text[place - 1]) and _is_of_word(self.text[place])

    def before(self, place: int) -> str:
        """What is said just before a place."""
        first = self.starts[place]
        return self._beside(max(first - BESIDE, 0), first)

    def behind(self, place: int) -> str:
        """What is said just after a place."""
        end = self.ends[place - 1]
        return self._beside(end, end + BESIDE)

    def _beside(self, first: int, end: int) -> str:
        said = decoded(self._said[first:end], self._reading).translate(APOSTROPHES)
        seen = "".join(sign for sign in said if OF_ADDRESS[ord(sign)])
        return unicodedata.normalize("NFC", seen)


def _spelt(said: str, reading: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """Each sign of a text, without the escapes of HTML and JSON, and from where to where it stands."""
    done = 0
    for found in reading.finditer(said):
        yield from ((said[place], place, place + 1) for place in range(done, found.start()))
        sign, rest = _read(found)
        done = found.end() - len(rest)
        yield sign, found.start(), done
    yield from ((said[place], place, place + 1) for place in range(done, len(said)))


def taken_from(said: str, words: Sequence[Redaction]) -> str:
    """A text with the other words in the place of all of these."""
    for word in words:
        said = word.taken_from(said)
    return said


def texts_of(table: Table, without: Collection[str] = ()) -> list[Column[Any]]:
    """The columns of a table that hold a text, except for these."""
    held = [column for column in table.columns if isinstance(column.type, String)]
    return [column for column in held if not isinstance(column.type, Enum) and column.name not in without]


def keys_with(
    session: Session, table: Table, columns: Sequence[Column[Any]], words: Sequence[Redaction]
) -> Iterator[Key]:
    """The keys of the rows of a table with one of these words as a whole in one of these columns.

    Every row is read: no condition of a database finds words in each writing. `time_limit` ends it between two slices.
    """
    if not columns or not words:
        return
    names = [column.name for column in columns]
    for row in _walked(session, [*table.primary_key, *(column for column in columns if not column.primary_key)]):
        said = BETWEEN.join(row[name] or "" for name in names)
        near = [word for word in words if word.may_stand(said)]
        if near and any(word.stands(row[name] or "") for name in names for word in near):
            yield row_key(table, row)


def _walked(session: Session, columns: Sequence[Column[Any]]) -> Iterator[RowMapping]:
    query = select(*columns).execution_options(yield_per=MOST_AT_ONCE)
    for some in session.execute(query).mappings().partitions():
        yield from some
        time_limit.look()


def addresses_in(session: Session, columns: Sequence[Column[Any]]) -> set[str]:
    """The addresses that these columns of one table name, as they are compared."""
    if not columns:
        return set()
    found: set[str] = set()
    for row in _walked(session, columns):
        said = BETWEEN.join(text or "" for text in row.values())
        for reading in readings(said):
            plain = fold_words(said, reading, is_address=True)
            if "@" in plain:
                found.update(ADDRESS.findall(unicodedata.normalize("NFC", plain)))
    tokens = {token.strip(".'&") for token in found}
    tokens |= {JOINS.split(token)[-1] for token in tokens}
    return {key for token in tokens if (key := _key_of(token))}


def _key_of(token: str) -> str:
    try:
        return judge(token, examples=True).key
    except InputError:
        return ""


def find_words(
    session: Session, words: Sequence[Redaction], without: Mapping[str, Sequence[str]]
) -> dict[str, list[Key]]:
    """The keys of the rows with one of these words, by table; `without` are columns that are not looked at."""
    found: dict[str, list[Key]] = {}
    for table in Base.metadata.sorted_tables:
        columns = texts_of(table, without.get(table.name, ()))
        if keys := list(keys_with(session, table, columns, words)):
            found[table.name] = keys
    return found


def replace_words(
    session: Session, table: Table, keys: Sequence[Key], words: Sequence[Redaction], without: Sequence[str]
) -> None:
    """Put the other words in their place, in the rows of a table with these keys."""
    columns = texts_of(table, without)
    for key in keys:
        this = is_row(table, key)
        row = session.execute(select(*columns).where(this)).mappings().first()
        if changed := _changed(row, columns, words) if row else {}:
            session.execute(update(table).where(this).values(changed))


def _changed(row: RowMapping, columns: Sequence[Column[Any]], words: Sequence[Redaction]) -> dict[str, str]:
    changed: dict[str, str] = {}
    for column in columns:
        before = row[column.name] or ""
        if (after := taken_from(before, words)) != before:
            changed[column.name] = after[: getattr(column.type, "length", None)]
    return changed


def is_row(table: Table, key: Key) -> ColumnElement[bool]:
    """The condition that a row has this primary key."""
    return and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))


def row_key(table: Table, row: RowMapping) -> Key:
    """The primary key of a row."""
    return tuple(row[column.name] for column in table.primary_key)
