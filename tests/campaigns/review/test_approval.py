"""Before a campaign leaves: every letter composed, what is missing named, everybody counted; then what has changed."""

import functools
import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from outreach.access.accounts import User
from outreach.access.approvals import Decision
from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import planning, review
from outreach.campaigns.models import Campaign, CampaignState, Wave, WaveState
from outreach.campaigns.planning import AudienceRule, campaign_numbered
from outreach.campaigns.review import Preview, hard_cases
from outreach.campaigns.review import _approval as approval
from outreach.campaigns.segments import Concerns
from outreach.campaigns.waves import CALL_OFF_TIME
from outreach.core.audit import AuditEntry
from outreach.core.settings import ROOT
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import outbox
from outreach.delivery.models import Gate, Mailing, Message, MessageState, Purpose, SuppressionReason
from outreach.delivery.smtp import Guard
from outreach.directory.models import Authority
from outreach.engagement.replies import Answer, Response
from tests import factories
from tests.campaigns.conftest import APPROVER, AUTHOR, SENDING, advance, approved, draft, launch, move, settle
from tests.conftest import NOW
from tests.delivery.letters.linter import faults
from tests.tampering import unguard

ANYBODY = Guard(anybody=True)
READY = planning.ready_made(ROOT / "campaigns")
SIX = {
    "invitation-volet-1",
    "rappel-volet-1",
    "invitation-volet-2",
    "dernier-rappel-avant-les-conges",
    "merci-et-suite",
    "rectificatif",
}


REMINDERS = {name for name in READY if "rappel" in name}


def invite(database, network="Libre non confessionnel"):
    """A network is invited, a fortnight ago."""
    launch(database, approved(database, segment=AudienceRule(criteria={"network": [network]})))
    left = {"fenced_at": NOW - timedelta(days=14), "fence_id": "f", "settled_at": NOW - timedelta(days=14)}
    with database.writing() as session:
        of_campaign = Message.mailing_id.in_(select(Wave.mailing_id))
        accepted = update(Message).where(of_campaign, Message.state == MessageState.QUEUED)
        session.execute(accepted.values(state=MessageState.ACCEPTED, **left))


def revise(database, number, **changes):
    move(database, number, lambda session, campaign, **by: planning.revise_campaign(session, campaign, changes, **by))


def looked_over(database, number):
    with database.reading() as session:
        return review.check_campaign(session, campaign_numbered(session, number), SENDING, now=NOW)


def ask(database, number, **details):
    return move(
        database,
        number,
        lambda session, campaign, **by: approval.ask_approval(session, campaign, SENDING, **details, **by),
    )


def test_the_six_ready_made_campaigns_are_there():
    assert set(READY) >= SIX


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    ["rappel-volet-1", *(pytest.param(name, marks=pytest.mark.long) for name in sorted({*READY} - {"rappel-volet-1"}))],
)
def test_every_ready_made_campaign_reaches_somebody_in_the_sample_with_letters_that_nothing_is_said_against(
    sample_database, name
):
    if name in REMINDERS or READY[name].corrects:
        invite(sample_database)
    with sample_database.writing() as session:
        author = session.scalars(select(User).where(User.email == AUTHOR)).one()
        campaign = planning.create_campaign(session, READY[name], now=NOW, author=author)
        found = review.check_campaign(session, campaign, SENDING, now=NOW)
        assert found.blocks == review.unfinished_parts(campaign)
        assert found.remarks == []
        assert found.run.letters == found.counts.addresses > 0
        assert found.run.missing == {}
        assert 3000 < found.run.biggest < 100_000
        preview = Preview(session, campaign, SENDING, [], now=NOW)
        shown = [preview.of(row.Authority) for row in preview.recipients()[:20]]
        assert [faults(one.wire) for one in shown] == [[]] * len(shown)
        assert planning.definition_of(session, campaign).letter == READY[name].letter


@pytest.mark.long
def test_every_ready_made_reminder_takes_who_was_invited_by_any_campaign_and_has_not_reacted(database, people, strand):
    settle(database, 4)
    invited = list(settle(database, 3, network="WBE").items())
    invite(database, "WBE")
    with database.writing() as session:
        joined = factories.adherence_record(invited[0][1][0], strand, NOW)
        session.add(AdherenceRecord(**joined))
        letter = session.scalars(select(Message.id).where(Message.authority_id == invited[1][0])).one()
        said = {"authority_id": invited[1][0], "strand_id": strand, "given_at": NOW}
        session.add(Response(message_id=letter, answer=Answer.HELP, **said))
    assert {"rappel-volet-1", "dernier-rappel-avant-les-conges"} <= REMINDERS
    for name in REMINDERS:
        with database.writing() as session:
            number = factories.campaign(session, READY[name], NOW).id
        with database.reading() as session:
            addressees = planning.list_addressees(session, campaign_numbered(session, number), now=NOW)
            assert {one.authority_id for one in addressees} == {invited[2][0]}, name
        assert looked_over(database, number).uninvited == []


