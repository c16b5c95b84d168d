"""Rows of a directory of any size: authorities, two secondary schools each, sites, mailboxes, statuses, people."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import cycle, islice

from sqlalchemy import select, text

from outreach.access.accounts import AccessLogEntry, TrailKind
from outreach.adherence.models import AdherenceRecord, Status
from outreach.core.audit import AuditEntry
from outreach.core.db import Base, Database, Session, table_of
from outreach.core.db.bulk import add_rows
from outreach.delivery.models import Suppression, SuppressionReason, SuppressionScope
from outreach.directory.models import (
    Authority,
    Contact,
    EducationType,
    Federation,
    Level,
    Membership,
    Network,
    Ownership,
    School,
    SchoolSite,
    Site,
    Teaching,
)
from outreach.directory.reference import federation_of, province_of, searched
from outreach.engagement.tracking import TrackingBasis
from outreach.engagement.tracking._models import BasisKind
from outreach.operations.demo.population import SamplePlace, read_places
from tests import factories

Columns = factories.Columns
Keys = range  # of authorities, from 1 on; an authority K owns the schools 2 K - 1 and 2 K
SCHOOLS = 2
# One authority in so many.
MEASURED, EXCLUDED, PREPARES = 5, 50, 7
NAMES = ("Administration communale", "ASBL Centre scolaire", "Pouvoir organisateur", "Comité scolaire")


def settle(database: Database, count: int, now: datetime, ended: datetime) -> None:
    """Add to a directory of one authority, which is a test's, until there are so many. Letters have `ended` then."""
    keys = range(2, count + 1)
    with database.writing() as session:
        networks = dict(session.execute(select(Network.code, Network.id).order_by(Network.position)).all())
        federations = dict(session.execute(select(Federation.code, Federation.id)).all())
        _add(session, Authority, _authorities(keys, list(networks.values())))
        _add(session, School, _schools(keys))
        _add(session, Ownership, _listings(keys))
        _add(session, Teaching, _teachings(keys))
        _add(session, Site, _sites(keys))
        _add(session, SchoolSite, ({"school_id": key, "site_id": key} for key in schools_of(keys)))
        _add(session, Membership, _memberships(keys, list(networks), federations))
        _add(session, Contact, _contacts(keys, now))
        _add(session, TrackingBasis, _bases(keys, now))
        _add(session, Suppression, _suppressions(keys, ended))
        _add(session, AdherenceRecord, _preparing(keys, now))
        _add(session, AuditEntry, _entries(keys, now))
        _add(session, AccessLogEntry, _trail(keys, now))
    begin_keys_after(database, Authority, School, Contact)


def begin_keys_after(database: Database, *models: type[Base]) -> None:
    """Have PostgreSQL give keys after those that were copied. SQLite does by itself."""
    if database.engine.dialect.name == "postgresql":
        with database.writing() as session:
            for model in models:
                name = model.__tablename__
                last = f"(SELECT max(id) FROM {name})"  # noqa: S608 - the name is that of our own table
                session.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {last})"))


def schools_of(keys: Keys) -> Keys:
    """The keys of the schools of authorities."""
    return range(SCHOOLS * keys.start - 1, SCHOOLS * keys.stop - 1)


def address_of(key: int) -> str:
    """The address of an authority's mailbox."""
    return f"direction.{key}@ecole{key}.example"


def _add(session: Session, model: type[Base], rows: Iterator[Columns]) -> None:
    add_rows(session, table_of(model), rows)


@cache
def _places() -> Sequence[SamplePlace]:
    return read_places()


def place_of(key: int) -> SamplePlace:
    """Where an authority or a school is."""
    return _places()[key * 7919 % len(_places())]


def _located(key: int) -> Columns:
    place = place_of(key)
    return {
        "address": f"Rue de l’École {key % 300}",
        "postcode": place.postcode,
        "locality": place.name,
        "municipality": place.name,
    }


