"""Seals: what was changed in the audit is found and named, and words that retention erased still verify."""

import hashlib
import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError

from outreach.core import audit
from outreach.core.audit import AuditEntry, SealedEntry
from outreach.core.audit._audit import AuditSeal
from outreach.core.db import Way
from tests.conftest import NOW
from tests.tampering import unguard

pytestmark = pytest.mark.postgresql


def seal(database, now=NOW):
    """Write one seal; returns how many entries came under it."""
    with database.reading() as session:
        batch = audit.next_batch(session, now=now)
    if batch is None:
        return 0
    with database.writing() as session:
        assert audit.add_seal(session, batch)
    return len(batch.entries)


def note(database, *sentences, way=Way.PAGE):
    with database.by(way).writing() as session:
        return [_flushed(session, audit.record_entry(session, NOW, "x@fwb.example", said, "a:1")) for said in sentences]


def erase(session, *keys):
    return audit.erase_words(session, keys, "Dix ans.", now=NOW, actor="automatique")


def _flushed(session, entry):
    session.flush()
    return entry.id


def checked(database, **asked):
    with database.reading() as session:
        return audit.verify_seals(session, **asked)


@pytest.fixture
def sealed(database):
    """Four entries under two seals, and one that waits; the keys of all."""
    keys = note(database, "Un.", "Deux.")
    assert seal(database) == 2
    keys += note(database, "Trois.", "Quatre.")
    assert seal(database, NOW + timedelta(minutes=1)) == 2
    return keys + note(database, "Cinq.")


def test_seals_cover_what_was_recorded_and_hold(database, sealed):
    verdict = checked(database)
    assert (verdict.seals, verdict.entries, verdict.waiting, verdict.fault) == (2, 4, 1, "")
    assert verdict.head
    assert checked(database, head=verdict.head).fault == ""
    assert seal(database) == 1
    assert checked(database, head=verdict.head).fault == "", "an older head stays in the chain"
    assert "refaite ou raccourcie" in checked(database, head="0" * 64).fault


CHANGES = {
    "words": "UPDATE audit_entries SET sentence = 'Autre.' WHERE id = {}",
    "actor": "UPDATE audit_entries SET actor = 'y' WHERE id = {}",
    "subject": "UPDATE audit_entries SET subject = 'a:2' WHERE id = {}",
    "who ran it": "UPDATE audit_entries SET run_by = 'y' WHERE id = {}",
    "hour": "UPDATE audit_entries SET at = '2021-05-16 09:00:00.000000' WHERE id = {}",
    "way": "UPDATE audit_entries SET way = 'clock' WHERE id = {}",
    "removed": "DELETE FROM audit_entries WHERE id = {}",
    "words gone, not as retention does it": "UPDATE audit_entries SET sentence = '' WHERE id = {}",
    "another digest": "UPDATE sealed_entries SET digest = words WHERE entry_id = {}",
    "no longer under its seal": "DELETE FROM sealed_entries WHERE entry_id = {}",
    "another seal": "UPDATE sealed_entries SET seal_id = 1 WHERE entry_id = {}",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_behind_the_triggers_is_found_and_the_first_entry_is_named(database, sealed, change):
    with database.writing() as session:
        unguard(session, "audit_entries", "sealed_entries")
        session.execute(text(CHANGES[change].format(sealed[2])))
    verdict = checked(database)
    # Where an entry left its seal, its seal is named by what is left in it.
    first = {"no longer under its seal": sealed[3], "another seal": sealed[0]}
    assert verdict.fault
    assert verdict.entry == first.get(change, sealed[2])


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    "change", [{"previous": "0" * 63 + "1"}, {"sealed_at": NOW - timedelta(days=1)}, {"entries": 3}], ids=str
)
def test_a_seal_that_was_changed_is_found(database, sealed, number, change):
    with database.writing() as session:
        unguard(session, "audit_seals")
        session.execute(update(AuditSeal).where(AuditSeal.id == number).values(**change))
    assert f"Le sceau {number}" in checked(database).fault


