"""What an approver lets depart from a rule: the reason stays, dated and audited."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.campaigns import planning, results, waves
from outreach.campaigns.models import ExemptionKind, Wave
from outreach.core.audit import AuditEntry
from outreach.core.text.errors import InputError, Refused
from tests.campaigns.conftest import APPROVER, AUTHOR, advance, move
from tests.conftest import NOW

OPEN = NOW + timedelta(days=3)


@pytest.fixture
def planned(planned_with_reminder):
    """The number of a campaign, and the key of its first wave."""
    with planned_with_reminder.reading() as session:
        return 1, session.scalars(select(Wave.id).where(Wave.number == 1)).one()


def let(database, number, at, reason="Correction urgente.", *, wave=1, actor=APPROVER):
    return move(database, number, waves.let_leave, wave, at, reason, actor=actor)


def night_of(at):
    """23 h in Brussels on that day, which is closed to everybody."""
    return at.replace(hour=21, minute=0)


def test_an_approver_lets_a_wave_leave_at_a_closed_hour_with_a_reason_that_stays(database, planned):
    number, wave = planned
    at = night_of(NOW)
    let(database, number, at)
    advance(database, wave, at)
    with database.reading() as session:
        assert session.get_one(Wave, wave).mailing.filled_at == at
        campaign = planning.campaign_numbered(session, number)
        (kept,) = waves.exemptions_of(session, campaign)
        assert (kept.kind, kept.wave_id, kept.at, kept.actor) == (ExemptionKind.HOURS, wave, NOW, APPROVER)
        assert kept.reason == "Correction urgente"
        lines = [entry.sentence for entry in results.campaign_journal(session, campaign)]
        assert any("hors des heures d’envoi : Correction urgente." in sentence for sentence in lines)
        audited = session.scalars(select(AuditEntry.sentence)).all()
        assert any("hors des heures d’envoi : Correction urgente" in sentence for sentence in audited)


@pytest.mark.parametrize(
    ("at", "changes", "refusal"),
    [
        (night_of(NOW), {"actor": AUTHOR}, "autre personne"),
        (night_of(NOW), {"reason": "  "}, "Dites pourquoi"),
        (NOW, {}, "à venir"),
        (OPEN, {}, "ne demande pas de dérogation"),
        (night_of(NOW + timedelta(days=200)), {}, "croiserait une autre vague"),
        (night_of(NOW), {"wave": 2}, "croiserait une autre vague"),
        (night_of(NOW), {"wave": 9}, "plus planifiée"),
    ],
)
def test_it_is_refused_without_a_reason_to_its_author_and_across_other_waves(database, planned, at, changes, refusal):
    number, wave = planned
    with pytest.raises((Refused, InputError), match=refusal):
        let(database, number, at, **changes)
    with database.reading() as session:
        assert session.get_one(Wave, wave).due_at == OPEN
        assert waves.exemptions_of(session, planning.campaign_numbered(session, number)) == []
