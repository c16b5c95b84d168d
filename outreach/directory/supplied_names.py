"""Compares the name of an organisation in a row with the names that its FASE number has in the directory.

A row may carry the number of one authority and the name of another. Names are compared by the words that tell
organisations apart: "Adm. communale de Namur" and "Ville de Namur" share their only one.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from functools import cache, lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import select, union

from outreach.core.db import Session
from outreach.core.tables import GridRow, Holds, RowFault
from outreach.directory.display_names import COMMON, ELIDED, PARTICLES, shown
from outreach.directory.models import Authority, Network, Ownership, School
from outreach.directory.reference import WORD, NetworkCode, fold

SCHOOL_NAMES = (  # headers of a column with names of schools, as `Heading.spellings`
    *("nom ecole", "nom etablissement", "denomination ecole", "denomination etablissement", "intitule ecole"),
    *("etablissement", "ecole", "etablissement scolaire"),
)
FAR_NAME = "« {stated} » est loin de « {known} », le nom du numéro FASE {fase} : corrigez le numéro"
NEAR = 0.6
"""The least share of the words of one name that the other has, so that both may name the same.

Measured on the open register of 2023 (1,035 authorities, 3,029 schools), at 0.5, 0.6 and 0.75:

- Names that would wait wrongly: none in the register's spelling, in ours or in bare capitals, of either kind.
  With usual abbreviations 1 authority and 1 school. With one typo 16, 39, 43 authorities and 37, 74, 83 schools.
- Wrong pairs that pass, of thousands drawn by lot: of an authority's name and another's number 2.9, 2.5, 2.5 %, and
  11.8, 6.9, 6.0 % where both are in one municipality; of a school's name and another authority's number 9.1, 8.5,
  8.5 %. That another municipality's name tells two of one saint apart spares a fifth of a percent. At 0.6 six in
  ten of the former and eight in ten of the latter have no word of their own ("École fondamentale libre").

At 0.5 a place alone may stand for a name; at 0.75 more typos wait, and hardly fewer wrong pairs pass.
"""
LONGEST = 200  # characters that are compared; no name in the directory has more, and each word costs all the others
LEAST_OF_TYPO = 5  # characters; shorter words are other words when one letter differs
LEAST_OF_CUT = 4  # characters of a word that was cut short: "Bast." for Bastogne
_ORGANISATIONS = {
    "academie", "administration", "asbl", "association", "athenee", "centre", "college", "comite", "commune",
    "communaute", "conservatoire", "ecole", "ecoles", "enseignement", "etablissement", "institut", "instituts",
    "lycee", "po", "pouvoir", "province", "universite", "ville",
}  # fmt: skip
_JOBS = {
    "accueil", "adjoint", "adjointe", "bureau", "cabinet", "coordination", "directeur", "direction",
    "directrice", "echevin", "economat", "greffe", "madame", "mme", "monsieur", "president", "presidente",
    "recteur", "responsable", "secretaire", "secretariat", "service",
}  # fmt: skip
_FORMS = {
    "ac", "ag", "ar", "asbl", "cfa", "college", "commission", "commune", "communes", "ec", "eclu", "efa", "fwb",
    "groupe", "inst", "lib", "ndeg", "no", "non", "par", "po", "province", "s", "saint", "sainte", "saintes",
    "saints", "st", "ste", "sts", "subv", "ville", "vzw", "wbe", "adultes", "continue", "confessionnel",
    "confessionnelle", "paroissial", "paroissiale", "i", "ii", "iii", "iv",
}  # fmt: skip
_EMPTY = frozenset((*COMMON, *PARTICLES, *ELIDED, *_ORGANISATIONS, *_JOBS, *_FORMS))
_LONG_EMPTY = tuple(sorted(word for word in _EMPTY if len(word) >= LEAST_OF_TYPO))
_SHORTENED = re.compile(r"\b(\w{2,})\.")
_INITIALS = re.compile(r"\b(?:\w\.){2,}")
_ONE_WORD = re.compile(r"\b(?:notre dame|n d|nd)\b")


@dataclass(frozen=True, slots=True)
class KnownName:
    """A name in the directory: as pages show it, and the words that tell it and its place apart from others."""

    shown: str
    words: frozenset[str]
    places: frozenset[str]

    def likeness(self, words: frozenset[str], towns: frozenset[str] = frozenset()) -> float:
        """The share of these words that the name or its place has, or of the name's words that are among these.

        The greater one, as either may be the longer name. Words of a place alone prove nothing beside others.
        The latter counts for nothing where these words name another one of the `towns`.
        """
        if not words:
            return 1.0
        if self.words and not _shared(words, self.words) and not words <= self.places:
            return 0.0
        itself = self.words - self.places
        is_elsewhere = not (words & towns) <= self.words | self.places
        back = _shared(itself, words) / len(itself) if itself and not is_elsewhere else 0.0
        return max(_shared(words, self.words | self.places) / len(words), back)


@dataclass(slots=True)
class _Owned:
    network: str
    name: KnownName
    schools: dict[int, KnownName] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NameBook:
    """The names of authorities and their schools, by the keys of both; and the words of all their municipalities.

    `owners` has the key of each school's authority.
    """

    authorities: Mapping[int, _Owned]
    towns: frozenset[str] = frozenset()
    owners: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, *, only: int | None = None) -> "NameBook":
        """The names of today's directory, or those of one authority and its schools."""
        own = (Authority.name, Authority.corrected_name, Authority.locality, Authority.municipality)
        named = select(Authority.id, Network.code, *own).join(Network, Network.id == Authority.network_id)
        theirs = (School.name, School.corrected_name, School.locality, School.municipality)
        listed = select(Ownership.authority_id, School.id, *theirs).join(School, School.id == Ownership.school_id)
        listed = listed.where(Ownership.current())
        if only is not None:
            named, listed = named.where(Authority.id == only), listed.where(Ownership.authority_id == only)
        authorities = {
            key: _Owned(network, _known(name, corrected, place))
            for key, network, name, corrected, *place in session.execute(named)
        }
        owners = {}
        for owner, key, name, corrected, *place in session.execute(listed):
            authorities[owner].schools[key], owners[key] = _known(name, corrected, place), owner
        towns = union(select(Authority.municipality), select(School.municipality))
        words = frozenset().union(*(words_of(town) for town in session.scalars(towns) if town))
        return cls(authorities, words, owners)

    def far(self, authority: int, schools: Iterable[int], stated: str) -> str:
        """The directory's name when the stated one is far from it, '' when it is near.

        The stated name may be the authority's, or that of one of these schools, of any of its schools if there are
        none. A number is no name.
        """
        if not any(map(str.isalpha, stated)):
            return ""
        owned = self.authorities[authority]
        chosen = [owned.schools[key] for key in schools if key in owned.schools]
        names = (owned.name, *(chosen or owned.schools.values()))
        compared = stated[:LONGEST]
        words = words_of(compared)
        if _is_of_network(compared, owned.network) and any(name.likeness(words, self.towns) >= NEAR for name in names):
            return ""
        return (chosen[0] if chosen else owned.name).shown

    def refuse_other(self, row: GridRow, school: int, fase: int) -> None:
        """Raise RowFault where a row's `name` is far from that of its school, by key, and of the school's authority."""
        stated, owner = row.cells.get("name", ""), self.owners.get(school)
        if stated and owner is not None and (known := self.far(owner, [school], stated)):
            raise RowFault(
                "name", f"{FAR_NAME.format(stated=stated[:LONGEST], known=known, fase=fase)}, ou videz ce nom."
            )


