"""A made-up directory of any size and a campaign to all of it, for benchmarks and chaos runs."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import insert, select

from outreach.accounts import staff
from outreach.accounts.staff import User
from outreach.adherence import programmes
from outreach.campaigns import audiences, definitions, lifecycle
from outreach.db import Database, Session
from outreach.directory.models import (
    Authority,
    Contact,
    ContactSource,
    EducationType,
    Listing,
    MailboxKind,
    Network,
    School,
    Teaching,
)
from outreach.roles import RoleName
from outreach.settings import ROOT

AUTHOR, APPROVER = "nadia.lambert@fwb.example", "marc.dethier@fwb.example"
SLICE = 5000
PLACE = {"address": "", "postcode": "5000", "locality": "Namur", "municipality": "Namur"}
PROGRAMME = """
code = "mon"
name = "Mes outils numériques"
[[strands]]
number = 1
name = "Volet 1"
circular = "7831"
opened_on = 2020-11-16
"""


def gather(database: Database, count: int, *, now: datetime, schools: int = 1) -> None:
    """Add `count` authorities, each with `schools` secondary schools and one mailbox, and three staff accounts."""
    with database.writing() as session:
        network = session.scalars(select(Network.id).order_by(Network.position)).first()
        programmes.load(session, PROGRAMME, now=now, actor=AUTHOR)
        for email, name, role in (
            ("hugo.willems@fwb.example", "Hugo Willems", RoleName.ADMINISTRATOR),
            (AUTHOR, "Nadia Lambert", RoleName.AUTHOR),
            (APPROVER, "Marc Dethier", RoleName.APPROVER),
        ):
            if not staff.exists(session, email):
                details = {"email": email, "name": name, "roles": (role,), "password_hash": "x"}
                staff.add_user(session, now, "installation", **details)
        for numbers in _slices(count):
            _settle(session, numbers, schools, network, now)


def plan(database: Database, at: datetime, *, now: datetime, **changes: object) -> int:
    """Create, approve and schedule a campaign to everybody; returns its number."""
    stated = definitions.named("invitation-volet-1", ROOT / "campaigns").model_copy(update={"reminders": (), **changes})
    with database.writing() as session:
        author = session.scalars(select(User).where(User.email == AUTHOR)).one()
        campaign = lifecycle.create(session, stated, now=now, author=author)
        lifecycle.submit(session, campaign, now=now, actor=AUTHOR)
        written = audiences.count(session, campaign, now=now).written
        lifecycle.approve(session, campaign, now=now, actor=APPROVER, authorities=written)
        lifecycle.schedule(session, campaign, at, now=now, actor=AUTHOR)
        return campaign.id


def _slices(count: int) -> Iterator[range]:
    for start in range(0, count, SLICE):
        yield range(start, min(start + SLICE, count))


def _settle(session: Session, numbers: range, schools: int, network: int | None, now: datetime) -> None:
    authorities = [
        {"fase": 9001 + n, "name": f"Administration communale {n}", "network_id": network, "folded": "", **PLACE}
        for n in numbers
    ]
    keys = session.scalars(insert(Authority).returning(Authority.id, sort_by_parameter_order=True), authorities).all()
    rows = [
        {
            "fase": 1_000_000 + n * schools + place,
            "name": f"Institut d’enseignement secondaire {n}-{place}",
            "zone": "",
            "district": "",
            "folded": "",
            **PLACE,
        }
        for n in numbers
        for place in range(schools)
    ]
    made = session.scalars(insert(School).returning(School.id, sort_by_parameter_order=True), rows).all()
    owners = [key for key in keys for _ in range(schools)]
    session.execute(
        insert(Listing),
        [{"school_id": school, "authority_id": owner} for school, owner in zip(made, owners, strict=True)],
    )
    kind = EducationType.SECONDARY_ORDINARY
    session.execute(insert(Teaching), [{"school_id": school, "education_type": kind} for school in made])
    session.execute(insert(Contact), [_mailbox(key, n, now) for key, n in zip(keys, numbers, strict=True)])


def _mailbox(authority: int, number: int, now: datetime) -> dict[str, object]:
    address = f"po{9001 + number:06}@adm.fwb.example"
    return {
        "authority_id": authority,
        "address": address,
        "address_key": address,
        "address_ascii": address,
        "mailbox_kind": MailboxKind.IMPERSONAL,
        "source": ContactSource.DERIVED,
        "added_at": now,
        "added_by": AUTHOR,
    }
