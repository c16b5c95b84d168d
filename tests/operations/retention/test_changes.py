"""Periods that an administrator changes: within bounds, audited, and followed at once by the page and the clock."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.access.accounts import AccessLogEntry, TrailKind
from outreach.core.audit import AuditEntry
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.operations import retention
from outreach.operations.retention import RULES, count_over
from outreach.operations.retention._policy import RetentionChange

ADMINISTRATOR = "hugo.willems@fwb.example"


def change(database, now, name, written):
    with database.writing() as session:
        return retention.change_rule(session, name, written, now=now, actor=ADMINISTRATOR)


def test_a_period_within_its_bounds_holds_at_once_and_the_audit_says_who_changed_it(staffed, now):
    with staffed.writing() as session:
        at = now - timedelta(days=250)
        session.add(AccessLogEntry(at=at, kind=TrailKind.SIGNED_IN, person=ADMINISTRATOR, detail=""))
    assert change(staffed, now, "trail_entries", "8  mois")
    assert not change(staffed, now, "trail_entries", "8 mois")
    with staffed.reading() as session:
        rule = retention.rule_named(session, "trail_entries")
        assert (rule.written, count_over(session, rule, now=now)) == ("8 mois", 1)
        before = next(each for each in RULES if each.name == "trail_entries")
        assert count_over(session, before, now=now) == 0
        told = session.execute(select(AuditEntry.actor, AuditEntry.sentence).where(AuditEntry.subject == "retention"))
        assert told.all() == [
            (ADMINISTRATOR, "Conservation, « Le journal des accès du personnel » : 8 mois au lieu de 12 mois.")
        ]


@pytest.mark.parametrize("written", ["5 mois", "25 mois", "longtemps"])
def test_a_period_beyond_its_bounds_is_refused(staffed, now, written):
    with pytest.raises(InputError, match="durée"):
        change(staffed, now, "trail_entries", written)


def test_a_period_that_the_program_counts_with_and_an_unknown_one_are_not_changed(staffed, now):
    with pytest.raises(Refused, match="fixe"):
        change(staffed, now, "sessions", "2 jours")
    with pytest.raises(NotFound):
        change(staffed, now, "weather", "2 jours")


def test_a_choice_that_the_bounds_no_longer_allow_does_not_count(staffed, now):
    with staffed.writing() as session:
        session.add(RetentionChange(rule="trail_entries", period="9 ans", changed_at=now, changed_by=ADMINISTRATOR))
    with staffed.reading() as session:
        assert retention.rule_named(session, "trail_entries").written == "12 mois"
