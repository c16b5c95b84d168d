"""What DNS says of the domains of addresses: asked by the clock, outside any transaction, kept in dated rows."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.core.settings import read
from outreach.delivery import deliverability
from outreach.delivery.deliverability import DomainCheck, dns
from outreach.delivery.deliverability._domains import DomainVerdict
from outreach.directory.models import Contact
from outreach.operations.worker.clock import check_domains, clock
from outreach.operations.worker.due import DueWork
from tests.servers.dns import name_server

ZONES = {
    "ecole.be": {"MX": "10 mail.ecole.be."},
    "seule.be": {"A": "192.0.2.1"},
    "muette.be": {"MX": "0 ."},
    "vide.be": {"TXT": '"rien"'},
}
VERDICTS = {
    "ecole.be": DomainVerdict.TAKES_MAIL,
    "seule.be": DomainVerdict.TAKES_MAIL,
    "muette.be": DomainVerdict.REFUSES,
    "vide.be": DomainVerdict.NO_HOST,
    "absente.be": DomainVerdict.NO_DOMAIN,
}


def test_a_domain_takes_mail_by_its_servers_or_its_own_address_and_says_so_if_it_refuses():
    with name_server(ZONES) as server:
        asking = dns.dns_resolver(server.place)
        assert dns.look_up([*VERDICTS], asking, threading.Event()) == VERDICTS


def test_a_resolver_that_is_away_is_left_alone_after_three_names(monkeypatch):
    monkeypatch.setattr(dns, "SECONDS", 0.05)
    names = [f"{number}.be" for number in range(9)]
    with name_server({}, silent=frozenset(names)) as server:
        found = dns.look_up(names, dns.dns_resolver(server.place), threading.Event())
    assert found == dict.fromkeys(names[:3], DomainVerdict.UNANSWERED)


@pytest.mark.parametrize("backend", ["sqlite"])
def test_the_clock_asks_outside_any_transaction_and_keeps_what_it_is_told(sample_database, tmp_path):
    def writes(_name):
        with sample_database.writing() as session:  # SQLite has one writer: this would wait for a transaction
            session.execute(update(Contact).values(name="x"))

    spell(sample_database, *(f"a@{domain}" for domain in VERDICTS))
    with name_server(ZONES, on_question=writes) as server:
        settings = read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_CHECK_DOMAINS": f"127.0.0.1:{server.place[1]}"})
        due = DueWork.__new__(DueWork)
        due.settings, due.database, due.clock = settings, sample_database, settings.instant
        due.stop = threading.Event()
        due.check_domains()
        asked = set(server.asked)
        due.check_domains()
    assert asked == set(VERDICTS), "never a domain that is reserved for examples"
    with sample_database.reading() as session:
        assert {found.domain: found.verdict for found in deliverability.known_domains(session).values()} == VERDICTS
        assert len(session.scalars(select(DomainCheck)).all()) == len(VERDICTS), "once is enough for today"


@pytest.mark.parametrize(("switch", "asks"), [("on", True), ("127.0.0.1:53", True), ("off", False)])
def test_the_clock_asks_about_domains_only_where_that_is_switched_on(tmp_path, switch, asks):
    due = DueWork.__new__(DueWork)
    due.settings = read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_CHECK_DOMAINS": switch})
    assert (check_domains in [job.func for job in clock(due).get_jobs()]) is asks


def test_a_domain_is_looked_up_again_sooner_where_something_was_wrong(sample_database, now):
    spell(sample_database, "a@ecole.be", "a@absente.be", "a@muette.be")
    with sample_database.writing() as session:
        deliverability.record_domains(session, VERDICTS, now=now)
        deliverability.record_domains(session, {"muette.be": DomainVerdict.UNANSWERED}, now=now)
    with sample_database.reading() as session:
        due = {
            hours: deliverability.due_domains(session, now=now + timedelta(hours=hours))
            for hours in (1, 6, 24, 24 * 30)
        }
        assert due == {
            1: [],
            6: ["muette.be"],
            24: ["absente.be", "muette.be"],
            720: ["absente.be", "ecole.be", "muette.be"],
        }
        assert deliverability.known_domains(session, ["muette.be"])["muette.be"].verdict is DomainVerdict.REFUSES


def spell(database, *addresses):
    """Give the first contacts these addresses."""
    with database.writing() as session:
        held = session.scalars(select(Contact).where(Contact.retired_at.is_(None)).limit(len(addresses))).all()
        for contact, address in zip(held, addresses, strict=True):
            contact.address = contact.address_key = contact.address_ascii = address


@pytest.mark.parametrize(
    ("address", "ascii_address", "domain"),
    [
        ("a@École.be", "a@xn--cole-9oa.be", "xn--cole-9oa.be"),
        ("é@straße.be", "", "xn--strae-oqa.be"),
        ("é@École.be", "", "xn--cole-9oa.be"),
        ("é@" + "x" * 64 + ".be", "", ""),
    ],
)
def test_the_domain_that_is_asked_about_is_the_one_that_letters_go_to(address, ascii_address, domain):
    assert deliverability.domain_of(address, ascii_address) == domain