def test_a_seal_that_is_gone_is_found(database, sealed):
    with database.writing() as session:
        unguard(session, "audit_seals", "sealed_entries")
        session.execute(delete(SealedEntry).where(SealedEntry.seal_id == 1))
        session.execute(delete(AuditSeal).where(AuditSeal.id == 1))
    assert "Le sceau 1 a disparu" in checked(database).fault


def test_the_last_seal_that_is_gone_without_its_entries_is_found(database, sealed):
    """Behind the foreign key as well, which a stranger's connection to SQLite does not keep."""
    with database.writing() as session:
        unguard(session, "audit_seals")
        if database.engine.name == "postgresql":
            session.execute(text("ALTER TABLE sealed_entries DROP CONSTRAINT fk_sealed_entries_seal_id_audit_seals"))
            session.execute(delete(AuditSeal).where(AuditSeal.id == 2))
    if database.engine.name == "sqlite":
        with closing(sqlite3.connect(database.engine.url.database)) as connection, connection:
            connection.execute("DELETE FROM audit_seals WHERE id = 2")
    assert checked(database).entry == sealed[2]


def test_words_that_somebody_erased_without_saying_so_are_found(database, sealed):
    """The triggers let the words of a sealed entry be emptied, so its chain has to say that retention did."""
    with database.writing() as session:
        erase(session, sealed[1])
        session.execute(update(SealedEntry).where(SealedEntry.entry_id == sealed[0]).values(salt=None))
        session.execute(update(AuditEntry).where(AuditEntry.id == sealed[0]).values(sentence=""))
    verdict = checked(database)
    assert (verdict.entry, verdict.fault) == (sealed[0], f"L’entrée {sealed[0]} est vidée, et aucune entrée ne le dit.")


def test_words_that_replace_erased_ones_are_found(database, sealed):
    with database.writing() as session:
        erase(session, sealed[0])
        unguard(session, "audit_entries")
        session.execute(update(AuditEntry).where(AuditEntry.id == sealed[0]).values(sentence="Autre."))
    assert checked(database).entry == sealed[0]


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_forger_has_to_make_every_later_seal_anew(database, sealed, steps):
    """An entry is rewritten with the digest of its words, then with its own, then with its seal's, and the next's."""
    with database.writing() as session:
        unguard(session, "audit_entries", "sealed_entries", "audit_seals")
        held, entry = session.get_one(SealedEntry, sealed[0]), session.get_one(AuditEntry, sealed[0])
        first, second = session.scalars(select(AuditSeal).order_by(AuditSeal.id)).all()
        entry.sentence, held.words = "Autre.", sha256([held.salt, "Autre."])
        if steps > 1:
            held.digest = sha256(
                [entry.id, entry.at.isoformat(), entry.actor, entry.subject, entry.way, entry.run_by, held.words]
            )
        if steps > 2:
            session.flush()
            digests = session.scalars(select(SealedEntry.digest).where(SealedEntry.seal_id == 1))
            entries = list(digests.all())
            first.digest = sha256([1, first.sealed_at.isoformat(), first.previous, entries])
        if steps > 3:
            second.previous = first.digest
    faults = {
        1: f"L’entrée {sealed[0]} ne correspond plus",
        2: "Le sceau 1 ne correspond plus",
        3: "Le sceau 2 ne suit plus",
        4: "Le sceau 2 ne correspond plus",
    }
    assert faults[steps] in checked(database).fault


def test_an_entry_that_took_the_place_of_another_is_found(database, sealed):
    """Two entries change their numbers, and so do their digests."""
    one, two = sealed[:2]
    with database.writing() as session:
        unguard(session, "audit_entries", "sealed_entries")
        for old, new in ((one, 90), (two, one), (90, two)):
            session.execute(update(AuditEntry).where(AuditEntry.id == old).values(id=new))
            session.execute(update(SealedEntry).where(SealedEntry.entry_id == old).values(entry_id=new))
    assert checked(database).entry == one


def test_equal_words_have_digests_of_their_own_so_that_nobody_finds_erased_ones_by_trying(database):
    note(database, "Oui.", "Oui.")
    seal(database)
    with database.reading() as session:
        assert len(set(session.scalars(select(SealedEntry.words)))) == 2
        assert sha256(["", "Oui."]) not in session.scalars(select(SealedEntry.words)).all()


