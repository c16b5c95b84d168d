"""Drafts of a campaign's steps: each person's own, no part of the campaign, and gone in time."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from outreach.accounts import staff
from outreach.campaigns import definitions, lifecycle, step_drafts
from outreach.campaigns.step_drafts import DraftStep, StepDraft
from outreach.demo import people
from outreach.errors import InputError
from outreach.settings import ROOT
from tests.conftest import NOW

FIELDS = [("version", "x"), ("cell", "WBE|secondary"), ("cell", "COCOF|secondary"), ("letter", "Bonjour\r\n« à tous »")]


@pytest.fixture
def begun(sample_database):
    """A campaign's number, and those of two persons."""
    with sample_database.writing() as session:
        author, other = (staff.user_named(session, people.person_for(role).email) for role in ("author", "approver"))
        stated = definitions.ready_made(ROOT / "campaigns")["invitation-volet-1"]
        return lifecycle.create(session, stated, now=NOW, author=author).id, author.id, other.id


def test_a_draft_is_one_persons_and_the_last_one_typed(sample_database, begun):
    campaign, author, other = begun
    with sample_database.writing() as session:
        before = lifecycle.content_hash(lifecycle.campaign_numbered(session, campaign))
        for fields in ([("letter", "Avant")], FIELDS):
            step_drafts.keep(
                session, lifecycle.campaign_numbered(session, campaign), author, DraftStep.LETTER, fields, now=NOW
            )
    with sample_database.reading() as session:
        draft = step_drafts.draft_of(session, campaign, author, DraftStep.LETTER)
        assert (draft.pairs, draft.typed_at) == (FIELDS, NOW)
        assert step_drafts.draft_of(session, campaign, other, DraftStep.LETTER) is None
        assert step_drafts.draft_of(session, campaign, author, DraftStep.DATES) is None
        assert lifecycle.content_hash(lifecycle.campaign_numbered(session, campaign)) == before


@pytest.mark.parametrize(
    ("arrived", "kept"),
    [(timedelta(milliseconds=-5), "A button's"), (timedelta(), "Typed"), (timedelta(hours=-1), "Typed")],
    ids=["overtaken", "at the same instant", "the clock was set back"],
)
def test_what_was_typed_before_a_button_was_pressed_does_not_come_back_after_it(sample_database, begun, arrived, kept):
    campaign, author, _ = begun
    with sample_database.writing() as session:
        for letter, at in (("A button's", NOW), ("Typed", NOW + arrived)):
            step_drafts.keep(
                session,
                lifecycle.campaign_numbered(session, campaign),
                author,
                DraftStep.LETTER,
                [("letter", letter)],
                now=at,
            )
    with sample_database.reading() as session:
        assert step_drafts.draft_of(session, campaign, author, DraftStep.LETTER).pairs == [("letter", kept)]


def test_a_draft_has_a_size(sample_database, begun):
    campaign, author, _ = begun
    with pytest.raises(InputError, match="trop long"), sample_database.writing() as session:
        step_drafts.keep(
            session,
            lifecycle.campaign_numbered(session, campaign),
            author,
            DraftStep.LETTER,
            [("letter", "é" * step_drafts.MOST_BYTES)],
            now=NOW,
        )
    with sample_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(StepDraft)) == 0
