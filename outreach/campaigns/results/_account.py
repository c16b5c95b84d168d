"""The account of an audience: whom it means, who of them would get the letter, and who stands behind each number."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, select

from outreach.campaigns import counting, segments
from outreach.campaigns.counting import Class, Counts
from outreach.campaigns.segments import Audience, AudienceCounts, CriteriaContext
from outreach.core.db import Session
from outreach.core.tables import Column, Kind, On, QueryListing
from outreach.delivery.models import Reason
from outreach.directory.authorities import BY_NAME, authority_columns
from outreach.directory.models import Authority

WITHOUT_LETTER = (Class.EXCEPTED, Class.NO_ADDRESS, Class.NOT_SENT)


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a campaign that has not begun would write to, in authorities; and what its letters would list, to how many
    addresses."""

    authorities: Counts
    letters: AudienceCounts


def account_of(session: Session, meant: Audience, context: CriteriaContext) -> Account:
    """The account of an audience."""
    letters = segments.count_audience(session, meant, context)
    return Account(counting.of_audience(session, meant, context), letters)


MeantRow = Row[Authority, int, str | None]
COLUMNS: Sequence[Column[MeantRow]] = (
    *authority_columns(lambda row: row.Authority),
    Column("municipality", "Commune", lambda row: row.Authority.municipality, sort=Authority.municipality),
    Column("schools", "Écoles concernées", lambda row: row.concerned, Kind.NUMBER, sort="concerned"),
    Column("received", "Reçus cette année", lambda row: row.Authority.id, on=On.PAGE),
)


def behind(
    session: Session, meant: Audience, context: CriteriaContext, part: Class | Reason, *, sort: str = ""
) -> QueryListing[MeantRow]:
    """The authorities behind a number of the account: those of a class, or those without a letter for a reason."""
    each = counting.as_if_launched(meant, context)
    query = select(Authority, each.c.concerned, each.c.reason).join(each, each.c.authority_id == Authority.id)
    if isinstance(part, Class):
        query = query.where(each.c["class"] == part.value)
    else:
        query = query.where(each.c["class"].in_(WITHOUT_LETTER), each.c.reason == part.value)
    return QueryListing(
        title="Public",
        columns=COLUMNS,
        sort=sort,
        usual="name",
        session=session,
        query=query,
        order=BY_NAME,
        key=Authority.id,
    )