def test_whoever_a_reminder_would_remind_of_nothing_is_named(database, people, strand):
    settle(database, 5)
    settle(database, 2, network="WBE")
    invite(database, "WBE")
    for changes, is_reminder in (
        ({"subject": "Volet 1 (rappel) – FASE ((fase_po))"}, True),
        ({"preheader": "Une relance de deux minutes"}, True),
        ({"letter": "Nous n’avons pas encore votre réponse."}, True),
        ({"letter": "Répondez, et les rappels s’arrêtent."}, False),
        ({"title": "Rappel", "concerns": Concerns.JOINED}, False),
    ):
        found = looked_over(database, draft(database, **changes))
        assert [fase for fase, _ in found.uninvited] == ([*range(9001, 9006)] if is_reminder else []), changes
        said = [one for one in found.remarks if "jamais reçu de courriel du volet 1" in one]
        assert [one[:33] for one in said] == (["5 PO n’ont jamais reçu de courrie"] if is_reminder else [])
        assert all("(FASE 9003) et 2 autres ; ajoutez" in one for one in said)


@pytest.mark.long
def test_the_correction_is_not_submitted_while_its_placeholder_stands(database, people, strand):
    settle(database, 1)
    stated = READY["rectificatif"]
    assert {name for name, one in READY.items() if "[À compléter" in one.letter} == {"rectificatif"}
    number = draft(database, letter=stated.letter)
    said = "remplacez « [À compléter : ce qui était inexact, puis ce qui est exact.] » par votre texte"
    assert looked_over(database, number).blocks == [f"Ligne 5 : {said}, crochets compris."]
    with pytest.raises(Refused, match="crochets compris"):
        ask(database, number)
    revise(database, number, letter=stated.letter.replace("ce qui était inexact", "la date était inexacte"))
    assert looked_over(database, number).blocks != [], "only in part"
    written = re.sub(r"\[À compléter.*\]", "La date limite était fausse : c’est le ((date_limite)).", stated.letter)
    revise(database, number, letter=written, subject="Rectificatif [à compléter]")
    assert looked_over(database, number).blocks == [
        "Objet : remplacez « [à compléter] » par votre texte, crochets compris."
    ]
    revise(database, number, subject="Rectificatif [sic]")
    ask(database, number)


def test_a_campaign_is_copied_whole(database, people, strand):
    own = {"preheader": "((écoles_restantes)) écoles", "circular_url": "https://circulaires.example/7831"}
    number = draft(database, reminders=(7, 21), **own)
    with database.reading() as session:
        stated = planning.definition_of(session, campaign_numbered(session, number))
    assert stated.reminders == (7, 21)
    assert {name: getattr(stated, name) for name in own} == own


@pytest.mark.long
def test_a_preheader_too_long_for_one_recipient_waits_to_be_shortened(database, people, strand):
    settle(database, 2)
    with database.writing() as session:
        session.execute(update(Authority).where(Authority.fase == 9002).values(name="x" * 80))
    number = draft(database, preheader="Pour ((nom_po)) :")
    assert looked_over(database, number).blocks == []
    revise(database, number, preheader="Pour ((nom_po)) et vous :")
    said = "Raccourcissez le texte d’aperçu : 95 caractères pour un des PO, 90 au plus"
    assert looked_over(database, number).blocks == [f"{said}, valeurs des champs comprises."]
    revise(database, number, preheader="[À compléter : l’aperçu]")
    assert looked_over(database, number).blocks[0].startswith("Texte d’aperçu : remplacez")


@pytest.mark.long
def test_a_value_that_is_missing_for_somebody_is_found_and_named_before_approval(database, people, strand):
    settle(database, 5)
    with database.writing() as session:
        session.execute(update(Authority).where(Authority.fase >= 9002).values(municipality="N/A"))
    number = draft(database, letter="Bonjour ((commune)), ((écoles_restantes)) école.\n\n((contact))")
    found = looked_over(database, number)
    assert found.run.letters == 5
    assert (
        "4 PO sans ((commune)) : PO 1 (FASE 9002), PO 2 (FASE 9003), PO 3 (FASE 9004) et 1 autre ;" in found.blocks[0]
    )
    with pytest.raises(Refused, match="sans"):
        ask(database, number)
    revise(database, number, letter='((commune|défaut("votre commune"))) ((contact))')
    assert looked_over(database, number).blocks == []


