"""A submission seals, an approval draws, and nobody chooses: not by sending back, cancelling or copying."""

import json
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import select, update

from outreach.access.approvals import Decision, DecisionKind, Extent
from outreach.campaigns import experiments, planning, review
from outreach.campaigns.experiments import DrawAttempt
from outreach.campaigns.experiments import _design as design
from outreach.campaigns.experiments._design import Mismatch
from outreach.campaigns.experiments._models import DrawnAuthority, FollowedDraw
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import _experiment_plan as experiment_plan
from outreach.campaigns.planning import _lifecycle as lifecycle
from outreach.core import audit
from outreach.core.text.errors import Refused
from outreach.directory.models import Contact
from outreach.staff.notifications import _news as news
from outreach.staff.notifications._news import News
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.campaigns.draws.conftest import (
    COUNT,
    GAP,
    START,
    approve,
    draw_as_stored,
    drawable,
    drawn,
    of,
    plan,
    submit,
    waves,
)
from tests.conftest import NOW
from tests.factories import APPROVER, AUTHOR
from tests.tampering import unguard

__all__ = ["drawable", "drawn"]
BY = {"now": NOW, "actor": AUTHOR}


def said(database, number=1):
    with database.reading() as session:
        return " ".join(entry.sentence for entry in audit.entries_about(session, f"campaign:{number}"))


def test_the_nonce_is_nowhere_before_the_approval(drawable, caplog):
    caplog.set_level("INFO", "outreach")
    submit(drawable)
    with drawable.reading() as session:
        attempt = experiments.open_attempt(session, 1)
        told = experiments.attempt_as_json(session, attempt)
        assert [told[name] for name in ("nonce", "approver_bytes", "content_digest", "seed")] == [None] * 4
        assert {(one["order"] == [], one["departures"] == []) for one in told["strata"]} == {(True, True)}
        submitted = session.scalars(select(Decision).where(Decision.kind == DecisionKind.SUBMITTED)).one()
        mail = News(submitted, session.get_one(Campaign, 1))
        words = news.sentence(session, mail)
        assert attempt.nonce not in words + caplog.text + said(drawable)
        for digest in (attempt.commitment, attempt.list_digest, attempt.plan_digest):
            assert digest in caplog.text
            assert digest in said(drawable)
        assert experiment_plan.NOT_FIRST_COME in said(drawable)


def test_the_plan_is_what_was_approved(drawable):
    submit(drawable)
    with drawable.reading() as session:
        attempt = experiments.open_attempt(session, 1)
        told = experiments.plan_of(attempt)
        assert told["campaign_digest"] == lifecycle.content_hash(of(session))
        assert told["departures"] == ["2021-09-07", "2021-09-21", "2021-10-05"]
        assert told["figure_on"] == "2021-10-18"
        assert sum(size for _, size in told["strata"]) == COUNT
        assert "exclut 0" in told["method"]


