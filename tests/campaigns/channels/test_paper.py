import json
import re
import subprocess
import threading
from datetime import datetime, time, timedelta
from html import unescape

import pytest
import zxingcpp
from sqlalchemy import select, update

from outreach.adherence import records
from outreach.adherence.models import Status, Word
from outreach.campaigns import waves
from outreach.campaigns.channels import _paper as paper
from outreach.campaigns.channels import _paper_files as paper_files
from outreach.campaigns.channels import _paper_letters as paper_letters
from outreach.campaigns.evidence import EscalationStep, StepReason, StepState
from outreach.campaigns.letter import for_paper
from outreach.campaigns.models import PaperLetter
from outreach.core.site import Letterhead
from outreach.core.site import _letterhead as letterhead
from outreach.core.text import french
from outreach.core.text.dates import BRUSSELS
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import outbox
from outreach.delivery.letters import Keys, read_code
from outreach.delivery.models import Message, SuppressionReason
from outreach.directory import postal
from outreach.directory.models import Authority, Contact, School
from outreach.engagement import replies
from outreach.engagement.replies import Answer, Given
from outreach.operations.retention import RULES, forget_by_rule
from tests import factories
from tests.campaigns.channels.conftest import LONG_NAME, campaign_of, paper_campaign
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.needed import words_of_pdf
from tests.operations.retention.test_archives import archives
from tests.pictures import png

