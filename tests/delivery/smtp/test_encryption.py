"""Encryption and passwords: what cannot be agreed upon is an alarm, and nothing leaves in clear."""

import socket
import ssl
from datetime import timedelta

import pytest
import trustme
from sqlalchemy import select

from outreach.core.audit import entries_about
from outreach.delivery import sending
from outreach.delivery.models import MessageState, RelayState
from outreach.delivery.smtp import Guard, Pool, Relay, State
from outreach.delivery.smtp._connection import Connection
from outreach.delivery.smtp._protocol import Conversation
from tests.conftest import NOW, PLACE
from tests.delivery.conftest import addresses, mail_to, states

S = MessageState


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


def said(sink):
    """What it was told after AUTH, each time."""
    return (sink.folder / "auth.txt").read_text().splitlines()


def context_of(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def certificate(authority, tmp_path):
    path = tmp_path / "certificate.pem"
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


def test_a_letter_leaves_over_starttls_and_tls_with_a_password(database, relay, dispatcher, authority, certificate):
    for options, scheme in ((("--offer", "STARTTLS"), "smtp"), (("--tls",), "smtps")):
        sink = relay("--certificate", certificate, "--offer", "AUTH PLAIN LOGIN", *options)
        url = f"{scheme}://facteur:s%C3%A9same@localhost:{sink.port}?starttls=on"
        mailing = mail_to(database, addresses(20))
        dispatcher(sink, url=url, context=context_of(authority)).deliver(mailing)
        assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}
        assert set(said(sink)) == {"PLAIN AGZhY3RldXIAc8Opc2FtZQ=="}


def test_a_relay_that_only_knows_the_older_way_is_told_the_password_so(
    database, relay, dispatcher, authority, certificate
):
    sink = relay("--certificate", certificate, "--offer", "AUTH LOGIN", "--offer", "STARTTLS")
    url = f"smtp://facteur:s%C3%A9same@localhost:{sink.port}?starttls=on"
    mailing = mail_to(database, addresses(20))
    dispatcher(sink, url=url, context=context_of(authority)).deliver(mailing)
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}
    assert set(said(sink)) == {"LOGIN ZmFjdGV1cg== c8Opc2FtZQ=="}


@pytest.mark.parametrize("offer", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH CRAM-MD5"])
def test_a_password_never_goes_over_a_wire_in_clear(offer):
    talk = Conversation(Relay.at("smtp://facteur:faux@relay.example?starttls=off", "courriel.example"))
    talk.receive(b"220 hello\r\n")
    talk.receive(f"250-relay\r\n250 {offer}\r\n".encode())
    assert talk.state is State.CLOSED
    assert talk.failure.alarm
    assert b"AUTH" not in talk.out


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        (["554 5.7.1 no"], "accueil : 554 5.7.1 no"),
        (["220 hello", "421 4.3.2 busy"], "présentation : 421 4.3.2 busy"),
        (["220 hello", "250-relay\r\n250 STARTTLS", "454 4.7.0 no"], "chiffrement : 454 4.7.0 no"),
    ],
)
def test_who_reads_of_a_refusal_before_the_first_letter_is_told_the_step_in_french(replies, told):
    talk = Conversation(Relay.at("smtp://facteur:faux@relay.example", "courriel.example"))
    for reply in replies:
        talk.receive(f"{reply}\r\n".encode())
    assert talk.failure.text == told


@pytest.mark.parametrize("case", ["not offered", "refused", "bad certificate", "bad name", "535", "no auth"])
def test_no_encryption_or_no_password_is_an_alarm_and_nothing_leaves_in_clear(
    database, relay, dispatcher, authority, certificate, case
):
    offers = {"not offered": [], "no auth": []}.get(case, ["--offer", "STARTTLS", "--offer", "AUTH PLAIN"])
    sink = relay("--certificate", certificate, *offers)
    sink.script(
        *([{"stage": "starttls", "reply": "554 5.7.0 no"}] if case == "refused" else []),
        *([{"stage": "auth", "reply": "535 5.7.8 bad password"}] if case == "535" else []),
    )
    host = "127.0.0.1" if case == "bad name" else "localhost"
    starttls = "off" if case == "no auth" else "on"
    url = f"smtp://facteur:faux@{host}:{sink.port}?starttls={starttls}"
    context = None if case == "bad certificate" else context_of(authority)
    mailing = mail_to(database, addresses(30))
    worker = dispatcher(sink, url=url, context=context)
    worker.deliver(mailing)
    worker.deliver(mailing)
    with database.reading() as session:
        state = session.scalars(select(RelayState)).one()
        assert state.alarmed_at == NOW, case
        assert state.failures == 1
        assert case != "535" or state.said == "identification : 535 5.7.8 bad password"
        assert "refuse de servir" in sending.relay_hindrance(
            session, [state.name], place=PLACE, now=NOW + timedelta(days=9)
        )
    assert {(row.state, row.attempts) for row in states(database, mailing).values()} == {(S.QUEUED, 0)}
    assert sink.accepted == []
    assert case != "535" or len(said(sink)) == 1  # once is enough: an account may be locked after a few
    with database.writing() as session:
        sending.try_at_start(session, [state.name], place=PLACE, now=NOW)
        assert sending.relay_hindrance(session, [state.name], place=PLACE, now=NOW) == ""
        last, *_ = entries_about(session, f"relay:{state.name}")
        start = f"au démarrage d’un processus d’envoi sur {PLACE}"
        assert last.sentence == f"Le serveur d’envoi {state.name} est essayé de nouveau {start}."


@pytest.mark.parametrize(("stage", "state"), [("dot", S.IN_DOUBT), ("rcpt", S.QUEUED)])
def test_encryption_that_breaks_in_mid_conversation_is_a_connection_lost_and_no_alarm(
    database, relay, dispatcher, authority, certificate, stage, state
):
    sink = relay("--certificate", certificate, "--offer", "STARTTLS")
    sink.script({"stage": stage, "match": "^po000001", "reply": "noise"})
    mailing = mail_to(database, addresses(3))
    url = f"smtp://localhost:{sink.port}?starttls=on"
    dispatcher(sink, url=url, context=context_of(authority)).deliver(mailing)
    assert [row.state for row in states(database, mailing).values()] == [S.ACCEPTED, state, S.ACCEPTED]
    with database.reading() as session:
        assert [one.alarmed_at for one in session.scalars(select(RelayState)) if one.alarmed_at] == []


def test_what_is_said_before_encryption_proves_nothing(database, relay, dispatcher, authority, certificate):
    """A reply smuggled behind the clear-text 220 is thrown away (RFC 3207 §4.2)."""
    sink = relay("--certificate", certificate, "--offer", "STARTTLS")
    sink.script({"stage": "starttls", "reply": "raw:220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n"})
    mailing = mail_to(database, addresses(1))
    dispatcher(sink, url=f"smtp://localhost:{sink.port}?starttls=on", context=context_of(authority)).deliver(mailing)
    assert [row.state for row in states(database, mailing).values()] == [S.QUEUED]
    assert sink.accepted == []


def test_a_silent_relay_is_waited_for_at_rest(monkeypatch):
    shaken, usual = [], Connection._shake
    monkeypatch.setattr(Connection, "_shake", lambda line: (shaken.append(line), usual(line)))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        pool = Pool([Relay.at(f"smtps://127.0.0.1:{silent.getsockname()[1]}", "courriel.example")], Guard(anybody=True))
        pool.open(1)
        pool.wait(0.5, until=lambda: False)
        pool.close()
    assert 1 <= len(shaken) <= 3