def _named(fase: int, name: str, key: int) -> Columns:
    place = place_of(key).name
    return {"fase": fase, "name": name, "folded": searched(name, fase, place, place), **_located(key)}


def name_of(key: int) -> str:
    """The name of an authority."""
    return f"{NAMES[key % len(NAMES)]} {place_of(key).name} {key}"


def _authorities(keys: Keys, networks: Sequence[int]) -> Iterator[Columns]:
    for key in keys:
        yield {"id": key, **_named(9000 + key, name_of(key), key), "network_id": networks[key % len(networks)]}


def school_name(key: int) -> str:
    """The name of a school."""
    return f"Institut d’enseignement secondaire {place_of(key).name} {key}"


def _schools(keys: Keys) -> Iterator[Columns]:
    for key in schools_of(keys):
        place = place_of(key)
        more = {"zone": place.zone, "district": place.district, "province": province_of(place.postcode)}
        yield {"id": key, **_named(200_000 + key, school_name(key), key), **more}


def _listings(keys: Keys) -> Iterator[Columns]:
    for school in schools_of(keys):
        yield {"school_id": school, "authority_id": (school + 1) // SCHOOLS}


def _teachings(keys: Keys) -> Iterator[Columns]:
    for school in schools_of(keys):
        yield {"school_id": school, "education_type": EducationType.SECONDARY_ORDINARY}
        if school % 3 == 0:
            yield {"school_id": school, "education_type": EducationType.PRIMARY_ORDINARY}


def _sites(keys: Keys) -> Iterator[Columns]:
    for key in schools_of(keys):
        yield {"id": key, "fase": key, **_located(key)}


def _memberships(keys: Keys, networks: Sequence[str], federations: dict[str, int]) -> Iterator[Columns]:
    for key in keys:
        code = federation_of(networks[key % len(networks)], Level.SECONDARY)
        if code is not None:
            yield {"authority_id": key, "federation_id": federations[code], "level": Level.SECONDARY}


def _contacts(keys: Keys, now: datetime) -> Iterator[Columns]:
    words = dict.fromkeys(("name", "function", "phone", "usage", "source_note"), "")
    for key in keys:
        yield {"id": key, "authority_id": key, **factories.contact(address_of(key)), **words, "added_at": now}


def _bases(keys: Keys, now: datetime) -> Iterator[Columns]:
    decided = {"kind": BasisKind.DECISION, "given_by": "DPO", "reference": "DPO 1", "taken_on": now.date()}
    recorded = {"recorded_at": now, "recorded_by": factories.AUTHOR, "wording": "", "channel": ""}
    return ({"contact_id": key, **decided, **recorded} for key in keys if key % MEASURED == 0)


def _suppressions(keys: Keys, at: datetime) -> Iterator[Columns]:
    """Unsubscribed after every letter of the base."""
    about = {"reason": SuppressionReason.UNSUBSCRIBED, "scope": SuppressionScope.AWARENESS, "detail": ""}
    for key in keys:
        if key % EXCLUDED == 0:
            yield {"address_key": address_of(key), **about, "created_at": at, "created_by": address_of(key)}


def _preparing(keys: Keys, now: datetime) -> Iterator[Columns]:
    for key in keys:
        if key % PREPARES == 0:
            yield factories.adherence_record(SCHOOLS * key, 1, now, status=Status.IN_PREPARATION)


def _entries(keys: Keys, now: datetime) -> Iterator[Columns]:
    for key in islice(keys, 0, None, 2):
        sentence = f"Adresse {address_of(key)} ajoutée."
        yield {"at": now, "actor": factories.AUTHOR, "sentence": sentence, "subject": f"authority:{9000 + key}"}


def _trail(keys: Keys, now: datetime) -> Iterator[Columns]:
    for key, kind in zip(keys, cycle(TrailKind), strict=False):
        yield {"at": now + timedelta(minutes=key % 90_000), "kind": kind, "person": factories.AUTHOR, "detail": ""}