def test_a_value_that_no_branch_asks_for_is_not_missing(database, people, strand):
    settle(database, 1)
    with database.writing() as session:
        session.execute(update(Authority).values(municipality=""))
    number = draft(database, letter="(% if plusieurs_écoles %)((commune))(% else %)une(% endif %)\n\n((contact))")
    assert looked_over(database, number).blocks == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contact_email": ""}, "personne de contact"),
        ({"message_class": "statutory", "letter": "x ((lien_désinscription))"}, "désinscription"),
        ({"stops_on": NOW.date() - timedelta(days=9), "starts_at": NOW + timedelta(days=3)}, "dernier jour"),
        ({"stops_on": NOW.date() + timedelta(days=6), "starts_at": NOW + timedelta(days=6)}, "dernier jour"),
        ({"criteria": '{"zone":["Nulle part"]}'}, "personne"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_blocks_is_said(database, people, strand, changes, words):
    settle(database, 1)
    number = draft(database)
    revise(database, number, **changes)
    assert any(words in one for one in looked_over(database, number).blocks)


@pytest.mark.long
def test_everybody_asks_for_the_number(database, people, strand):
    settle(database, 3)
    number = draft(database)
    revise(database, number, criteria='{"and":[]}')
    for wrong in (None, 2):
        with pytest.raises(InputError, match="confirmez leur nombre, 3"):
            ask(database, number, confirmed=wrong)
    ask(database, number, confirmed=3)
    with database.reading() as session:
        assert campaign_numbered(session, number).state is CampaignState.TO_APPROVE


@pytest.mark.long
def test_the_same_letter_within_a_week_and_a_tired_addressee_are_remarked(database, people, strand):
    settle(database, 2)
    number = approved(database)
    launch(database, number)
    with database.writing() as session:
        session.execute(
            update(Message).values(
                state=MessageState.ACCEPTED, fence_id="f", fenced_at=NOW, settled_at=NOW, reply_code=250
            )
        )
    assert any("Ce même courriel est parti à 2 PO" in one for one in looked_over(database, number).remarks)
    assert not any("cette année scolaire" in one for one in looked_over(database, number).remarks)


@pytest.mark.long
def test_a_start_that_has_passed_is_remarked_until_its_wave_is_on_its_way(database, people, strand):
    settle(database, 1)
    number = draft(database)
    revise(database, number, starts_at=NOW - timedelta(days=7))
    assert any("date de la première vague est passée" in one for one in looked_over(database, number).remarks)
    ask(database, number)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    move(database, number, functools.partial(planning.schedule_campaign, at=None, earliest=NOW + CALL_OFF_TIME))
    assert not any("date de la première vague est passée" in one for one in looked_over(database, number).remarks)


def test_a_reminder_is_planned_with_the_first_wave_in_open_windows_and_none_after_the_last_day(
    database, people, strand
):
    settle(database, 1)
    number = draft(database)
    revise(
        database,
        number,
        starts_at=NOW + timedelta(days=3),
        reminders="14 17 60",
        stops_on=NOW.date() + timedelta(days=40),
    )
    with database.reading() as session:
        waves = planning.plan_waves(session, campaign_numbered(session, number), now=NOW)
    assert [(wave.number, wave.at.date().isoformat()) for wave in waves] == [
        (1, "2021-05-18"),
        (2, "2021-06-01"),
        (3, "2021-06-08"),  # Friday 4 June → Tuesday
    ]
    assert "vendredi" in waves[2].move_in_words
    assert waves[0].move_in_words == ""


@pytest.mark.long
def test_a_reminder_says_that_it_is_one(database, people, strand):
    settle(database, 1)
    number = approved(database, reminders=(14,))
    first = launch(database, number, at=NOW + timedelta(days=3))
    with database.reading() as session:
        second = session.scalars(select(Wave).where(Wave.number == 2)).one()
        assert second.due_at - session.get_one(Wave, first).due_at == timedelta(days=14)
        key, at = second.id, second.due_at
    advance(database, key, at)
    with database.reading() as session:
        letters = [mailing.letter for mailing in session.scalars(select(Mailing).order_by(Mailing.id))]
    assert '"is_reminder": true' in letters[1]
    assert '"is_reminder": false' in letters[0]


@pytest.mark.long
def test_an_audience_that_has_grown_waits_for_the_approver(database, people, strand):
    settle(database, 20)
    number = draft(database)
    ask(database, number)
    move(database, number, lambda session, c, **by: approval.give_approval(session, c, SENDING, **by), actor=APPROVER)
    settle(database, 12)
    key = launch(database, number)
    with database.reading() as session:
        wave = session.get_one(Wave, key)
        assert (wave.state, wave.drifted_from, wave.mailing.gate) == (WaveState.PAUSED, 20, Gate.HELD)
        assert outbox.tally_mailings(session, [wave.mailing_id])[wave.mailing_id].pending == 32
    with pytest.raises(Refused, match="revient à une personne qui valide"):
        move(database, number, planning.resume_campaign)
    move(
        database,
        number,
        lambda session, c, **by: planning.resume_campaign(session, c, may_approve=True, **by),
        actor=APPROVER,
    )
    with database.reading() as session:
        assert session.get_one(Wave, key).mailing.gate is Gate.OPEN


@pytest.mark.long
def test_a_small_change_of_the_audience_does_not_hold_a_wave(database, people, strand):
    settle(database, 20)
    number = draft(database)
    ask(database, number)
    move(database, number, lambda session, c, **by: approval.give_approval(session, c, SENDING, **by), actor=APPROVER)
    settle(database, 8)
    key = launch(database, number)
    with database.reading() as session:
        assert session.get_one(Wave, key).state is WaveState.RUNNING


def test_a_trial_is_in_no_count_and_stops_for_nobody_s_joining(database, people, strand):
    settle(database, 1)
    number = draft(database)
    with database.writing() as session:
        authority = session.scalars(select(Authority)).one()
        to = judge("moi@ecole.be")
        review.send_test(
            session, session.get_one(Campaign, number), SENDING, authority, to, ANYBODY, now=NOW, actor=AUTHOR
        )
        counted = planning.count_campaign_audience(session, session.get_one(Campaign, number), now=NOW)
        mailing = session.scalars(select(Mailing)).one()
        assert (mailing.purpose, mailing.gate, mailing.stop_strand_id) == (Purpose.TEST, Gate.OPEN, None)
        assert counted.written == 1
        written = outbox.authorities_written_since(NOW - timedelta(days=1))
        assert session.scalars(written).all() == []
        outbox.suppress_address(session, to.key, SuppressionReason.UNSUBSCRIBED, now=NOW, actor="x")
        with pytest.raises(InputError, match="liste d’exclusion"):
            review.send_test(
                session, session.get_one(Campaign, number), SENDING, authority, to, ANYBODY, now=NOW, actor=AUTHOR
            )


@pytest.mark.long
def test_a_trial_goes_to_accounts_and_to_whom_the_installation_names_and_twenty_times_an_hour(database, people, strand):
    settle(database, 1)
    number, allowed = draft(database), Guard(anybody=False, allowed=frozenset({"moi@ecole.be", "@essais.be"}))

    def trial(address, *, now=NOW, actor=AUTHOR):
        with database.writing() as session:
            campaign, authority = session.get_one(Campaign, number), session.scalars(select(Authority)).one()
            review.send_test(session, campaign, SENDING, authority, judge(address), allowed, now=now, actor=actor)

    for address in ("autre@ecole.be", "moi@ecole.be.be", "x@sous.essais.be"):
        with pytest.raises(InputError, match="OUTREACH_ALLOWED_RECIPIENTS"):
            trial(address)
    with database.writing() as session:
        session.execute(update(User).where(User.email == APPROVER).values(active=False))
    with pytest.raises(InputError, match="OUTREACH_ALLOWED_RECIPIENTS"):
        trial(APPROVER)
    for address in ("Moi@ecole.be", "x@essais.be", AUTHOR) * 6 + (AUTHOR, AUTHOR):
        trial(address)
    with pytest.raises(Refused, match="20 essais en une heure"):
        trial(AUTHOR, now=NOW + timedelta(minutes=59))
    trial("x@essais.be", actor=APPROVER)
    trial(AUTHOR, now=NOW + timedelta(minutes=60))
    with database.reading() as session:
        said = session.scalars(select(AuditEntry.sentence).where(AuditEntry.sentence.contains("essai envoyé"))).all()
    assert len(said) == 22


@pytest.mark.parametrize("address", ["x@straße.example", "é@straße.example", "straße@ecole.be", "a@straße.be"])
def test_a_trial_to_a_domain_that_only_looks_the_same_to_a_computer_is_refused(database, people, strand, address):
    """In lower case “ß” stays “ß”; folded for comparing it is “ss”, which is another domain or mailbox."""
    settle(database, 1)
    number = draft(database)
    allowed = Guard(anybody=False, allowed=frozenset({"@strasse.example", "strasse@ecole.be"}))
    with database.writing() as session:
        session.execute(update(User).where(User.email == APPROVER).values(email="a@strasse.be"))
        campaign, authority = session.get_one(Campaign, number), session.scalars(select(Authority)).one()
        with pytest.raises(InputError, match="OUTREACH_ALLOWED_RECIPIENTS"):
            review.send_test(session, campaign, SENDING, authority, judge(address), allowed, now=NOW, actor=AUTHOR)


@pytest.mark.long
def test_an_approval_with_its_plan_is_both_or_neither(database, people, strand):
    settle(database, 1)
    undated, dated = draft(database), draft(database)
    revise(database, dated, starts_at=NOW + timedelta(days=3), reminders="14")
    later = functools.partial(approval.give_and_plan, sending=SENDING, earliest=NOW + CALL_OFF_TIME)
    for number in (undated, dated):
        ask(database, number)
        with pytest.raises(Refused, match="une autre personne"):
            move(database, number, later)
    with pytest.raises(InputError, match="moment de l’envoi"):
        move(database, undated, later, actor=APPROVER)
    move(database, dated, later, actor=APPROVER)
    with database.reading() as session:
        assert campaign_numbered(session, undated).state is CampaignState.TO_APPROVE
        assert campaign_numbered(session, dated).state is CampaignState.APPROVED
        assert [wave.state for wave in campaign_numbered(session, dated).waves] == [WaveState.PLANNED] * 2


def test_the_hard_cases_are_the_extremes(database, people, strand):
    settle(database, 2)
    settle(database, 1, schools=4)
    number = draft(database)
    with database.reading() as session:
        rows = Preview(session, campaign_numbered(session, number), SENDING, [], now=NOW).recipients()
        cases = dict(hard_cases(rows))
    assert cases["le plus d’écoles"] == 9003
    assert len(set(cases.values())) == len(cases)
    assert hard_cases([]) == []


def test_reminders_that_fall_together_or_too_late_leave_once_or_not_and_it_is_said(database, people, strand):
    settle(database, 1)
    number = draft(database)
    revise(
        database,
        number,
        starts_at=NOW + timedelta(days=5),
        reminders="1 2 3 90",
        stops_on=NOW.date() + timedelta(days=60),
    )
    with database.reading() as session:
        campaign = campaign_numbered(session, number)
        waves = planning.plan_waves(session, campaign, now=NOW)
        said = planning.left_out(campaign, waves)
    assert [wave.at.date().isoformat() for wave in waves] == ["2021-05-20", "2021-05-25"]
    assert len(said) == 3
    assert "dernier jour d’envoi" in said[2]


@pytest.mark.parametrize("criteria", ['{"and":[{"and":[]}]}', '{"or":[{"and":[]},{"network":["WBE"]}]}'])
def test_everybody_in_other_words_is_everybody(database, people, strand, criteria):
    settle(database, 1)
    number = draft(database)
    revise(database, number, criteria=criteria)
    with pytest.raises(InputError, match="confirmez"):
        ask(database, number)


def test_a_letter_that_cannot_be_read_any_more_makes_its_wave_missed_and_stops_no_other(database, people, strand):
    settle(database, 1)
    number, other = approved(database), approved(database)
    wave = move(database, number, planning.schedule_campaign, NOW + timedelta(minutes=1))
    with database.writing() as session:
        unguard(session, "decisions")
        broken = session.get_one(Campaign, number)
        broken.letter = "((inconnu))"
        last = planning.campaign_history(session, broken)[0]
        columns = {column.key: getattr(last, column.key) for column in Decision.__table__.columns}
        session.add(Decision(**{**columns, "id": None, "digest": planning.content_hash(broken)}))
    advance(database, wave, NOW + timedelta(minutes=1))
    fine = launch(database, other)
    with database.reading() as session:
        assert session.get_one(Wave, wave).state is WaveState.MISSED
        assert session.get_one(Wave, fine).state is WaveState.RUNNING


@pytest.mark.long
@pytest.mark.parametrize("step", ["ask_approval", "give_approval"])
def test_a_campaign_that_changes_after_it_was_judged_is_neither_submitted_nor_approved(database, people, strand, step):
    settle(database, 2)
    number = draft(database)
    if step == "give_approval":
        ask(database, number)
    with database.reading() as session:
        judged = approval.review_campaign(session, campaign_numbered(session, number), SENDING, now=NOW)
    revise(database, number, subject="Un autre objet")
    if step == "give":
        ask(database, number)

    def take_step(session, campaign, **by):
        getattr(approval, step)(session, campaign, SENDING, judged=judged, **by)

    with pytest.raises(Refused, match="La campagne a changé"):
        move(database, number, take_step, actor=APPROVER if step == "give" else AUTHOR)
