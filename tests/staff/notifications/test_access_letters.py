"""Administrators are told by mail of each key, service that sends and program that is pushed to, once."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default

import pytest
from sqlalchemy import select

from outreach.campaigns.letter import Composer
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Batch, Mailing
from outreach.delivery.outbox import due_in
from outreach.integrations import api_keys, webhooks_in, webhooks_out
from outreach.integrations.api_keys import KeyWriting
from outreach.staff import notifications
from tests.campaigns.conftest import SENDING, add_colleague, people
from tests.conftest import NOW
from tests.delivery.letters.linter import faults
from tests.factories import AUTHOR
from tests.pages import text_of

__all__ = ["people"]
BY = {"now": NOW, "actor": AUTHOR}
WANTED = {"role": "reader", "days": 90}


def tell(database):
    """The mail that is posted, if there is one: to whom, and its text."""
    number = notifications.send_access_news(database, SENDING, now=NOW)
    if number is None:
        return None
    with database.reading() as session:
        mailing = session.get_one(Mailing, number)
        (batch,) = session.scalars(select(Batch).where(Batch.mailing_id == number))
        letters = due_in(session, batch.id, now=NOW)
        composed = list(Composer(SENDING, lambda: NOW)(session, mailing, letters).values())
    assert [fault for one in composed for fault in faults(one.wire)] == []
    text = message_from_bytes(composed[0].wire, policy=default).get_body(("plain",)).get_content()
    return [letter.address for letter in letters], text_of(text)


def test_every_administrator_is_told_once_of_a_key_that_writes_and_of_none_that_has_ended(database, people):
    second = add_colleague(database, "seconde", RoleName.ADMINISTRATOR)
    with database.writing() as session:
        ended, _ = api_keys.make(session, name="Terminée", writes=True, **WANTED, **BY)
        api_keys.end(session, ended.id, **BY)
    assert tell(database) is None
    with database.writing() as session:
        api_keys.make(session, name="Plateforme", writes=True, **WANTED, **BY)
    to, text = tell(database)
    assert second in to
    assert len(to) == 2
    assert AUTHOR not in to
    assert "« Plateforme », peut écrire dans le service" in text
    assert "Nadia Lambert l’a créée le" in text
    assert "/administration/api-keys" in text
    assert "Terminée" not in text
    assert tell(database) is None


def test_they_are_told_of_a_key_that_reads_but_of_none_made_before_the_upgrade(database, people):
    with database.writing() as session:
        api_keys.make(session, name="Bord", **WANTED, **BY)
        before, _ = api_keys.make(session, name="Ancienne", **WANTED, **BY)
        before.made_at = NOW - timedelta(days=2)
    _, text = tell(database)
    assert "« Bord », lit le service, jusqu’au" in text
    assert "Ancienne" not in text
    assert tell(database) is None


def test_a_key_that_wrote_before_is_named_to_them_after_the_upgrade(database, people):
    with database.writing() as session:
        for name in ("Plateforme", "Entrepôt"):
            made, _ = api_keys.make(session, name=name, **WANTED, **BY)
            made.writing = KeyWriting.KEPT
        gone, _ = api_keys.make(session, name="Expirée", role="reader", days=1, **BY)
        gone.writing, gone.expires_at = KeyWriting.KEPT, NOW - timedelta(days=1)
    _, text = tell(database)
    assert "« Plateforme »" in text
    assert "« Entrepôt »" in text
    assert "elle le garde" in text
    assert "Expirée" not in text


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_they_are_told_once_of_a_service_that_sends_and_of_a_program_that_is_pushed_to(database, people):
    with database.writing() as session:
        webhooks_in.make_source(session, name="subsides", public_key="", known=[], **BY)
        webhooks_out.make_endpoint(session, name="Entrepôt", url="https://entrepot.example/secret-1234", **BY)
        ended = webhooks_out.make_endpoint(session, name="Terminé", url="https://fini.example/", **BY)
        webhooks_out.end_endpoint(session, ended.id, **BY)
    _, text = tell(database)
    assert "« subsides » envoie des adhésions, qu’il signe par un secret partagé" in text
    assert "« Entrepôt » (entrepot.example)" in text
    assert "Nadia Lambert l’a ajouté le" in text
    assert "secret-1234" not in text
    assert "Terminé" not in text
    assert "/administration/hooks" in text
    assert "/administration/pushes" in text
    assert tell(database) is None
    with database.writing() as session:
        webhooks_out.make_endpoint(session, name="Bord", url="https://bord.example/", **BY)
    _, text = tell(database)
    assert "« Bord »" in text
    assert "subsides" not in text