def organisation_names(session: Session) -> Holds:
    """Whether a cell is the name of an authority (`organisation`) or of a school (`school_name`) of the directory.

    The directory is read once, and only if a column of words asks. A municipality alone is no name of its authority,
    and one word that is no kind of organisation names a person as well: "Anne", where a school is called "Sainte-Anne".
    """

    @cache
    def known() -> tuple[Mapping[str, Set[frozenset[str]]], frozenset[str]]:
        book = NameBook.of(session)
        schools = {name.words for owned in book.authorities.values() for name in owned.schools.values()}
        own = {owned.name.words for owned in book.authorities.values()}
        return {"organisation": own, "school_name": schools}, book.towns

    def holds(word: str) -> Callable[[str], bool]:
        def is_name(cell: str) -> bool:
            words, folded = words_of(cell[:LONGEST]), fold(cell)
            own = (each.facts.own_words for each in NetworkCode)
            short = map(fold, _SHORTENED.findall(cell[:LONGEST]))
            tells = names_an_organisation(cell) or any(map(_begins_empty, short))
            tells = tells or any(each.search(folded) for each in own if each)
            tells = tells or (len(words) > 1 and not words <= known()[1])
            return bool(words) and tells and words in known()[0][word]

        return is_name

    return {word: holds(word) for word in ("organisation", "school_name")}


def names_an_organisation(text: str) -> bool:
    """Whether a text that might name a person names an organisation: "Institut Saint-Joseph"."""
    return not _ORGANISATIONS.isdisjoint(fold(text).split())


def words_of(name: str) -> frozenset[str]:
    """The words of a name that tell it apart from others, folded; none of "École fondamentale communale"."""
    spelt = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), name)
    whole = _SHORTENED.sub(lambda short: "" if _begins_empty(fold(short[1])) else short[0], spelt)
    folded = _ONE_WORD.sub("notredame", fold(whole))
    return frozenset(word for word in WORD.findall(folded) if not _is_empty(word))


def _known(name: str, corrected: str | None, place: Iterable[str | None]) -> KnownName:
    both = f"{name} {corrected or ''}"
    return KnownName(shown(name, corrected), words_of(both), words_of(" ".join(filter(None, place))))


def _is_of_network(stated: str, network: str) -> bool:
    """Whether no words of a name are those of other networks alone."""
    folded = fold(stated)
    said = {words for each in NetworkCode if (words := each.facts.own_words) and words.search(folded)}
    return not said or NetworkCode(network).facts.own_words in said


@lru_cache(maxsize=16384)
def _is_empty(word: str) -> bool:
    """Whether a word says nothing of which organisation it is, with a typo or without."""
    if word.isdigit() or word in _EMPTY or len(word) == 1:
        return not word.isdigit()
    return len(word) >= LEAST_OF_TYPO - 1 and bool(
        process.extractOne(word, _LONG_EMPTY, scorer=OSA.distance, score_cutoff=1)
    )


@lru_cache(maxsize=1024)
def _begins_empty(beginning: str) -> bool:
    return any(word.startswith(beginning) for word in _EMPTY)


def _shared(words: frozenset[str], others: frozenset[str]) -> int:
    """How many of some words are among others, with a typo or cut short."""
    return len(words & others) + sum(any(_is_near(word, other) for other in others) for word in words - others)


def _is_near(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    if shorter >= LEAST_OF_CUT and (one.startswith(other) or other.startswith(one)):
        return True
    return shorter >= LEAST_OF_TYPO and OSA.distance(one, other, score_cutoff=1) <= 1