def sha256(said):
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def test_erased_words_read_as_erased_and_still_verify(database, sealed):
    with database.writing() as session:
        assert erase(session, sealed[1], sealed[4]) == 1, "what has no seal stays"
    with database.reading() as session:
        assert [entry.in_words for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))] == [
            "Un.", "effacé", "Trois.", "Quatre.", "Cinq.", f"Dix ans. Entrées vidées : {sealed[1]}.",
        ]  # fmt: skip
    verdict = checked(database)
    assert (verdict.fault, verdict.erased) == ("", 1)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET sentence = ''",  # its salt is there still
        "UPDATE audit_entries SET sentence = '', actor = '' WHERE id = {erased}",
        "UPDATE audit_entries SET sentence = 'Neuf.' WHERE id = {erased}",
        "UPDATE sealed_entries SET salt = NULL, words = digest",
        "UPDATE sealed_entries SET salt = 'x'",
        "UPDATE audit_entries SET sentence = '' WHERE id = {sealed}",
        "UPDATE audit_entries SET sentence = '' WHERE id = {waiting}",
        "UPDATE audit_entries SET sentence = '', id = 90 WHERE id = {half}",
        "UPDATE audit_entries SET sentence = '', at = '2021-01-01' WHERE id = {half}",
        "UPDATE audit_entries SET sentence = '', actor = '' WHERE id = {half}",
        "UPDATE audit_entries SET sentence = '', subject = '' WHERE id = {half}",
        "UPDATE audit_entries SET sentence = '', way = NULL WHERE id = {half}",
        "UPDATE audit_entries SET sentence = '', run_by = 'y' WHERE id = {half}",
        "UPDATE sealed_entries SET salt = NULL, entry_id = 90 WHERE entry_id = {sealed}",
        "UPDATE sealed_entries SET salt = NULL, seal_id = 1 WHERE entry_id = {sealed}",
        "UPDATE sealed_entries SET salt = NULL, words = '' WHERE entry_id = {sealed}",
        "UPDATE sealed_entries SET salt = NULL, digest = '' WHERE entry_id = {sealed}",
        "DELETE FROM sealed_entries",
    ],
)
def test_retention_may_empty_words_and_nothing_else(database, sealed, statement):
    with database.writing() as session:
        erase(session, sealed[0])
        half_erased = update(SealedEntry).where(SealedEntry.entry_id == sealed[1])
        session.execute(half_erased.values(salt=None))
    keys = {"erased": sealed[0], "half": sealed[1], "sealed": sealed[2], "waiting": sealed[4]}
    with pytest.raises(IntegrityError, match="only added"), database.writing() as session:
        session.execute(text(statement.format(**keys)))


@pytest.mark.parametrize("backend", ["postgresql"])  # SQLite has one writer at a time
def test_an_entry_that_is_committed_late_comes_under_a_later_seal(database):
    """On PostgreSQL a number is given before the commit: a higher one may be sealed first."""
    with database.writing() as slow:
        late = _flushed(slow, audit.record_entry(slow, NOW, "x", "Tard."))
        note(database, "Tôt.")
        assert seal(database) == 1
    assert seal(database) == 1
    verdict = checked(database)
    assert (verdict.entries, verdict.waiting, verdict.fault) == (2, 0, "")
    with database.reading() as session:
        assert session.get_one(SealedEntry, late).seal_id == 2


def test_of_two_clocks_that_seal_at_once_one_does(database):
    note(database, "Un.")
    with database.reading() as session:
        both = [audit.next_batch(session, now=NOW) for _ in range(2)]
    for batch, is_first in zip(both, (True, False), strict=True):
        with database.writing() as session:
            assert audit.add_seal(session, batch) is is_first
    assert checked(database).fault == ""


def test_an_entry_says_by_which_way_it_came(database):
    for way in Way:
        note(database, way, way=way)
    with database.reading() as session:
        held = {entry.sentence: (entry.way, entry.run_by) for entry in session.scalars(select(AuditEntry))}
    assert {said: way for said, (way, _) in held.items()} == {way.value: way for way in Way}
    assert held["command"][1], "a command says who ran it on the machine"
    assert not held["page"][1]
    assert not held["clock"][1]
