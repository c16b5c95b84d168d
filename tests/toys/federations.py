"""The toy's room: the federations of authorities, as a listing."""

from collections.abc import Sequence

from sqlalchemy import select

from outreach.core.db import Session
from outreach.core.tables import Column, Kind, QueryListing
from outreach.directory.models import Federation

COLUMNS: Sequence[Column[Federation]] = (
    Column("code", "Sigle", lambda one: one.code, sort=Federation.code),
    Column("name", "Fédération", lambda one: one.name, Kind.TEXT, sort=Federation.name),
)


def listed(session: Session, *, text: str = "", sort: str = "") -> QueryListing[Federation]:
    """The federations, by code; `text` is a part of the code."""
    query = select(Federation)
    return QueryListing(
        title="Fédérations",
        columns=COLUMNS,
        sort=sort,
        usual="code",
        session=session,
        query=query.where(Federation.code.icontains(text, autoescape=True)) if text else query,
        order=(Federation.code,),
    )
