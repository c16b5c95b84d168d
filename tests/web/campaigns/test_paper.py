"""The page of a campaign's letters on paper: prepared and fetched as jobs, posted, returned."""

import io
import zipfile

import pytest
from sqlalchemy import select

from outreach.campaigns import channels, evidence
from outreach.campaigns.evidence import EscalationStep, ReachChannel, StepReason, StepState
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign, PaperLetter, Wave
from outreach.delivery.models import Message
from outreach.directory.models import Authority
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.needed import words_of_pdf
from tests.pages import form_of, text_of

PAGE = "/campaigns/1/paper"


def due_step(session):
    letter = session.scalars(select(Message).where(Message.reason.is_(None)).order_by(Message.id)).first()
    of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
    fields = {"rung": 1, "channel": ReachChannel.PAPER, "reason": StepReason.SILENT}
    session.scalars(select(Campaign)).first().ladder = "paper:5:failed"
    return evidence.open_step(session, **of, **fields, now=NOW, actor=AUTHOR)


@pytest.fixture
def printed(launched_sample, standing):
    """A batch of one letter; the FASE number of its authority."""
    with launched_sample.writing() as session:
        step = due_step(session)
        wave = session.scalars(select(Wave).where(Wave.mailing_id == step.mailing_id)).one()
        sending = SenderIdentity.of(standing.settings)
        channels.make_batch(session, wave.campaign, wave, sending, sheet=True, now=NOW, actor=AUTHOR)
        return session.get_one(Authority, step.authority_id).fase


def test_what_is_due_is_shown_and_prepared_by_a_job(author, launched_sample):
    with launched_sample.writing() as session:
        due_step(session)
    page = author.get(PAGE)
    assert "1 lettre est due" in text_of(page.text)
    assert '<strong aria-current="page">Papier</strong>' in page.text
    response = author.post(PAGE, data=form_of(page, PAGE))
    assert "/jobs/" in response.location


def test_files_are_asked_for_as_a_job(author, printed):
    page = author.get(PAGE)
    assert "1 lettre à poster" in text_of(page.text)
    assert "/jobs/" in author.post(f"{PAGE}/1/files", data=form_of(page, f"{PAGE}/1/files")).location


@pytest.mark.long
def test_letters_are_posted_and_one_comes_back(author, printed, launched_sample):
    form = form_of(author.get(PAGE), f"{PAGE}/1/posting")
    assert author.post(f"{PAGE}/1/posting", data={**form, "day": "1999-01-01"}).status_code == 422
    assert author.post(f"{PAGE}/1/posting", data=form).status_code == 302
    page = author.get(PAGE)
    assert "posté" in text_of(page.text)
    back = form_of(page, f"{PAGE}/1/returns")
    assert author.post(f"{PAGE}/1/returns", data={**back, "numbers": "1"}).status_code == 422
    assert author.post(f"{PAGE}/1/returns", data={**back, "numbers": "x"}).status_code == 422
    assert author.post(f"{PAGE}/1/returns", data={**back, "numbers": f"{printed}"}).status_code == 302
    assert "NPAI" in text_of(author.get(f"/directory/postal?state=returned&q={printed}").text)
    with launched_sample.reading() as session:
        assert session.scalars(select(EscalationStep.reason)).one() == StepReason.RETURNED


@pytest.mark.long
def test_a_letter_that_is_printed_and_stopped_is_to_be_taken_out_before_posting(author, printed, launched_sample):
    with launched_sample.writing() as session:
        first = session.scalars(select(EscalationStep)).one()
        other = session.scalars(select(Message).where(Message.authority_id != first.authority_id).limit(1)).one()
        of = {"mailing_id": first.mailing_id, "authority_id": other.authority_id, "message_id": other.id}
        fields = {"rung": 1, "channel": ReachChannel.PAPER, "reason": StepReason.REFUSED}
        second = evidence.open_step(session, **of, **fields, now=NOW, actor=AUTHOR)
        evidence.move_step(session, second, StepState.PRINTED, now=NOW, actor=AUTHOR)
        letter = session.scalars(select(PaperLetter)).one()
        same = {name: getattr(letter, name) for name in ("street", "house_number", "box", "postcode", "locality")}
        fields = {"batch_id": letter.batch_id, "place": 2, "recipient": "PO deux", "school_keys": letter.school_keys}
        session.add(PaperLetter(step_id=second.id, **fields, **same))
        evidence.move_step(session, first, StepState.STOPPED, now=NOW, actor=AUTHOR, reason=StepReason.ANSWERED)
    assert f"(FASE {printed}, a répondu)" in text_of(author.get(PAGE).text)
    assert author.post(f"{PAGE}/1/posting", data=form_of(author.get(PAGE), f"{PAGE}/1/posting")).status_code == 302
    with launched_sample.reading() as session:
        assert sorted(session.scalars(select(EscalationStep.state))) == [StepState.STOPPED, StepState.TRIED]


def test_the_window_is_checked_by_a_page_of_its_own(author):
    saved = author.get("/campaigns/paper/window.pdf")
    assert saved.data.startswith(b"%PDF")


@pytest.mark.long
def test_an_archive_holds_letters_list_and_cover(printed, launched_sample, standing):
    from outreach.campaigns.channels import files_of
    from outreach.campaigns.models import PaperBatch

    with launched_sample.reading() as session:
        batch = session.scalars(select(PaperBatch)).one()
        made = files_of(session, batch, SenderIdentity.of(standing.settings), now=NOW, author="Nadia")
    names = zipfile.ZipFile(io.BytesIO(made.archive())).namelist()
    assert names == ["lettres-1.pdf", "liste.csv", "liste.xlsx", "bordereau.pdf"]


@pytest.mark.long
def test_the_letter_is_read_on_paper_before_it_is_approved(author, launched_sample):
    with launched_sample.writing() as session:
        campaign = session.scalars(select(Campaign)).first()
        campaign.ladder = "paper:5:failed"
        campaign.letter += "\n\n(% if sur_papier %)\nAvec une enveloppe.\n(% else %)\nSans papier.\n(% endif %)"
    assert "Lire la lettre sur papier" in text_of(author.get("/campaigns/1/check").text)
    saved = author.get("/campaigns/1/letter/paper.pdf").data
    text = words_of_pdf(saved)
    assert "Avec une enveloppe." in text
    assert "Sans papier." not in text
    assert "/r/0000-0000" in text
