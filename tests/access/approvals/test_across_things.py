"""Things of several kinds at once: each awaits, is told and is decided about by itself, by one rule."""

from functools import partial

import pytest
from sqlalchemy import select

from outreach.access.approvals import (
    Decision,
    DecisionKind,
    Extent,
    Thing,
    awaiting_approval,
    may_decide,
    record_decision,
)
from outreach.campaigns import correspondence, planning
from outreach.campaigns.correspondence import TextUse
from outreach.core import audit
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.reports import notes
from outreach.reports.notes import _freezing as freezing
from tests.campaigns.conftest import APPROVER, AUTHOR, add_colleague, draft, move, people, strand
from tests.conftest import NOW
from tests.reports.notes.conftest import approve, freeze, gathered
from tests.staff.notifications.test_notices import begun, choose, tell

__all__ = ["approve", "begun", "choose", "freeze", "gathered", "people", "strand"]
TEXT = f"Bonjour,\n\n{correspondence.SCHOOLS}\n"


def awaiting(database, person):
    with database.reading() as session:
        found = session.scalars(awaiting_approval(person)).all()
        return {thing: [one.title for one in found if one.thing is thing] for thing in {one.thing for one in found}}


def write(database, words=TEXT, actor=AUTHOR):
    with database.writing() as session:
        correspondence.write_template(session, TextUse.JOINED, words, now=NOW, actor=actor)


def test_a_note_and_a_campaign_of_one_person_await_another_and_are_decided_apart(
    database, begun, freeze, approve, gathered
):
    number, note = draft(database), freeze()
    assert number == note, "the same key, so that only the kind of thing tells them apart"
    move(database, number, planning.submit_campaign)
    title = gathered.content.title
    both = {Thing.NOTE: [title], Thing.CAMPAIGN: ["Invitation au premier volet"]}
    assert (awaiting(database, APPROVER), awaiting(database, AUTHOR)) == (both, {})
    approve(note)
    assert awaiting(database, APPROVER) == {Thing.CAMPAIGN: ["Invitation au premier volet"]}
    move(database, number, planning.send_back, actor=APPROVER)
    assert awaiting(database, APPROVER) == {}
    with database.reading() as session:
        assert notes.get_note_by_key(session, note).approval.number == "2021-001"
        approvals = session.scalars(select(Decision.subject).where(Decision.kind == DecisionKind.APPROVED)).all()
    assert approvals == [f"note:{note}"]


def test_a_hand_in_one_thing_is_none_in_another(database, begun, freeze):
    claire = add_colleague(database, "claire", RoleName.APPROVER, RoleName.AUTHOR)
    number, note = draft(database), freeze(actor=claire)
    with database.reading() as session:
        of_note = freezing.content_of(notes.get_note_by_key(session, note)).subject
        of_campaign = Thing.CAMPAIGN.subject(number)
        may = [may_decide(session, claire, subject) for subject in (of_note, of_campaign)]
    assert may == [False, True]


def test_notes_tell_their_approvers_then_their_author(database, begun, freeze, approve, gathered):
    title, first, second = gathered.content.title, freeze(), freeze()
    to, subject, text = tell(database)[0]
    assert (to, subject) == (APPROVER, "2 nouvelles du service")
    assert f"Nadia Lambert demande votre validation de la note « {title} »." in text
    assert f"https://courriel.example/notes/{first}" in text
    approve(first)
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (AUTHOR, f"{title} : note, validée")
    assert "est validée par Marc Dethier." in text
    with database.writing() as session:
        notes.refuse_note(session, second, "Le jour est faux.", now=NOW, actor=APPROVER)
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (AUTHOR, f"{title} : note, refusée")
    assert "est refusée par Marc Dethier : Le jour est faux." in text
    assert tell(database) == []


def test_a_text_tells_its_approver_then_its_author_and_a_newer_version_is_another_request(database, begun):
    write(database)
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (APPROVER, "Adhésion confirmée : version du texte, validation demandée")
    assert "https://courriel.example/responses/texts/joined" in text
    write(database, TEXT + "Deux")
    ((to, _, _),) = tell(database)
    assert to == APPROVER
    with database.writing() as session:
        held = correspondence.current_template(session, TextUse.JOINED)
        correspondence.approve_template(session, TextUse.JOINED, held.row.id, now=NOW, actor=APPROVER)
    ((to, subject, text),) = tell(database)
    assert (to, subject) == (AUTHOR, "Adhésion confirmée : version du texte, validée")
    assert "La version du texte « Adhésion confirmée » est validée par Marc Dethier." in text


def test_a_version_that_another_one_replaced_is_not_approved_any_more(database, begun):
    write(database)
    with database.reading() as session:
        older = correspondence.content_of(correspondence.current_template(session, TextUse.JOINED).row)
    write(database, TEXT + "Deux")
    with database.writing() as session, pytest.raises(Refused, match="Nadia Lambert a retiré la version du texte"):
        record_decision(session, older, DecisionKind.APPROVED, now=NOW, actor=APPROVER)
    assert awaiting(database, APPROVER) == {Thing.TEXT: ["Adhésion confirmée"]}


def test_the_audit_says_each_decision_in_the_words_of_its_thing(database, begun, freeze, approve, gathered):
    number, first, second = draft(database), freeze(), freeze()
    write(database)
    write(database, TEXT + "Deux")
    with database.writing() as session:
        version = correspondence.current_template(session, TextUse.JOINED).row.id
        correspondence.approve_template(session, TextUse.JOINED, version, now=NOW, actor=APPROVER)
        notes.refuse_note(session, second, "Le jour est faux.", now=NOW, actor=APPROVER)
    approve(first)
    move(database, number, planning.submit_campaign)
    move(database, number, partial(planning.send_back, reason="Plus court"), actor=APPROVER)
    move(database, number, planning.revise_campaign, {"subject": "Autre ((fase_po))"})
    move(database, number, planning.submit_campaign)
    move(database, number, planning.approve_campaign, actor=APPROVER)
    move(database, number, partial(planning.confirm_extent, extent=Extent(3, 4)), actor=APPROVER)
    move(database, number, planning.cancel_campaign)
    held, text = "Campagne « Invitation au premier volet »", "Texte « Adhésion confirmée »"
    note = f"Note « {gathered.content.title} »"
    frozen = f"{note} figée, au 15 mai 2021 (code de contrôle {gathered.content.sha256()[:12]})."
    with database.reading() as session:
        subjects = (f"campaign:{number}", f"note:{first}", f"note:{second}", "texts")
        said = [[entry.sentence for entry in reversed(audit.entries_about(session, subject))] for subject in subjects]
    assert said == [
        [
            f"{held} créée.",
            f"{held} soumise à validation.",
            f"{held} renvoyée à la rédaction : Plus court.",
            f"{held} modifiée.",
            f"{held} soumise à validation.",
            f"{held} validée.",
            f"{held} validée pour le public tel qu’il est devenu.",
            f"{held} annulée.",
        ],
        [frozen, f"{note} validée sous le numéro 2021-001."],
        [frozen, f"{note} refusée : Le jour est faux."],
        [f"{text} : version 1 écrite.", f"{text} : version 2 écrite.", f"{text} : version 2 validée."],
    ]