def test_the_seed_follows_from_the_nonce_and_what_was_approved_alone(drawable):
    submit(drawable)
    approve(drawable)
    with drawable.reading() as session:
        attempt = experiments.draw_of(session, 1)
        listed = [[stratum.name, fase] for stratum in experiments.strata_of(session, attempt) for fase in stratum.fases]
        frozen = {"approver_bytes": "", "attempt": 1, "content": json.loads(attempt.plan), "list": sorted(listed)}
        text = json.dumps(frozen, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        content = sha256(text.encode()).digest()
        assert (attempt.approver_bytes, attempt.content_digest) == ("", content.hex())
        assert attempt.seed == sha256(bytes.fromhex(attempt.nonce) + content).hexdigest()
        assert experiments.find_mismatches(session, attempt) == []
        assert attempt.seed in said(drawable)
        assert attempt.nonce in said(drawable)


@pytest.mark.parametrize(
    ("changed", "mismatches"),
    [
        ({"nonce": "00" * 32}, [Mismatch.NONCE, Mismatch.ORDER]),
        ({"commitment": "00" * 32}, [Mismatch.NONCE, Mismatch.AUDIT]),
        ({"plan": "{}"}, [Mismatch.CONTENT, Mismatch.ORDER]),
        ({"number": 2}, [Mismatch.ORDER]),
        ({"approver_bytes": "00" * 16}, [Mismatch.ORDER]),
        ({"list_digest": "00" * 32}, [Mismatch.LIST]),
        ({"seed": "00" * 32}, [Mismatch.ORDER, Mismatch.AUDIT]),
    ],
    ids=lambda one: next(iter(one), "") if isinstance(one, dict) else "",
)
def test_whatever_is_changed_of_a_draw_is_named(drawn, changed, mismatches):
    with drawn.writing() as session:
        unguard(session, "draw_attempts")
        session.execute(update(DrawAttempt).values(changed))
        session.expire_all()
        found = experiments.find_mismatches(session, experiments.draw_of(session, 1))
        assert found == mismatches
        assert all(one.label.endswith(".") for one in found)


def test_a_draw_made_anew_in_the_database_is_not_the_one_that_the_audit_says(drawn):
    """An operator tries nonces until a draw pleases, and writes all of it as if it had come so."""
    with drawn.writing() as session:
        attempt = experiments.draw_of(session, 1)
        strata, chosen = experiments.strata_of(session, attempt), b"chosen".ljust(32)
        content = design.content_digest(dict(experiments.plan_of(attempt)), strata, attempt.number, b"")
        seed = design.seed_of(chosen, content)
        unguard(session, "draw_attempts", "drawn_authorities")
        attempt.nonce, attempt.commitment, attempt.seed = chosen.hex(), sha256(chosen).hexdigest(), seed.hex()
        places = {fase: place for one in design.drawn(seed, strata) for place, fase in enumerate(one.order)}
        for row in session.scalars(select(DrawnAuthority).where(DrawnAuthority.place.is_not(None))):
            row.place, row.departure = places[row.fase], places[row.fase] % 3 + 1
        session.flush()
        assert experiments.find_mismatches(session, attempt) == [Mismatch.AUDIT]


@pytest.mark.parametrize("exchanged", ["place", "departure"])
def test_two_authorities_that_changed_places_or_departures_are_found(drawn, exchanged):
    with drawn.writing() as session:
        unguard(session, "drawn_authorities")
        placed = select(DrawnAuthority).where(DrawnAuthority.place.is_not(None)).order_by(DrawnAuthority.place)
        first = session.scalars(placed.limit(1)).one()
        other = session.scalars(placed.where(DrawnAuthority.departure != first.departure).limit(1)).one()
        own = getattr(first, exchanged)
        setattr(first, exchanged, getattr(other, exchanged))
        setattr(other, exchanged, own)
        session.flush()
        assert experiments.find_mismatches(session, experiments.draw_of(session, 1)) == [Mismatch.ORDER]


def test_sending_back_voids_the_attempt_and_publishes_its_nonce(drawable):
    for number in (1, 2):
        submit(drawable)
        with drawable.writing() as session:
            lifecycle.send_back(session, of(session), now=NOW, actor=APPROVER, reason="Relisez")
        with drawable.reading() as session:
            attempt = experiments.attempts_of(session, 1)[-1]
            assert (attempt.number, attempt.revealed_nonce, attempt.seed) == (number, attempt.nonce, None)
            assert f"tentative n° {number} est annulée, son nombre secret était {attempt.nonce}" in said(drawable)
    submit(drawable)
    approve(drawable)
    with drawable.reading() as session:
        assert [one.voided_at is not None for one in experiments.attempts_of(session, 1)] == [True, True, False]
        assert experiments.draw_of(session, 1).number == 3


@pytest.mark.parametrize("way", ["revise", "cancel"])
def test_whatever_ends_a_submission_voids_its_attempt(drawable, way):
    submit(drawable)
    with drawable.writing() as session:
        if way == "cancel":
            lifecycle.cancel_campaign(session, of(session), **BY)
        else:
            lifecycle.revise_campaign(session, of(session), {"title": "Autrement"}, **BY)
        assert experiments.open_attempt(session, 1) is None
        assert experiments.attempts_of(session, 1)[0].voided_at == NOW


def test_a_submission_that_is_broken_off_stays_in_the_log(drawable, caplog):
    caplog.set_level("INFO", "outreach")
    with pytest.raises(ZeroDivisionError), drawable.writing() as session:
        lifecycle.submit_campaign(session, of(session), **BY)
        raise ZeroDivisionError
    with drawable.reading() as session:
        assert experiments.attempts_of(session, 1) == []
    assert "draw_submitted" in [getattr(record, "event", "") for record in caplog.records]


def test_cancelling_restoring_editing_and_approving_again_make_no_other_draw(drawn):
    before = draw_as_stored(drawn)
    with drawn.writing() as session:
        lifecycle.cancel_campaign(session, of(session), **BY)
        lifecycle.restore_campaign(session, of(session), **BY)
        lifecycle.revise_campaign(session, of(session), {"title": "Autrement"}, **BY)
    submit(drawn)
    with drawn.reading() as session:
        assert experiments.open_attempt(session, 1) is None
    approve(drawn)
    assert draw_as_stored(drawn) == before
    with drawn.reading() as session:
        assert len(experiments.attempts_of(session, 1)) == 1


@pytest.mark.parametrize("gap", [0, 21])
def test_the_gap_of_departures_that_are_drawn_does_not_change_any_more(drawn, gap):
    """It is the window that the frozen plan compares."""
    with drawn.writing() as session:
        lifecycle.cancel_campaign(session, of(session), **BY)
        lifecycle.restore_campaign(session, of(session), **BY)
    with drawn.writing() as session, pytest.raises(Refused, match="en trois départs, à 14 jours d’intervalle"):
        lifecycle.revise_campaign(session, of(session), {"departure_gap": gap}, **BY)


def copy(database, now=NOW, **changes):
    """Another campaign like the first one, whose departures are drawn; returns its number."""
    with database.writing() as session:
        like = planning.definition_of(session, of(session)).model_copy(update={"title": "Copie", **changes})
        assert like.departure_gap == GAP
        made = factories.campaign(session, like, now)
        lifecycle.revise_campaign(session, made, {"starts_at": START + timedelta(days=60)}, now=now, actor=AUTHOR)
        return made.id


def test_a_copy_makes_its_own_draw(drawn):
    number = copy(drawn)
    submit(drawn, number)
    approve(drawn, number)
    assert draw_as_stored(drawn, number)[0] != draw_as_stored(drawn)[0]


def test_a_campaign_that_kept_the_draw_of_another_one_under_0_3_0_still_leaves_by_it(drawn):
    number = copy(drawn)
    with drawn.writing() as session:
        kept = experiments.draw_of(session, 1)
        session.add(FollowedDraw(campaign_id=number, attempt_id=kept.id, followed_at=NOW))
    submit(drawn, number)
    approve(drawn, number)
    assert draw_as_stored(drawn, number) == draw_as_stored(drawn)
    plan(drawn, number)
    assert {wave.confirmed_authorities for wave in waves(drawn, number)} == {COUNT // 3}
    assert {wave.confirmed_authorities for wave in waves(drawn)} == {None}


def test_while_it_awaits_an_approval_the_plan_is_what_was_submitted(drawable):
    with drawable.reading() as session:
        before = experiment_plan.experiment_plan_of(session, of(session), now=NOW)
    submit(drawable)
    with drawable.writing() as session:
        some = select(Contact.id).order_by(Contact.id).limit(20)
        session.execute(update(Contact).where(Contact.id.in_(some)).values(retired_at=NOW, retired_by=AUTHOR))
    with drawable.reading() as session:
        shown = experiment_plan.experiment_plan_of(session, of(session), now=NOW)
        assert shown.attempt is experiments.open_attempt(session, 1)
        assert len(experiment_plan.candidates(session, of(session), now=NOW)) == COUNT - 20
    for name in ("gap", "strata", "departures", "figure_on", "refusals", "outside"):
        assert getattr(shown, name) == getattr(before, name), name


@pytest.mark.long
def test_what_was_submitted_before_the_question_was_asked_goes_back_to_its_author(drawable):
    """A draft, or a submission, of before plans said whether anything is given first come, first served."""
    submit(drawable)
    with drawable.writing() as session:
        session.execute(update(Campaign).values(first_come=None))
    with drawable.reading() as session:
        blocks = review.check_campaign(session, of(session), SENDING, now=NOW).blocks
    said = " ".join(blocks).replace("\xa0", " ")
    assert "Dites si des places ou des moyens sont attribués dans l’ordre des demandes, à l’étape des dates" in said
    assert "renvoyez la campagne à la rédaction" in said
    with drawable.writing() as session:
        lifecycle.send_back(session, of(session), now=NOW, actor=APPROVER, reason="À compléter.")
    with drawable.writing() as session, pytest.raises(Refused, match="à l’étape des dates"):
        lifecycle.submit_campaign(session, of(session), **BY, extent=Extent(COUNT, COUNT))
    with drawable.writing() as session:
        lifecycle.revise_campaign(session, of(session), {"first_come": False}, **BY)
    submit(drawable)
    approve(drawable)


def test_too_few_and_a_last_day_too_early_are_refused_with_what_to_do(drawable):
    with drawable.writing() as session:
        some = select(Contact.id).order_by(Contact.id).limit(20)
        session.execute(update(Contact).where(Contact.id.in_(some)).values(retired_at=NOW, retired_by=AUTHOR))
        lifecycle.revise_campaign(session, of(session), {"stops_on": START.date() + timedelta(days=20)}, **BY)
    with drawable.writing() as session, pytest.raises(Refused, match="au moins 200 PO") as refusal:
        lifecycle.submit_campaign(session, of(session), **BY)
    assert "reculez ce jour" in str(refusal.value)


def test_authorities_that_share_a_mailbox_stay_outside(drawable):
    with drawable.writing() as session:
        first, second = session.scalars(select(Contact).order_by(Contact.id).limit(2))
        for name in ("address", "address_key", "address_ascii"):
            setattr(second, name, getattr(first, name))
    submit(drawable)
    approve(drawable)
    with drawable.reading() as session:
        attempt = experiments.draw_of(session, 1)
        assert len(experiments.outside_of(session, attempt)) == 2
        outside = session.scalars(select(DrawnAuthority).where(DrawnAuthority.outside.is_not(None))).all()
        assert {(row.departure, row.place) for row in outside} == {(1, None)}


def test_who_prepares_or_has_several_schools_is_a_stratum_apart(drawable):
    with drawable.reading() as session:
        found = experiment_plan.candidates(session, of(session), now=NOW)
        assert {(one.letters, one.listed.has_several, one.listed.is_under_way) for one in found} == {(1, False, False)}


def test_an_approval_of_old_keeps_its_digest(drawable):
    with drawable.writing() as session:
        campaign = of(session)
        drawn_digest = lifecycle.content_hash(campaign)
        campaign.departure_gap = 0
        assert lifecycle.content_hash(campaign) != drawn_digest
        assert "departure_gap" in lifecycle.ADDED


def test_the_day_of_the_figure_moves_with_the_second_departure(drawable):
    """The carnival holidays move departure 2 by two weeks: the days after it are compared all the same."""
    with drawable.writing() as session:
        lifecycle.revise_campaign(session, of(session), {"starts_at": datetime(2027, 2, 10, 8, 30, tzinfo=UTC)}, **BY)
    with drawable.reading() as session:
        planned = experiment_plan.experiment_plan_of(session, of(session), now=NOW)
        assert planned.departures[1] == date(2027, 3, 9)
        assert planned.figure_on == date(2027, 3, 9) + timedelta(days=13 + 14)


def test_a_reminder_in_haste_concerns_its_own_departure_alone(drawable):
    with drawable.reading() as session:
        remarks = " ".join(review.check_campaign(session, of(session), SENDING, now=NOW).remarks)
    assert "des PO de ce départ reçoivent deux courriels en une semaine" in remarks
    assert str(COUNT) not in remarks
