"""What is left of an address a year after it was retired."""

import threading
from datetime import timedelta

from sqlalchemy import select

from outreach.directory import contacts
from outreach.directory.models import Authority, Contact
from outreach.engagement.tracking import TrackingBasis
from outreach.engagement.tracking._models import BasisKind
from outreach.operations.retention import RULES, forget_by_rule

(RULE,) = [rule for rule in RULES if rule.name == "contacts"]
TOLD = {"name": "Nadia Lambert", "function": "directrice", "phone": "02 000 00 00", "source_note": "appel"}


def test_a_retired_address_loses_its_person_and_itself_except_where_an_agreement_names_it(sample_database, now):
    with sample_database.writing() as session:
        first = session.scalars(select(Contact).order_by(Contact.id).limit(4)).all()
        (used, younger, agreed, old) = first
        for held, days in ((younger, 364), (agreed, 366), (old, 366)):
            held.retired_at, held.retired_by = now - timedelta(days=days), "nadia"
        for held in first:
            held.name, held.function, held.phone, held.source_note = TOLD.values()
        given = {"given_by": "N. L.", "taken_on": now.date(), "wording": "oui", "channel": "appel"}
        known = {"recorded_at": now - timedelta(days=400), "recorded_by": "nadia"}
        session.add(TrackingBasis(contact_id=agreed.id, kind=BasisKind.CONSENT, **given, **known))
        keys, address, authority = [held.id for held in first], agreed.address, old.authority_id
    assert forget_by_rule(sample_database, RULE, lambda: now, threading.Event()) == 2
    assert forget_by_rule(sample_database, RULE, lambda: now, threading.Event()) == 0
    with sample_database.reading() as session:
        used, younger, agreed, old = (session.get_one(Contact, key) for key in keys)
        assert {held.name for held in (used, younger)} == {"Nadia Lambert"}
        assert {getattr(held, name) for held in (agreed, old) for name in (*TOLD, "usage")} == {""}
        assert (agreed.address, old.address, old.address_key, old.address_ascii) == (address, "", "", "")
        listed = contacts.contacts_of(session, session.get_one(Authority, authority))
        assert old.id not in {held.id for held in listed}
