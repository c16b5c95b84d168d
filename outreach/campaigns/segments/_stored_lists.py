"""Stored lists of authorities, and the criterion that names authorities: by such a list, or one by one.

A list never changes, so that whom an approved campaign means does not either: another list is another row.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from sqlalchemy import ColumnElement, ForeignKey, Row, String, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.campaigns.segments._context import NO_NAMES, CriteriaContext, Fields, Key, Names
from outreach.core import audit
from outreach.core.db import Base, Session
from outreach.core.db.bulk import among
from outreach.core.tables import (
    DATA,
    Column,
    Grid,
    Headers,
    Heading,
    Holds,
    InMemoryListing,
    Kind,
    QueryListing,
    Rejection,
    read_grid,
    understand_columns,
)
from outreach.core.text import addresses
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.french import either
from outreach.core.text.typed import line_of_words, whole_number
from outreach.directory.authorities import list_where
from outreach.directory.models import Authority

LONGEST_NAME = 200
MOST_TYPED = 100
MOST_MEMBERS = 20_000
MOST_SAID = 5  # numbers in a sentence
BETWEEN = re.compile(r"[\s,;]+")
SPELLINGS = ("n fase po", "fase po", "fase pouvoir organisateur", "n fase", "fase", "n po", "po")
HEADERS = Headers({"authority": Heading("FASE", SPELLINGS, True, addresses.fase, "numéro FASE du PO")})


class AuthorityList(Base):
    """A named list of authorities: who made it, and when. Its members never change."""

    __tablename__ = "authority_lists"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime]


class AuthorityListMember(Base):
    """An authority is on a list."""

    __tablename__ = "authority_list_members"

    list_id: Mapped[int] = mapped_column(ForeignKey("authority_lists.id"), primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), primary_key=True, index=True)


class AmongAuthorities(Fields):
    """The authority is one of these: by FASE number, or on a stored list. Exactly one of both is given."""

    word: ClassVar = "authorities"
    fase: Annotated[tuple[Key, ...], Field(min_length=1, max_length=MOST_TYPED)] | None = None
    list: Key | None = None

    @model_validator(mode="after")
    def _is_either(self) -> Self:
        if (self.fase is None) == (self.list is None):
            raise ValueError("fase or list")
        return self

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        if self.list is None:
            return Authority.fase.in_(self.fase or ())
        listed = select(AuthorityListMember.authority_id).where(AuthorityListMember.list_id == self.list)
        return Authority.id.in_(listed.where(context.holds(AuthorityListMember.authority_id)))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"figure dans {names.of_list(self.list)}" if self.list is not None else self._numbers()

    def denied(self, names: Names = NO_NAMES) -> str:
        """The French words for its contrary."""
        return f"sauf {names.of_list(self.list)}" if self.list is not None else f"sauf {self._numbers()}"

    def _numbers(self) -> str:
        numbers = self.fase or ()
        shown = tuple(map(str, numbers[:MOST_SAID]))
        if len(numbers) <= MOST_SAID:
            return f"FASE {either(shown)}"
        return f"{len(numbers)} numéros FASE ({', '.join(shown)}…)"


@dataclass(frozen=True, slots=True)
class Numbers:
    """FASE numbers as somebody stated them, each once and in order, and what is no such number."""

    fases: tuple[int, ...]
    rejected: tuple[Rejection, ...] = ()


ListRow = Row[AuthorityList, int]
COLUMNS: Sequence[Column[ListRow]] = (
    Column("number", "Numéro", lambda row: row[0].id, Kind.NUMBER, on=DATA),
    Column("name", "Liste", lambda row: row[0].name, sort=True),
    Column("authorities", "PO", lambda row: row[1], Kind.NUMBER, sort=True),
    Column("made_at", "Créée", lambda row: row[0].made_at, Kind.MOMENT, sort=True),
    Column("made_by", "Par", lambda row: row[0].made_by, Kind.PERSON, sort=True),
)


def read_numbers(text: str) -> Numbers:
    """The numbers of a typed or pasted text, between spaces, commas, semicolons or ends of lines."""
    fases: dict[int, None] = {}
    rejected = []
    for number, line in enumerate(text.splitlines(), 1):
        for word in filter(None, BETWEEN.split(line)):
            fase = _fase(word)
            if fase is None:
                rejected.append(Rejection(number, "", f"« {word[:20]} » n’est pas un numéro FASE."))
            else:
                fases[fase] = None
    return Numbers(tuple(fases), tuple(rejected))


def of_file(content: bytes, known: Callable[[], Holds] = dict) -> Numbers:
    """The numbers of a file: its column of FASE numbers of authorities, or its only column, with a header or without.

    `known_fases` tells the numbers of authorities and schools, by which a column is known whose title says nothing. A
    workbook may take seconds, so no transaction should be open. Raises InputError when the file cannot be read, or has
    several columns and none of them is called FASE, or holds such numbers.
    """
    grid = read_grid(content)
    if len(grid.header) == 1 and _fase(addresses.fase(grid.header[0].strip())) is not None:
        grid = Grid(grid.label, ["FASE"], [(grid.header_row, grid.header), *grid.records])  # a column without a header
    grid = HEADERS.headed(grid)
    if len(grid.header) == 1:
        grid = replace(grid, header=["FASE"])  # an only column may have any header
    sheet = HEADERS.sheet(understand_columns(HEADERS, grid, known()).sure(HEADERS))
    fases: dict[int, None] = {}
    rejected = []
    for row in sheet.rows:
        fase = _fase(row.cells["authority"])
        if row.fault or fase is None:
            said = row.fault or f"« {row.cells['authority'][:20]} » n’est pas un numéro FASE."
            rejected.append(Rejection(row.number, sheet.columns["authority"], said))
        else:
            fases[fase] = None
    return Numbers(tuple(fases), tuple(rejected))


def known_fases(session: Session, fases: Iterable[int]) -> dict[int, int]:
    """The keys of the authorities with these FASE numbers, by number; a number that is not known is not in it."""
    query = select(Authority.fase, Authority.id).where(among(Authority.fase, fases))
    return dict(session.execute(query).all())


def make_list(session: Session, name: str, authorities: Collection[int], *, now: datetime, actor: str) -> AuthorityList:
    """Store a list of authorities, by their keys. Raises InputError without a name or a member, or with too many."""
    name = line_of_words(name)
    if not name or len(name) > LONGEST_NAME:
        raise InputError(f"Donnez un nom à la liste, de {LONGEST_NAME} caractères au plus.")
    if not authorities:
        raise InputError("Cette liste ne compte aucun pouvoir organisateur.")
    if len(set(authorities)) > MOST_MEMBERS:
        raise InputError(f"Une liste compte {MOST_MEMBERS} pouvoirs organisateurs au plus.")
    made = AuthorityList(name=name, made_by=actor, made_at=now)
    session.add(made)
    session.flush()
    rows = [{"list_id": made.id, "authority_id": key} for key in sorted(set(authorities))]
    session.execute(insert(AuthorityListMember), rows)
    audit.record_entry(session, now, actor, f"Liste « {name} » créée : {len(rows)} PO.", f"authority_list:{made.id}")
    return made


def list_numbered(session: Session, number: int) -> AuthorityList:
    """A stored list by its number. Raises NotFound."""
    found = session.get(AuthorityList, number)
    if found is None:
        raise NotFound(f"Aucune liste ne porte le numéro {number}.")
    return found


def all_lists(session: Session, *, most: int | None = None) -> Sequence[ListRow]:
    """Every stored list, the newest first, with how many authorities it has; `most` of them at most.

    The members of those alone are counted.
    """
    count = func.count(AuthorityListMember.authority_id)
    query = select(AuthorityList, count).join(AuthorityListMember, AuthorityListMember.list_id == AuthorityList.id)
    if most is not None:
        newest = select(AuthorityList.id).order_by(AuthorityList.id.desc()).limit(most)
        query = query.where(AuthorityList.id.in_(select(newest.subquery().c.id)))
    return session.execute(query.group_by(AuthorityList.id).order_by(AuthorityList.id.desc())).all()


def list_stored_lists(
    session: Session, names: Mapping[str, str], *, text: str = "", sort: str = ""
) -> InMemoryListing[ListRow]:
    """Every stored list, the newest first. `list_names` are those of persons, by address."""
    rows = all_lists(session)
    return InMemoryListing(
        title="Listes", columns=COLUMNS, sort=sort, usual="-made_at", rows=rows, names=names, text=text
    )


def list_members(session: Session, listed: AuthorityList, *, text: str = "", sort: str = "") -> QueryListing[Authority]:
    """The authorities on a list, by name."""
    keys = select(AuthorityListMember.authority_id).where(AuthorityListMember.list_id == listed.id)
    return list_where(session, Authority.id.in_(keys), title="Liste", text=text, sort=sort)


def list_names(session: Session, numbers: Collection[int]) -> dict[int, str]:
    """The names of stored lists, by number."""
    if not numbers:
        return {}
    query = select(AuthorityList.id, AuthorityList.name).where(AuthorityList.id.in_(numbers))
    return dict(session.execute(query).all())


def _fase(text: str) -> int | None:
    number = whole_number(text)
    return number or None
