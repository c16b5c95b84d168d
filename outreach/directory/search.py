"""Searches the directory in words: in names, places, FASE numbers, addresses and federations, with one typo a word.

A word is searched as it was typed. Only when nothing is found do words of the directory that are one typo away stand in
for it, and whoever shows the result says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, Select, and_, case, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from outreach.columns import BATCH
from outreach.db import Session
from outreach.directory.models import Authority, Contact, Federation, Membership, Ownership, School
from outreach.directory.names.display_names import display_name
from outreach.directory.reference import fold

Query = TypeVar("Query", bound=Select[Any])
MOST_TERMS = 30
LEAST_OF_ADDRESS = 4  # characters; shorter words stand in too many addresses
LEAST_OF_TYPO = 4
MOST_SPELLINGS = 12


@dataclass(frozen=True, slots=True)
class SoughtWord:
    """One word of a search: as typed, the folded spellings looked for (any of them), and the federations it names."""

    typed: str
    spellings: tuple[str, ...]
    federations: tuple[int, ...] = ()

    def authority_has(self) -> ColumnElement[bool]:
        """Whether an authority has this word: in its name, number or place, an address in use, or a federation."""
        named = _held(Authority.folded, self.spellings)
        sought = [word for word in (self.typed, *self.spellings) if len(word) >= LEAST_OF_ADDRESS]
        if sought:
            written = or_(*(Contact.address_key.contains(word, autoescape=True) for word in sought))
            addressed = select(Contact.authority_id).where(Contact.retired_at.is_(None), written)
            named.append(Authority.id.in_(addressed))
        if self.federations:
            represented = select(Membership.authority_id)
            represented = represented.where(Membership.federation_id.in_(self.federations), Membership.current())
            named.append(Authority.id.in_(represented))
        return or_(false(), *named)

    def school_has(self) -> ColumnElement[bool]:
        """Whether a school has this word: in its name, number or place."""
        return or_(false(), *_held(School.folded, self.spellings))


@dataclass(frozen=True, slots=True)
class Found:
    """Results of a text: `schools` has for each authority the name of a school found, or None if it was found itself.

    `corrected` are the words that were not found, each with those that stand in for it.
    """

    schools: Mapping[int, str | None]
    corrected: tuple[tuple[str, tuple[str, ...]], ...] = ()


def find(session: Session, text: str, among: Collection[ColumnElement[bool]]) -> Found:
    """The authorities that have all words of a text, or one of whose schools has some of them and it or the authority
    the others. `among` limits listings and schools. Words beyond the thirtieth are left out.
    """
    terms = _terms(session, text)
    schools = _found(session, terms, among)
    if schools or not terms:
        return Found(schools)
    words = _words(session)
    unknown = [term for term in terms if not any(spelling in word for spelling in term.spellings for word in words)]
    corrected = [_corrected(term, words) if term in (unknown or terms) else term for term in terms]
    stand_ins = tuple(
        (term.typed, meant.spellings[len(term.spellings) :])
        for term, meant in zip(terms, corrected, strict=True)
        if meant is not term
    )
    return Found(_found(session, corrected, among), stand_ins) if stand_ins else Found({})


def is_named(text: str, *folded: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """True of an authority whose name, number or place contains all the words of a text, ignoring accents and case.

    `folded` are columns of what is searched in its place: of a school, or of both.
    """
    spelling = _spelling(text)
    return or_(false(), *(held for column in folded or (Authority.folded,) for held in _held(column, spelling)))


def narrowed(query: Query, text: str, *folded: InstrumentedAttribute[str]) -> Query:
    """The query with `is_named` as one more condition; unchanged where the text is empty."""
    return query.where(is_named(text, *folded)) if text else query


def _terms(session: Session, text: str) -> list[SoughtWord]:
    federations = [(key, f" {fold(f'{code} {name}')}") for key, code, name in session.execute(_FEDERATIONS)]
    terms = []
    for word in list(dict.fromkeys(text.casefold().split()))[:MOST_TERMS]:
        spelling = _spelling(word)
        named = (key for key, said in federations for spelt in spelling if f" {spelt}" in said)
        terms.append(SoughtWord(word, spelling, tuple(named)))
    return terms


def _spelling(text: str) -> tuple[str, ...]:
    """A text folded, each of its words once: one letter may stand for several words, which SQLite nests too deep."""
    folded = " ".join(dict.fromkeys(fold(text).split()))
    return (folded,) if folded else ()


def _found(
    session: Session, terms: Sequence[SoughtWord], among: Collection[ColumnElement[bool]]
) -> Mapping[int, str | None]:
    if not terms:
        return {}
    itself = and_(*(term.authority_has() for term in terms))
    by_school = and_(
        or_(*(term.school_has() for term in terms)), *(or_(term.school_has(), term.authority_has()) for term in terms)
    )
    query: Select[int, str | None] = (
        select(Ownership.authority_id, func.min(case((by_school, func.coalesce(School.corrected_name, School.name)))))
        .join(School, School.id == Ownership.school_id)
        .join(Authority, Authority.id == Ownership.authority_id)
        .where(*among, or_(itself, by_school))
        .group_by(Ownership.authority_id)
    )
    return {key: display_name(school) if school else None for key, school in session.execute(query)}


def _corrected(term: SoughtWord, words: Sequence[str]) -> SoughtWord:
    """A term that also stands for the words one letter away: changed, added, left out or in its neighbour's place.

    Numbers are exact. The same term if there are none.
    """
    typed = next(iter(term.spellings), "")
    if len(typed) < LEAST_OF_TYPO or typed.isdigit():
        return term
    near = process.extract(typed, words, scorer=OSA.distance, processor=None, score_cutoff=1, limit=MOST_SPELLINGS)
    others = [word for word, distance, _ in near if distance]
    return replace(term, spellings=(*term.spellings, *others)) if others else term


def _words(session: Session) -> list[str]:
    """The words of the directory, sorted. Texts are read some at a time: all at once take more than the words do."""
    addresses = select(Contact.address_key).where(Contact.retired_at.is_(None))
    words: set[str] = set()
    for query in (select(Authority.folded), select(School.folded), addresses):
        said = session.scalars(query.execution_options(yield_per=BATCH))
        for text in map(fold, said) if query is addresses else said:
            words.update(word for word in text.split() if len(word) >= LEAST_OF_TYPO - 1)
    return sorted(words)


def _held(folded: InstrumentedAttribute[str], spellings: Sequence[str]) -> list[ColumnElement[bool]]:
    """For each spelling, whether a text holds all its words."""
    return [and_(*(folded.contains(word, autoescape=True) for word in spelling.split())) for spelling in spellings]


_FEDERATIONS = select(Federation.id, Federation.code, Federation.name)
