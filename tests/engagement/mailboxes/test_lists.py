"""A list of contacts is applied in one transaction, and undone while nothing stands on it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.core import audit, tables
from outreach.core.tables import ListState, grid_of
from outreach.core.text.addresses import judge
from outreach.core.text.errors import NotFound, Refused
from outreach.delivery.models import Batch, Mailing, Message, MessageState
from outreach.directory import authorities, contacts
from outreach.directory.models import Contact, ContactSource
from outreach.engagement.mailboxes import ContactList
from outreach.engagement.mailboxes import _contact_lists as contact_lists
from outreach.engagement.tracking import _bases as bases
from tests import factories
from tests.engagement.mailboxes.conftest import KIND, Lists

pytestmark = pytest.mark.postgresql
DERIVED = "po009300@adm.fwb.example"


def told(session, fase=9300):
    return [entry.sentence.replace("\u00a0", " ") for entry in audit.entries_about(session, f"authority:{fase}")]


@pytest.mark.long
def test_a_list_adds_changes_and_retires_and_undoing_it_gives_back_what_was(session, sent, own, now):
    sent.apply(f"fase;adresse;nom;ecole\n9300;{DERIVED};Anne;{own[0]}\n9300;old@ecole.be;Paul;\n")
    columns = (Contact.name, Contact.phone, Contact.source)
    before = sent.held(*columns)
    limited = contacts.limited_of(session, authorities.authority_by_fase(session, 9300))
    sent.now += timedelta(minutes=5)
    rows = (f"9300;{DERIVED};Zoé;02 555 12 34;", f"9300;new@ecole.be;Luc;;{own[1]}", "9301;a@")
    received = sent.apply("\n".join(("fase;adresse;nom;telephone;ecole", *rows)), complete=True)
    assert sent.held(*columns) == [
        ("new@ecole.be", "Luc", "", ContactSource.LIST),
        (DERIVED, "Zoé", "02 555 12 34", ContactSource.DERIVED),
    ]
    assert told(session)[0] == (
        f"Liste de contacts {received.id} : 1 adresse ajoutée, 1 adresse précisée, 1 adresse retirée."
    )
    assert [number for number, _ in grid_of(received).records] == [4], "what has served is kept no longer"
    sent.now += timedelta(days=2)
    undone = tables.undo_import(session, KIND, now=sent.now, actor="marc", list_id=received.id)
    assert (undone.state, undone.undone_by) == (ListState.UNDONE, "marc")
    assert sent.held(*columns) == before
    authority = authorities.authority_by_fase(session, 9300)
    assert {k: v for k, v in contacts.limited_of(session, authority).items() if k in limited} == limited
    assert told(session)[0] == f"Liste de contacts {received.id} annulée : les adresses sont comme avant."


def test_an_address_in_a_mixed_alphabet_waits_for_a_second_person(session, sent):
    sent.apply("fase;adresse\n9300;\u0430nna@ecole.be\n")
    ((_, asked),) = [row for row in sent.held(Contact.review_asked_at) if row[0] != DERIVED]
    assert asked == sent.now


def test_an_agreement_that_a_list_of_0_3_0_recorded_is_withdrawn_when_the_list_is_undone(session, sent, now):
    content = f"fase;adresse;nom;accord_par\n9300;{DERIVED};Anne;Anne Dupont\n"
    assert sent.plan(content).set_aside_columns == ("accord_par",)
    sent.apply(content)
    (held,) = contacts.contacts_of(session, authorities.authority_by_fase(session, 9300))
    given = {"given_by": "Anne Dupont", "taken_on": now.date(), "wording": "J’accepte", "channel": "Formulaire"}
    bases.record_consent(session, held, **given, now=sent.now, actor="nadia")
    tables.undo_import(session, KIND, now=now + timedelta(days=1), actor="nadia")
    session.refresh(held)
    assert bases.in_force(session, held) is None


def test_nothing_is_applied_when_addresses_changed_since_the_list_was_compared(session, sent, now):
    received, judged = sent.judged("fase;adresse\n9300;a@ecole.be\n")
    authority = authorities.authority_by_fase(session, 9300)
    contacts.add(session, authority, judge("b@ecole.be"), now=now, actor="marc", kind="impersonal")
    with pytest.raises(Refused, match="a changé entre-temps"):
        tables.apply_import(session, KIND, received, judged, now=now, actor="nadia")
    assert [address for (address,) in sent.held()] == ["b@ecole.be", DERIVED]


def test_an_import_that_stops_half_way_leaves_nothing(sample_database, now, monkeypatch):
    def stop(*_arguments, **_named):
        raise RuntimeError

    monkeypatch.setattr(contact_lists, "analyze_after", stop)
    with sample_database.writing() as session:
        received, judged = Lists(session, now).judged(f"fase;adresse;nom\n9300;a@ecole.be;\n9300;{DERIVED};Anne\n")
        key = received.id
    with pytest.raises(RuntimeError), sample_database.writing() as session:
        tables.apply_import(session, KIND, session.get(ContactList, key), judged, now=now, actor="nadia")
    with sample_database.reading() as session:
        assert Lists(session, now).held(Contact.name) == [(DERIVED, "")]
        assert session.get(ContactList, key).state is ListState.RECEIVED
        assert "Liste de contacts" not in " ".join(told(session))


def corrected(session, authority, now):
    held = session.scalars(select(Contact).where(Contact.address == "a@ecole.be")).one()
    contacts.correct(session, authority, held, judge("b@ecole.be"), now=now, actor="marc", kind="impersonal")


def written_to(session, authority, now):
    mailing = Mailing(**factories.mailing(now, filled_at=now))
    session.add(mailing)
    session.flush()
    batch = Batch(mailing_id=mailing.id, number=1)
    session.add(batch)
    session.flush()
    to = dict.fromkeys(("address", "address_key", "address_ascii", "return_path"), "a@ecole.be")
    keys = {"mailing_id": mailing.id, "batch_id": batch.id, "authority_id": authority.id, "public_id": "x"}
    session.add(Message(**to, **keys, state=MessageState.QUEUED, dated_at=now, due_at=now))
    session.flush()


def put_back(session, authority, now):
    (old,) = (held for held in contacts.contacts_of(session, authority) if held.retired_at)
    contacts.restore(session, authority, old.id, now=now, actor="marc")


@pytest.mark.one_example
@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("happens", [corrected, written_to, put_back])
def test_a_list_on_which_something_stands_is_not_undone(session, sent, now, happens):
    sent.apply("fase;adresse\n9300;a@ecole.be\n", complete=True)
    happens(session, authorities.authority_by_fase(session, 9300), now + timedelta(hours=1))
    with pytest.raises(Refused, match="ne peut plus être annulée"):
        tables.undo_import(session, KIND, now=now + timedelta(hours=2), actor="nadia")


@pytest.mark.long
def test_only_the_last_list_is_undone_and_within_thirty_days(session, sent, now):
    with pytest.raises(NotFound):
        tables.undo_import(session, KIND, now=now, actor="nadia")
    first = sent.apply("fase;adresse\n9300;a@ecole.be\n")
    sent.now += timedelta(minutes=1)
    last = sent.apply("fase;adresse\n9300;b@ecole.be\n")
    with pytest.raises(Refused, match="Seule la dernière"):
        tables.undo_import(session, KIND, now=now, actor="nadia", list_id=first.id)
    with pytest.raises(Refused, match="trente jours"):
        tables.undo_import(session, KIND, now=now + timedelta(days=31), actor="nadia")
    assert [one.id for one in tables.recent_imports(session, ContactList)] == [last.id, first.id]
    last.received_at = now - timedelta(days=1)
    session.flush()
    assert [one.id for one in tables.recent_imports(session, ContactList)] == [first.id, last.id], (
        "by when each was received"
    )


@pytest.mark.long
def test_a_name_that_a_person_confirmed_is_told_and_those_left_are_kept_to_be_corrected(session, sent):
    name = "Administration communale de Namur"
    content = f"nom_po;fase;adresse\n{name};9300;a@ecole.be\n{name};9300;b@ecole.be\n"
    with pytest.raises(Refused, match="cochez les lignes"):
        sent.apply(content)
    received = sent.apply(content, confirmed={2})
    assert [address for (address,) in sent.held()] == ["a@ecole.be", DERIVED]
    assert [(rejection.row, name in rejection.message) for rejection in received.rejected] == [(3, True)]
    assert [number for number, _ in grid_of(received).records] == [3]
    (entry, *_) = audit.entries_about(session, f"contacts:{received.id}")
    assert "1 ligne rejetée, 1 nom confirmé." in entry.sentence.replace("\u00a0", " ")
