"""A campaign's moves: who may, from where, and that an approval holds for what was approved and nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.access.approvals import Decision
from outreach.adherence import programmes
from outreach.campaigns import planning
from outreach.campaigns.models import (
    CAMPAIGN_MOVES,
    WAVE_MOVES,
    Campaign,
    CampaignState,
    Wave,
    WaveState,
    WaveTransition,
)
from outreach.campaigns.planning import _lifecycle as lifecycle
from outreach.campaigns.segments import Concerns
from outreach.core.audit import entries_about
from outreach.core.text.errors import InputError, NotFound, OutreachError, Refused
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Gate, Mailing
from tests.campaigns.conftest import APPROVER, AUTHOR, add_colleague, advance, approved, draft, launch, move, settle
from tests.conftest import NOW
from tests.factories import undone
from tests.programmes import PROGRAMME

VERBS = {
    "submit": (lifecycle.submit_campaign, AUTHOR, ()),
    "approve": (lifecycle.approve_campaign, APPROVER, ()),
    "schedule": (lifecycle.schedule_campaign, AUTHOR, (NOW + timedelta(hours=1),)),
    "pause": (lifecycle.pause_campaign, AUTHOR, ()),
    "resume": (lifecycle.resume_campaign, AUTHOR, ()),
    "cancel": (lifecycle.cancel_campaign, AUTHOR, ()),
    "restore": (lifecycle.restore_campaign, APPROVER, ()),
    "close": (lifecycle.close_campaign, AUTHOR, ()),
}
ALLOWED = {
    "draft": {"submit", "cancel"},
    "to_approve": {"approve", "cancel"},
    "approved": {"schedule", "cancel", "close"},
    "planned": {"cancel"},
    "running": {"pause", "cancel"},
    "paused": {"resume", "cancel"},
    "closed": set(),
    "cancelled": {"restore"},
}


def bring_to(database, where):
    number = draft(database)
    if where == "cancelled":
        move(database, number, lifecycle.cancel_campaign)
    if where in {"draft", "cancelled"}:
        return number
    move(database, number, lifecycle.submit_campaign)
    if where == "to_approve":
        return number
    move(database, number, lifecycle.approve_campaign, actor=APPROVER)
    if where == "closed":
        move(database, number, lifecycle.close_campaign)
    if where in {"planned", "running", "paused"}:
        wave = move(database, number, lifecycle.schedule_campaign, NOW)
        if where != "planned":
            advance(database, wave, NOW)
        if where == "paused":
            move(database, number, lifecycle.pause_campaign)
    return number


@pytest.mark.parametrize("where", ALLOWED)
def test_each_move_exists_only_where_it_should(database, people, strand, where):
    settle(database, 2)
    number = bring_to(database, where)
    for verb, (do, actor, details) in VERBS.items():
        with undone(database) as session:
            try:
                do(session, lifecycle.in_turn(session, number), *details, now=NOW, actor=actor)
            except Refused:
                assert verb not in ALLOWED[where]
            else:
                assert verb in ALLOWED[where]
                assert entries_about(session, f"campaign:{number}")[0].actor == actor


def test_nobody_approves_what_they_wrote_submitted_or_changed(database, people, strand):
    number = draft(database)
    for name, role in (("claire", RoleName.APPROVER), ("luc", RoleName.AUTHOR)):
        add_colleague(database, name, role)
    move(database, number, lifecycle.submit_campaign, actor=APPROVER)
    for actor in (AUTHOR, APPROVER, "luc@fwb.example", "nobody@fwb.example"):
        with pytest.raises(Refused, match="autre personne"):
            move(database, number, lifecycle.approve_campaign, actor=actor)
    move(database, number, lifecycle.approve_campaign, actor="claire@fwb.example")
    with pytest.raises(Refused, match="n’attend pas de validation : Claire a validé la campagne"):
        move(database, number, lifecycle.approve_campaign, actor="luc@fwb.example")


@pytest.mark.parametrize(
    "change",
    [
        {"letter": "Autre texte"},
        {"subject": "Autre objet"},
        {"criteria": '{"network":["WBE"]}'},
        {"starts_at": NOW + timedelta(days=1)},
        {"deadline_days": 10},
        {"sender_name": "Autre"},
        {"contact_email": "autre@fwb.example"},
        {"preheader": "Autre aperçu"},
        {"circular_url": "https://circulaires.example/1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_takes_an_approved_campaign_back_to_draft_and_cancels_what_was_planned(
    database, people, strand, change
):
    settle(database, 2)
    number = approved(database)
    wave = move(database, number, lifecycle.schedule_campaign, NOW + timedelta(hours=1))
    move(database, number, lambda session, campaign, **by: lifecycle.revise_campaign(session, campaign, change, **by))
    with database.reading() as session:
        assert session.get_one(Campaign, number).state is CampaignState.DRAFT
        assert session.get_one(Wave, wave).state is WaveState.CANCELLED


def test_no_change_brings_an_invitation_to_a_strand_that_has_closed(database, people, strand):
    number = draft(database)
    with database.writing() as session:
        closed = programmes.load_programme(session, PROGRAMME, now=NOW, actor=AUTHOR).strand(1)
        closed.closed_on = NOW.date() - timedelta(1)
        change = {"strand_id": closed.id}
    words = "Le volet 1 du programme « Plan lecture » a fermé le 14 mai 2021"
    with database.writing() as session, pytest.raises(Refused) as refused:
        lifecycle.revise_campaign(session, session.get_one(Campaign, number), change, now=NOW, actor=AUTHOR)
    assert str(refused.value).replace("\u00a0", " ").startswith(words)
    thanks = change | {"concerns": Concerns.JOINED}
    move(database, number, lambda session, campaign, **by: lifecycle.revise_campaign(session, campaign, thanks, **by))
    with database.writing() as session, pytest.raises(Refused, match="a fermé le"):
        campaign = session.get_one(Campaign, number)
        lifecycle.revise_campaign(session, campaign, {"concerns": Concerns.OPEN}, now=NOW, actor=AUTHOR)


def test_an_approval_from_before_preheaders_stays_valid(database, people, strand, monkeypatch):
    number = draft(database, preheader="")
    with database.reading() as session:
        digest = lifecycle.content_hash(session.get_one(Campaign, number))
        before = [name for name in lifecycle.CONTENT if name not in {"preheader", "circular_url"}]
        monkeypatch.setattr(lifecycle, "CONTENT", before)
        assert lifecycle.content_hash(session.get_one(Campaign, number)) == digest


def test_a_change_that_changes_nothing_keeps_the_approval_and_an_unknown_field_is_refused(database, people, strand):
    number = approved(database)

    def revise(changes):
        move(
            database,
            number,
            lambda session, campaign, **by: lifecycle.revise_campaign(session, campaign, changes, **by),
        )

    revise({"deadline_days": 30})
    with database.reading() as session:
        assert session.get_one(Campaign, number).state is CampaignState.APPROVED
    for field in ("state", "created_by", "approved_by"):
        with pytest.raises(InputError, match=field):
            revise({field: "approved"})


def test_a_change_behind_our_back_stops_the_launch(database, people, strand):
    settle(database, 2)
    number = approved(database)
    wave = move(database, number, lifecycle.schedule_campaign, NOW)
    with database.writing() as session:
        session.execute(update(Campaign).values(letter="Autre chose"))
    advance(database, wave, NOW)
    with database.reading() as session:
        assert session.get_one(Wave, wave).state is WaveState.PLANNED
    advance(database, wave, NOW + timedelta(hours=3))
    with database.reading() as session:
        assert session.get_one(Wave, wave).state is WaveState.MISSED
        assert session.scalars(select(Mailing)).all() == []
    with pytest.raises(Refused, match="pas validée"):
        move(database, number, lifecycle.schedule_campaign, NOW + timedelta(days=1))


def test_a_start_that_was_approved_is_the_only_one(database, people, strand):
    number = draft(database)
    at = NOW + timedelta(days=3)  # a Tuesday at 11 h: letters leave then
    move(
        database,
        number,
        lambda session, campaign, **by: lifecycle.revise_campaign(session, campaign, {"starts_at": at}, **by),
    )
    move(database, number, lifecycle.submit_campaign)
    move(database, number, lifecycle.approve_campaign, actor=APPROVER)
    with pytest.raises(Refused, match="autre moment"):
        move(database, number, lifecycle.schedule_campaign, at + timedelta(hours=1))
    wave = move(database, number, lifecycle.schedule_campaign, None)
    with database.reading() as session:
        assert session.get_one(Wave, wave).due_at == at


def test_pausing_holds_the_gate_in_the_same_transaction_and_every_move_is_dated_and_signed(database, people, strand):
    settle(database, 2)
    number = approved(database)
    wave = launch(database, number)
    gates = []
    for verb in (lifecycle.pause_campaign, lifecycle.resume_campaign, lifecycle.cancel_campaign):
        move(database, number, verb)
        with database.reading() as session:
            gates.append(session.scalars(select(Mailing.gate)).one())
    assert gates == [Gate.HELD, Gate.OPEN, Gate.CLOSED]
    with database.reading() as session:
        query = select(WaveTransition.state).where(WaveTransition.wave_id == wave).order_by(WaveTransition.id)
        moves = [state.value for state in session.scalars(query)]
        assert moves == ["planned", "running", "paused", "running", "cancelled"]
        states = session.scalars(select(Decision.kind).order_by(Decision.id))
        assert [state.value for state in states] == ["written", "submitted", "approved", "withdrawn"]
        assert all(one.actor and one.at == NOW for one in session.scalars(select(Decision)))


def test_the_audit_says_once_that_a_wave_is_planned_and_why_it_moved(database, people, strand):
    number = bring_to(database, "running")
    with database.writing() as session:
        wave = session.scalars(select(Wave)).one()
        planning.move_wave(session, wave, WaveState.PAUSED, now=NOW, actor=AUTHOR, note="trop de refus")
    with database.reading() as session:
        told = [
            one.sentence.partition(", première vague : ")[2] for one in entries_about(session, f"campaign:{number}")[:3]
        ]
    assert told[0] == "en pause (trop de refus)."
    assert told[2].startswith("planifiée pour le 15 mai 2021 à ")


def test_a_missing_campaign_and_a_missing_moment_are_said(database, people, strand):
    with pytest.raises(NotFound, match="99"):
        move(database, 99, lifecycle.submit_campaign)
    with pytest.raises(InputError, match="moment"):
        move(database, approved(database), lifecycle.schedule_campaign, None)


def test_the_tables_of_moves_are_complete():
    assert set(CAMPAIGN_MOVES) == set(CampaignState)
    assert set(WAVE_MOVES) == set(WaveState)
    assert issubclass(Refused, OutreachError)
