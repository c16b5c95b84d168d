"""Data for tests and benchmarks: the service's people, directories of any size, mailings, campaigns.

Functions named after a table's row return its columns: plausible values, replaced by `details`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from outreach.access import accounts
from outreach.access.accounts import User
from outreach.access.approvals import Extent
from outreach.adherence import programmes
from outreach.adherence.models import Status, Word
from outreach.campaigns import planning
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import Definition
from outreach.core.db import Database, Session
from outreach.core.settings import ROOT
from outreach.core.text.roles import RoleName
from outreach.delivery.models import DoubtPolicy, MessageClass
from outreach.directory.models import (
    Authority,
    Contact,
    ContactSource,
    EducationType,
    MailboxKind,
    Network,
    Ownership,
    School,
    Teaching,
)
from outreach.directory.register import Fate

# Keys as production takes them, which were drawn at random.
DRAWN = (
    "c5e0b1d7a94f6238e16b0c7d53f9a8426d3b9e05",
    "9d41f7a26c08be5390ad72e6418fc35b7e20d96a",
    "07b6e95dc3f81a42d6e03b9f5c7a1284e9d06c3f",
)
AUTHOR, APPROVER = "nadia.lambert@fwb.example", "marc.dethier@fwb.example"
SLICE = 5000
PLACE = {"address": "", "postcode": "", "locality": "", "municipality": ""}
PROGRAMME = """
code = "mon"
name = "Mes outils numériques"
[[strands]]
number = 1
name = "Volet 1"
circular = "7831"
opened_on = 2020-11-16
"""
Columns = dict[str, Any]


def authority(number: int, **details: object) -> Columns:
    """An authority; its FASE number is 9001 + `number`."""
    return {"fase": 9001 + number, "name": f"PO {number}", "folded": "", **PLACE, **details}


def school(fase: int, name: str, **details: object) -> Columns:
    """A school without a zone."""
    return {"fase": fase, "name": name, "zone": "", "district": "", "folded": "", **PLACE, **details}


def contact(address: str, **details: object) -> Columns:
    """A mailbox that belongs to no person (impersonal)."""
    spelt = {"address": address, "address_key": address.casefold(), "address_ascii": address}
    kind = {"mailbox_kind": MailboxKind.IMPERSONAL, "source": ContactSource.STAFF}
    return {**spelt, **kind, "added_by": AUTHOR, **details}


def school_report(school: int, authority: int, now: datetime, **details: object) -> Columns:
    """A report, of this day, that a school is its authority's no longer."""
    fields = {"fate": Fate.GONE, "since": now.date(), "source": "Appel", "recorded_at": now, "recorded_by": AUTHOR}
    return {"school_id": school, "authority_id": authority, **fields, **details}


def adherence_record(school: int, strand: int, now: datetime, **details: object) -> Columns:
    """A joining of this day, as declared by the school's authority."""
    word = {"status": Status.JOINED, "word": Word.DECLARED, "effective_on": now.date(), "recorded_at": now}
    return {
        "school_id": school,
        "strand_id": strand,
        **word,
        "recorded_by": AUTHOR,
        "source": "",
        "reason": "",
        **details,
    }


def mailing(now: datetime, **details: object) -> Columns:
    """A mailing of awareness with an empty letter."""
    kind = {"message_class": MessageClass.AWARENESS, "doubt_policy": DoubtPolicy.HOLD}
    return {**kind, "letter": "{}", "headers": "{}", "created_at": now, **details}


def undone(database: Database) -> Session:
    """A session whose rows are undone where it closes: records cannot be deleted."""
    return Session(database._writer, info=database.info)


def add_people(session: Session, now: datetime) -> None:
    """Add an administrator, an author and an approver, unless they exist."""
    for email, name, role in (
        ("hugo.willems@fwb.example", "Hugo Willems", RoleName.ADMINISTRATOR),
        (AUTHOR, "Nadia Lambert", RoleName.AUTHOR),
        (APPROVER, "Marc Dethier", RoleName.APPROVER),
    ):
        if not accounts.account_exists(session, email):
            accounts.add_user(session, now, "installation", email=email, name=name, roles=(role,), password_hash="x")


def invitation(**changes: object) -> Definition:
    """The ready-made invitation to the first strand."""
    return planning.get_definition("invitation-volet-1", ROOT / "campaigns").model_copy(update=changes)


def campaign(session: Session, stated: Definition, now: datetime) -> Campaign:
    """A draft whose author is AUTHOR."""
    author = session.scalars(select(User).where(User.email == AUTHOR)).one()
    return planning.create_campaign(session, stated, now=now, author=author)


def gather(database: Database, count: int, *, now: datetime, schools: int = 1) -> None:
    """Add `count` authorities, each with `schools` secondary schools and one mailbox, and three staff accounts."""
    with database.writing() as session:
        network = session.scalars(select(Network.id).order_by(Network.position)).first()
        programmes.load_programme(session, PROGRAMME, now=now, actor=AUTHOR)
        add_people(session, now)
        for numbers in _slices(count):
            _settle(session, numbers, schools, network, now)


def plan(database: Database, at: datetime, *, now: datetime, **changes: object) -> int:
    """Create, approve and schedule a campaign to everybody; returns its number."""
    with database.writing() as session:
        made = campaign(session, invitation(**{"reminders": (), **changes}), now)
        planning.submit_campaign(session, made, now=now, actor=AUTHOR)
        written = planning.count_campaign_audience(session, made, now=now).written
        planning.approve_campaign(session, made, now=now, actor=APPROVER, extent=Extent(written))
        planning.schedule_campaign(session, made, at, now=now, actor=AUTHOR)
        return made.id


def _slices(count: int) -> Iterator[range]:
    for start in range(0, count, SLICE):
        yield range(start, min(start + SLICE, count))


def _settle(session: Session, numbers: range, schools: int, network: int | None, now: datetime) -> None:
    place = {"postcode": "5000", "locality": "Namur", "municipality": "Namur"}
    authorities = [authority(n, name=f"Administration communale {n}", network_id=network, **place) for n in numbers]
    keys = session.scalars(insert(Authority).returning(Authority.id, sort_by_parameter_order=True), authorities).all()
    rows = [
        school(1_000_000 + n * schools + rank, f"Institut d’enseignement secondaire {n}-{rank}", **place)
        for n in numbers
        for rank in range(schools)
    ]
    made = session.scalars(insert(School).returning(School.id, sort_by_parameter_order=True), rows).all()
    owners = [key for key in keys for _ in range(schools)]
    session.execute(
        insert(Ownership), [{"school_id": key, "authority_id": owner} for key, owner in zip(made, owners, strict=True)]
    )
    kind = EducationType.SECONDARY_ORDINARY
    session.execute(insert(Teaching), [{"school_id": key, "education_type": kind} for key in made])
    derived = {"source": ContactSource.DERIVED, "added_at": now}
    session.execute(
        insert(Contact),
        [
            contact(f"po{9001 + n:06}@adm.fwb.example", authority_id=key, **derived)
            for key, n in zip(keys, numbers, strict=True)
        ],
    )