__all__ = ["archives"]
WINDOW = (105.0, 45.0, 90.0, 40.0)
POINT = 72 / 25.4
BOX = re.compile(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</word>')


def words_of(blocks):
    """The words of blocks, in order, without where links lead."""
    said = []
    for block in blocks:
        said += [piece["text"] for piece in block.get("pieces", ()) if not piece.get("target")]
        said += [cell for row in (block.get("head", []), *block.get("rows", [])) for cell in row]
    return " ".join(" ".join(said).split())


def made_batch(database, number, *, sheet=False):
    with database.writing() as session:
        campaign = campaign_of(session, number)
        (wave,) = paper.waves_of(campaign)
        made = paper.make_batch(session, campaign, wave, SENDING, sheet=sheet, now=NOW, actor=AUTHOR)
        return made.batch.id if made.batch else None, [one.fase for one in made.unfit]


def files_made(database, number, batch, *, now=NOW):
    with database.reading() as session:
        found = paper.batch_of(session, campaign_of(session, number), batch)
        return paper_files.files_of(session, found, SENDING, now=now, author="Nadia Lambert")


def states(database):
    with database.reading() as session:
        return [
            (step.state, step.reason) for step in session.scalars(select(EscalationStep).order_by(EscalationStep.id))
        ]


@pytest.fixture(scope="module")
def printed_pages(tmp_path_factory):
    return tmp_path_factory.mktemp("paper")


def pages_of(path):
    """The words of each page, with where they stand, in points."""
    text = words_of_pdf(path.read_bytes(), "-bbox")
    return [
        [(*map(float, found[:4]), unescape(found[4])) for found in BOX.findall(page)]
        for page in text.split("<page ")[1:]
    ]


def plain(text):
    return re.sub(r"\W+", " ", text.replace("\u00ad", "")).split()


def test_a_batch_prints_what_is_due_by_postal_code_and_its_code_leads_to_the_right_authority(unreached, tmp_path):
    database, number = unreached
    batch = made_batch(database, number)[0]
    assert states(database) == [(StepState.PRINTED, None)] * 3
    made = files_made(database, number, batch)
    assert (made.letters, made.parts) == (3, ["lettres-1.pdf"])
    (tmp_path / "l.pdf").write_bytes(made.contents["lettres-1.pdf"])
    pages = pages_of(tmp_path / "l.pdf")
    with database.reading() as session:
        letters = session.scalars(select(PaperLetter).order_by(PaperLetter.place)).all()
        assert [letter.postcode for letter in letters] == ["4998", "4999", "5000"]
        firsts = [place for place, page in enumerate(pages) if any(w[4] == "7" and _in_window(w) for w in page)]
        assert len(firsts) == len(letters)
        assert all(place % 2 == 0 for place in firsts), "each letter begins on a right-hand page"
        subprocess.run(["pdftoppm", "-r", "120", "-gray", tmp_path / "l.pdf", tmp_path / "p"], check=True)
        read = {}
        for place, image in enumerate(sorted(tmp_path.glob("p-*.pgm"))):
            for found in zxingcpp.read_barcodes(_pixels(image)):
                read[max(first for first in firsts if first <= place)] = found.text
        assert len(read) == len(letters)
        for letter, first in zip(letters, firsts, strict=True):
            code = read_code(read[first].rpartition("/")[2])
            assert read[first] == f"{SENDING.address}/r/{code}"
            step = session.get_one(EscalationStep, letter.step_id)
            assert paper.find_code(session, SENDING.keys, code).message.authority_id == step.authority_id


@pytest.mark.long
def test_the_address_lies_in_the_window_alone_and_fonts_are_embedded(unreached, tmp_path):
    database, number = unreached
    made = files_made(database, number, made_batch(database, number)[0])
    (tmp_path / "l.pdf").write_bytes(made.contents["lettres-1.pdf"])
    fonts = subprocess.run(["pdffonts", tmp_path / "l.pdf"], capture_output=True, check=True).stdout.decode()
    rows = fonts.splitlines()[2:]
    assert rows
    assert all(" yes yes " in row for row in rows)
    assert b"pdfaid:part" in made.contents["lettres-1.pdf"]
    firsts = [page for page in pages_of(tmp_path / "l.pdf") if any(w[4] == "Namur" and _in_window(w) for w in page)]
    assert len(firsts) == 3
    for page in firsts:
        assert [word[4] for word in page if word[3] < 20 * POINT] == [], "no reference of the letter before"
        inside = [word for word in page if _in_window(word)]
        assert " ".join(word[4] for word in inside[-7:-2]) == "Rue Haute 7 bte 3"
        assert (len(inside[-2][4]), inside[-1][4]) == (4, "Namur")
        touching = [word for word in page if _touches_window(word) and not _in_window(word)]
        assert touching == []
        assert all(word[2] <= (210 - 15) * POINT for word in inside)
    longest = " ".join(word[4] for word in firsts[0] if _in_window(word))
    assert plain(longest)[: len(plain(LONG_NAME))] == plain(LONG_NAME)


def test_the_words_are_the_mail_s_but_for_buttons_footer_and_where_links_lead(unreached):
    database, number = unreached
    batch = made_batch(database, number)[0]
    with database.reading() as session:
        found = paper.batch_of(session, campaign_of(session, number), batch)
        letters = paper.letters_of(session, found)
        for sheet in paper_letters.sheets_of(session, found, letters, SENDING, now=NOW):
            on_paper = plain(words_of(sheet.document["blocks"]))
            message = session.get_one(Message, session.get_one(EscalationStep, sheet.letter.step_id).message_id)
            mail = _mail_text(session, message, sheet.letter.schools)
            assert len(on_paper) > 60
            assert on_paper == list(mail)


@pytest.mark.long
def test_a_batch_made_again_is_the_same_to_the_byte_and_another_key_is_refused(unreached):
    database, number = unreached
    batch = made_batch(database, number, sheet=True)[0]
    once, again = files_made(database, number, batch), files_made(database, number, batch)
    assert once.contents["lettres-1.pdf"] == again.contents["lettres-1.pdf"]
    with database.reading() as session:
        letter = session.scalars(select(PaperLetter)).first()
        with pytest.raises(Refused, match="clé"):
            paper_letters.code_kept(letter, Keys((b"another key of thirty-two bytes.",)))
        rotated = Keys((b"another key of thirty-two bytes.", *SENDING.keys.keys))
        code = paper_letters.code_kept(letter, rotated)
        assert paper.find_code(session, rotated, code) is not None


@pytest.mark.long
def test_files_asked_for_later_are_those_that_were_posted_whatever_was_answered_since(unreached):
    """An answer, a joining known late for a day before, a name, a telephone: none of them was in the letter."""
    database, number = unreached
    batch = made_batch(database, number, sheet=True)[0]
    posted = files_made(database, number, batch)
    later = NOW + timedelta(days=5)
    with database.writing() as session:
        letter = session.scalars(select(PaperLetter).order_by(PaperLetter.place)).first()
        message = session.get_one(Message, session.get_one(EscalationStep, letter.step_id).message_id)
        question = replies.question_of(session, message, now=later)
        given = Given({school.id: Answer.JOINED for school in question.open()}, is_by_code=True)
        waves.receive_answer(session, message, given, SENDING, now=later, step=letter.step_id)
        late = {"status": Status.JOINED, "word": Word.CONFIRMED, "effective_on": NOW.date() - timedelta(days=9)}
        of = question.authority, question.programme, question.strand, question.open()[:1]
        records.record_adherence(session, *of, **late, now=later, today=later.date(), actor=AUTHOR, source="Liste")
        session.execute(update(School).values(corrected_name="École renommée"))
        campaign_of(session, number).contact_phone = "02 000 00 00"
    again = files_made(database, number, batch, now=later)
    assert again.contents["lettres-1.pdf"] == posted.contents["lettres-1.pdf"]
    assert again.contents["liste.csv"] == posted.contents["liste.csv"]


def test_letters_whose_words_were_not_kept_say_that_they_are_made_again_and_gone_ones_are_not_made(unreached):
    database, number = unreached
    batch = made_batch(database, number)[0]
    later = NOW + timedelta(days=5)
    with database.writing() as session:
        session.execute(update(PaperLetter).values(content=None))
    with database.reading() as session:
        found = paper.batch_of(session, campaign_of(session, number), batch)
        letters = paper.letters_of(session, found)
        told = [
            one.document["about"][:2] for one in paper_letters.sheets_of(session, found, letters, SENDING, now=later)
        ]
    day = french.spelt_day(NOW.date())
    assert told == [[day, french.typeset(f"Refaite le {french.day(later)}")]] * 3
    with database.writing() as session:
        session.execute(update(PaperLetter).values(content=""))
    with pytest.raises(Refused, match="n’est plus conservé"):
        files_made(database, number, batch)


@pytest.mark.long
def test_a_letter_without_a_telephone_says_nothing_of_who_has_no_internet(programmed, people):
    number = paper_campaign(programmed, (2,))
    batch = made_batch(programmed, number)[0]
    with programmed.writing() as session:
        found = paper.batch_of(session, campaign_of(session, number), batch)
        (letter,), told = paper.letters_of(session, found), []
        letter.content, found.has_sheet, ways = None, True, []  # made anew
        for phone in ("081 12 34 56", ""):
            found.campaign.contact_phone = phone
            (sheet,) = paper_letters.sheets_of(session, found, [letter], SENDING, now=NOW)
            told.append(sheet.document["otherwise"])
            ways.append(sheet.document["sheet"]["ways"])
        code = paper_letters.code_kept(letter, SENDING.keys)
    alone = f"Votre code : {code}."
    assert told == [french.typeset(f"Sans internet : 081 12 34 56. {alone}"), french.typeset(alone)]
    assert ways == ["Réponse par la poste ou par téléphone", "Réponse par la poste"]


def test_already_done_has_a_way_on_paper(programmed, people):
    text = "Madame, Monsieur,\n\n((tableau_écoles))\n\n((boutons_réponse))\n\nDéjà fait ? ((lien_déjà_fait))\n"
    number = paper_campaign(programmed, (2,), letter=text)
    batch = made_batch(programmed, number)[0]
    with programmed.reading() as session:
        found = paper.batch_of(session, campaign_of(session, number), batch)
        (sheet,) = paper_letters.sheets_of(session, found, paper.letters_of(session, found), SENDING, now=NOW)
    said = "".join(piece["text"] for block in sheet.document["blocks"] for piece in block.get("pieces", ()))
    assert "Dites-le-nous (par le code de cette lettre)" in said


@pytest.mark.long
def test_the_list_has_an_address_in_its_fields_and_the_cover_its_digest(unreached, tmp_path):
    database, number = unreached
    made = files_made(database, number, made_batch(database, number)[0])
    assert "Rue Haute,7,3,4998,Namur" in made.contents["liste.csv"].decode("utf-8-sig").replace(";", ",")
    said = words_of_pdf(made.contents["bordereau.pdf"])
    assert paper_files.digest_of([made.contents["lettres-1.pdf"]]) in "".join(said.split())
    assert "Nadia Lambert" in said


def test_an_unfit_address_fails_its_step_and_no_letter_is_made(unreached):
    database, number = unreached
    with database.writing() as session:
        po = session.scalars(select(Authority).order_by(Authority.id)).first()
        postal.came_back(session, po, on=NOW.date(), now=NOW, actor=AUTHOR)
        name = po.fase
    made = made_batch(database, number)
    assert made[1] == [name]
    assert (StepState.FAILED, StepReason.UNFIT_ADDRESS) in states(database)
    assert made_batch(database, number)[0] is None, "nothing is printed twice"


@pytest.mark.long
def test_letters_made_after_midnight_were_not_posted_the_day_before(unreached):
    database, number = unreached
    batch = made_batch(database, number)[0]
    with database.writing() as session:
        found = paper.batch_of(session, campaign_of(session, number), batch)
        found.made_at = datetime.combine(NOW.date(), time(0, 30), BRUSSELS)
        session.flush()
        session.refresh(found)
        with pytest.raises(InputError, match="entre leur impression"):
            before = NOW.date() - timedelta(days=1)
            paper.note_posted(session, found, on=before, today=NOW.date(), now=NOW, actor=AUTHOR)


def test_letters_are_posted_on_a_day_and_one_that_comes_back_marks_its_address(unreached):
    database, number = unreached
    batch = made_batch(database, number)[0]
    by, day = {"now": NOW, "actor": AUTHOR}, NOW.date()
    with database.writing() as session:
        found, po = paper.batch_of(session, campaign_of(session, number), batch), _first(session)
        with pytest.raises(InputError, match="postée"):
            paper.came_back(session, found, [po.fase], on=day, **by)
        with pytest.raises(InputError, match="jour"):
            paper.note_posted(session, found, on=day + timedelta(days=1), today=day, **by)
        assert paper.note_posted(session, found, on=day, today=day, **by) == 3
        with pytest.raises(Refused, match="déjà"):
            paper.note_posted(session, found, on=day, today=day, **by)
        assert paper.came_back(session, found, [po.fase], on=day, **by) == 1
        with pytest.raises(InputError, match="numéro FASE 1"):
            paper.came_back(session, found, [1], on=day, **by)
        assert not postal.held_of(session, po).is_fit
    assert states(database)[0] == (StepState.FAILED, StepReason.RETURNED)


@pytest.mark.long
def test_more_pages_than_a_part_may_have_begin_another_one(unreached, monkeypatch):
    database, number = unreached
    monkeypatch.setattr(paper_files, "MOST_PAGES", 2)
    made = files_made(database, number, made_batch(database, number)[0])
    assert len(made.parts) == 3
    assert made.letters == 3


def _first(session):
    return session.scalars(select(Authority).order_by(Authority.id)).first()


def _in_window(word):
    left, top, width, height = (length * POINT for length in WINDOW)
    return word[0] >= left and word[2] <= left + width and word[1] >= top and word[3] <= top + height


def _touches_window(word):
    left, top, width, height = (length * POINT for length in WINDOW)
    return word[2] > left and word[0] < left + width and word[3] > top and word[1] < top + height


def _pixels(path):
    import numpy as np

    content = path.read_bytes()
    width, height = map(int, content.split(b"\n", 2)[1].split())
    return np.frombuffer(content[-width * height :], dtype=np.uint8).reshape(height, width)


def _mail_text(session, message, schools):
    """The words of the mail's own part, as its text form says them: without buttons, notes of links, its footer."""
    html = for_paper(
        session, message_mailing(session, message), [paper_letters._due(message, _Listed(schools))], SENDING, now=NOW
    )[message.id][1]
    body = html.partition('<td class="page"')[2].partition('</td></tr>\n<tr><td class="foot"')[0]
    body = re.sub(r"<!--\[if mso\]>.*?<!\[endif\]-->", "", body, flags=re.DOTALL).partition(">")[2]
    body = re.sub(r"<!--\[if !mso\]><!-->.*?<!--<!\[endif\]-->\s*<p[^>]*>.*?</p>", " ", body, flags=re.DOTALL)
    return plain(unescape(re.sub(r"<[^>]+>", " ", body)))


class _Listed:
    def __init__(self, schools):
        self.schools = schools


def message_mailing(session, message):
    from outreach.delivery.models import Mailing

    return session.get_one(Mailing, message.mailing_id)


def test_a_step_is_judged_again_as_it_is_printed(unreached):
    database, number = unreached
    with database.writing() as session:
        letter = session.scalars(select(Message).order_by(Message.id)).first()
        outbox.suppress_address(session, "po@ecole.be", SuppressionReason.UNSUBSCRIBED, now=NOW, actor=AUTHOR)
        box = factories.contact("po@ecole.be", added_at=NOW)
        session.add(Contact(authority_id=letter.authority_id, **box))
    assert made_batch(database, number)[0] is not None
    assert states(database)[0] == (StepState.STOPPED, StepReason.UNSUBSCRIBED)


@pytest.mark.long
def test_letters_bear_the_letterhead_of_their_submission_above_all_else(programmed, people, tmp_path):
    """What holds later changes no letter; the window stays free, and the logo is there, however heavy for a mail."""
    heavy = png(160, 60, noisy=True)
    assert len(heavy) > letterhead.LARGEST_IN_LETTER
    lines = (
        "Ministère de la Fédération Wallonie-Bruxelles",
        "Administration générale",
        "1080 Bruxelles",
        "fwb.example",
    )
    with programmed.writing() as session:
        letterhead.change_letterhead(session, Letterhead(lines, heavy), now=NOW, actor=AUTHOR)
    number = paper_campaign(programmed, (2,))
    batch = made_batch(programmed, number)[0]
    first = files_made(programmed, number, batch).contents["lettres-1.pdf"]
    with programmed.writing() as session:
        letterhead.change_letterhead(session, Letterhead(("Autre en-tête",)), now=NOW, actor=AUTHOR)
    assert files_made(programmed, number, batch).contents["lettres-1.pdf"] == first
    (tmp_path / "l.pdf").write_bytes(first)
    page = pages_of(tmp_path / "l.pdf")[0]
    heads = [word for word in page if word[3] < 20 * POINT]
    assert plain(" ".join(word[4] for word in heads)) == plain(" ".join(lines))
    sender = min(word[1] for word in page if word not in heads)
    assert max(word[3] for word in heads) <= sender
    drawn = subprocess.run(["pdfimages", "-list", tmp_path / "l.pdf"], capture_output=True, check=True).stdout
    assert b" 160 " in drawn


def test_the_words_of_paper_go_into_an_archive_after_their_time_and_without_their_codes(unreached, archives):
    database, number = unreached
    batch = made_batch(database, number)[0]
    rule = next(rule for rule in RULES if rule.name == "paper_words")
    for days, gone in ((1000, 0), (1110, 3)):
        when = NOW + timedelta(days=days)
        assert forget_by_rule(database, rule, lambda at=when: at, threading.Event(), archives) == gone
    with database.reading() as session:
        assert set(session.scalars(select(PaperLetter.content))) == {""}
        letters = session.scalars(select(PaperLetter).order_by(PaperLetter.id)).all()
        typed = [paper_letters.code_kept(letter, SENDING.keys) for letter in letters]
    (kept,) = archives.folder.glob("paper_words-*.jsonl")
    lines = kept.read_text(encoding="utf-8")
    told = [json.loads(line) for line in lines.splitlines()]
    assert [one["letter"] for one in told] == [letter.id for letter in letters]
    assert all(words_of(one["content"]["blocks"]) for one in told)
    assert not [code for code in typed if code in lines]
    with pytest.raises(Refused, match="n’est plus conservé"):
        files_made(database, number, batch)
