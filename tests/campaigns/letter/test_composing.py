"""Letters as they leave: their fields, their layout, and that nothing in a name means anything but itself."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from urllib.parse import unquote

import pytest
from sqlalchemy import insert, select, update

from outreach.adherence.models import AdherenceRecord, Status
from outreach.campaigns import planning
from outreach.campaigns.letter import Composer, LetterSnapshot, WrittenLetter, freeze_letter, shared_headers_of
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import campaign_numbered, content_hash, revise_campaign, send_back, submit_campaign
from outreach.core.settings import ROOT
from outreach.core.text.errors import InputError, NotFound
from outreach.delivery import bounces
from outreach.delivery.bounces import NoticeVerdict
from outreach.delivery.letters import Keys, TokenKind, wording_remarks
from outreach.delivery.models import Batch, Mailing, MessageClass
from outreach.delivery.outbox import due_in
from outreach.delivery.received import _readings as readings
from outreach.directory.models import Authority, School
from outreach.directory.reference import fold
from tests.campaigns.conftest import AUTHOR, DEADLINE, READING, SENDING, approved, draft, launch, settle
from tests.conftest import NOW
from tests.delivery.letters.linter import faults
from tests.factories import adherence_record

HOSTILE = "[clic](https://evil.test) <script>alert(1)</script>\n# Titre =cmd() {{7*7}} ((fase_po)) \u202eabc"

READY_MADE = planning.ready_made(ROOT / "campaigns")


def composed(database):
    """Every letter of the only mailing, as (message, wire)."""
    with database.reading() as session:
        mailing = session.scalars(select(Mailing)).one()
        later = datetime(2100, 1, 1, tzinfo=UTC)
        due = [one for batch in session.scalars(select(Batch.id)) for one in due_in(session, batch, now=later)]
        wires = [one.wire for one in Composer(SENDING, lambda: NOW)(session, mailing, due).values()]
    for wire in wires:
        assert faults(wire) == []
    return [(message_from_bytes(wire, policy=default), wire) for wire in wires]


def parts(message):
    return [part.get_content() for part in message.iter_parts()]


def test_each_authority_gets_its_own_schools_and_nobody_else_s(database, people, strand):
    made = settle(database, 3, schools=2)
    launch(database, approved(database))
    with database.reading() as session:
        names = {key: session.get_one(School, key).name for schools in made.values() for key in schools}
    letters = composed(database)
    assert len(letters) == 3
    for (message, _), (authority, schools) in zip(letters, made.items(), strict=True):
        text, html = parts(message)
        for key, name in names.items():
            assert (name in text) == (name in html) == (key in schools)
        assert f"FASE {9000 + authority}" in message["Subject"]
        assert "17\u00a0juin" not in text
        assert "14\u00a0juin\u00a02021" in text


def test_a_name_leaves_as_plain_text_whatever_it_holds(database, people, strand):
    settle(database, 1)
    with database.writing() as session:
        session.execute(update(Authority).values(name=HOSTILE, municipality=HOSTILE))
        session.execute(update(School).values(name=HOSTILE))
    launch(database, approved(database, subject="À ((nom_po))"))
    ((message, _),) = composed(database)
    text, html = parts(message)
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "[clic](https://evil.test)" in text
    assert 'href="https://evil.test' not in html
    assert "{{7*7}} ((fase_po)) abc" in text
    assert "\u202e" not in text + html + message["Subject"]
    assert message["Subject"].startswith("À [clic](https://evil.test) <script>")


def test_names_leave_in_display_case_or_as_a_person_corrected_them_in_the_order_of_pages(database, people, strand):
    ((_, schools),) = settle(database, 1, schools=3).items()
    with database.writing() as session:
        session.execute(update(Authority).values(name="ECOLES LIBRES DE LIEGE"))
        names = "INSTITUT SAINT-ELOI", "ECOLE SPECIALISEE", "Collège Saint-Éloi"
        for key, name in zip(schools, names, strict=True):
            session.execute(update(School).where(School.id == key).values(name=name, folded=fold(name)))
        session.execute(update(School).where(School.id == schools[2]).values(corrected_name="COLLÈGE"))
    launch(database, approved(database, subject="À ((nom_po))"))
    ((message, _),) = composed(database)
    text, html = parts(message)
    assert message["Subject"].startswith("À Écoles libres de Liège")
    for part in (text, html):
        places = [part.index(name) for name in ("COLLÈGE", "École spécialisée", "Institut Saint-Éloi")]
        assert places == sorted(places)


def test_a_long_table_lists_ten_and_says_how_many_more(database, people, strand):
    settle(database, 1, schools=60)
    launch(database, approved(database))
    ((message, wire),) = composed(database)
    text, html = parts(message)
    assert text.count("(FASE\u00a08") == html.count("École 0") == 10
    assert "et 50 autres" in text
    assert "et 50 autres" in html
    assert len(wire) < 100_000


def test_a_long_table_begins_as_the_answer_page_does_with_schools_that_have_no_answer(database, people, strand):
    ((_, schools),) = settle(database, 1, schools=11).items()
    with database.writing() as session:
        session.execute(
            insert(AdherenceRecord), adherence_record(schools[0], strand, NOW, status=Status.IN_PREPARATION)
        )
        session.execute(update(School).where(School.id == schools[5]).values(zone="Zzz"))
        one, moved = (session.get_one(School, schools[place]).display_name for place in (0, 5))
    launch(database, approved(database))
    ((message, _),) = composed(database)
    for part in parts(message):
        assert one not in part, "it stands where others are told of, at the end"
        assert part.index(moved) > max(part.index(f"École {number:05}") for number in (1, 2, 10))


@pytest.mark.one_example
@pytest.mark.parametrize("name", [name for name, one in READY_MADE.items() if "((boutons_réponse))" in one.letter])
def test_a_ready_made_letter_asks_with_its_deadline_then_lists_the_schools_then_has_its_buttons(
    database, people, strand, name
):
    settle(database, 1, schools=12)
    launch(database, approved(database, letter=READY_MADE[name].letter))
    ((message, _),) = composed(database)
    for part in parts(message):
        order = ["au plus tard le", "École 0", "?choice=in_preparation"]
        assert sorted(order, key=part.index) == order


def test_the_letter_can_be_made_again_to_the_byte_after_everything_has_changed(database, people, strand):
    settle(database, 1, schools=2)
    launch(database, approved(database))
    with database.reading() as session:
        mailing = session.scalars(select(Mailing)).one()
        (due,) = due_in(session, session.scalars(select(Batch.id)).one(), now=datetime(2100, 1, 1, tzinfo=UTC))
        compose = Composer(SENDING, lambda: NOW)
        first = compose(session, mailing, [due])[due.id]
    with database.writing() as session:
        session.execute(update(Authority).values(name="Autre nom"))
        session.execute(update(School).values(name="Autre école"))
    with database.reading() as session:
        mailing = session.scalars(select(Mailing)).one()
        again = compose(session, mailing, [due._replace(kept=first.content)])[due.id]
        anew = compose(session, mailing, [due])[due.id]
        renewed = Composer(replace(SENDING, keys=Keys([b"another key, of thirty-two bytes"])), lambda: NOW)
        resealed = renewed(session, mailing, [due._replace(kept=first.content)])[due.id]
    assert again.wire == resealed.wire == first.wire
    assert anew.wire != first.wire


def headers(database, sending=SENDING):
    """The header that says how to leave, of each letter by its identity, and its bytes."""
    with database.reading() as session:
        mailing = session.scalars(select(Mailing)).one()
        due = due_in(session, session.scalars(select(Batch.id)).one(), now=datetime(2100, 1, 1, tzinfo=UTC))
        wires = Composer(sending, lambda: NOW)(session, mailing, due)
    return {
        one.public_id: (message_from_bytes(wires[one.id].wire)["List-Unsubscribe"], wires[one.id].wire) for one in due
    }


def test_a_letter_offers_to_unsubscribe_by_mail_where_mail_is_read(database, people, strand):
    settle(database, 2)
    launch(database, approved(database), sending=READING)
    for identity, (header, wire) in headers(database, READING).items():
        assert faults(wire) == []
        link, address = header.split(", ")
        assert link.startswith("<https://courriel.example/u/")
        to, _, subject = address.removeprefix("<mailto:").removesuffix(">").partition("?subject=")
        token = re.fullmatch("u-(.{40})@courriel.example", to)[1]
        assert READING.keys.read(token, TokenKind.MAILTO).id == bytes.fromhex(identity)
        sent = f"From: po@adm.fwb.example\r\nTo: {to}\r\nSubject: {unquote(subject)}\r\n\r\n".encode()
        notice = bounces.read_notice(sent, READING.keys)
        assert (unquote(subject), notice.verdict) == ("Ne plus recevoir de courriels", NoticeVerdict.UNSUBSCRIPTION)
        assert notice.proved == bytes.fromhex(identity)


@pytest.mark.parametrize("address", ["reponses+@fwb.example", "reponses@fwb.example", ""])
def test_replies_go_to_the_mailbox_that_was_read_when_the_campaign_was_submitted(database, people, strand, address):
    settle(database, 2)
    with database.writing() as session:
        readings.note(session, address)
    submitted = approved(database)
    with database.writing() as session:
        readings.note(session, "autre@fwb.example")
    launch(database, submitted)
    with database.reading() as session:
        contact = session.get_one(Campaign, submitted).contact_email
    for identity, (_, wire) in headers(database).items():
        assert contact.encode() in wire, "the contact person is in the text"
        replied_to = message_from_bytes(wire, policy=default)["Reply-To"].addresses[0].addr_spec
        if "+" not in address:
            assert replied_to == (address or contact)
            continue
        mark = re.fullmatch(r"reponses\+(.{40})@fwb\.example", replied_to)[1]
        assert SENDING.keys.make(TokenKind.REPLY, bytes.fromhex(identity)) == mark
        assert SENDING.keys.read(mark, TokenKind.REPLY).id == bytes.fromhex(identity)
        assert faults(wire) == []


def test_what_was_submitted_with_another_mailbox_of_replies_is_something_else(database, people, strand):
    settle(database, 1)
    number, seen = draft(database), set()
    for address in ("", "reponses@fwb.example", "reponses+@fwb.example"):
        with database.writing() as session:
            readings.note(session, address)
            campaign = campaign_numbered(session, number)
            submit_campaign(session, campaign, now=NOW, actor=AUTHOR)
            seen.add(content_hash(campaign))
            send_back(session, campaign, now=NOW, actor=AUTHOR)
    assert len(seen) == 3


def test_how_to_unsubscribe_is_settled_at_launch(database, people, strand):
    settle(database, 1)
    launch(database, approved(database), sending=READING)
    assert headers(database, SENDING) == headers(database, READING)


def test_a_letter_launched_before_any_offered_it_stays_the_same_to_the_byte(database, people, strand):
    settle(database, 1)
    launch(database, approved(database))
    before = headers(database)
    with database.writing() as session:
        mailing = session.scalars(select(Mailing)).one()
        kept = json.loads(mailing.headers)
        assert [kept.pop(name) for name in ("mailto", "mailto_subject", "zone")] == ["", "", "Europe/Brussels"]
        assert kept.pop("is_marked") is False
        mailing.headers = json.dumps(kept)
    after = headers(database, READING)
    assert [header for header, _ in after.values()] == [header for header, _ in before.values()]
    assert [message_from_bytes(wire)["Date"][-5:] for _, wire in after.values()] == ["+0000"]
    assert all("mailto" not in header for header, _ in after.values())


def test_a_mandatory_letter_offers_no_unsubscribing_by_mail(database, people, strand):
    settle(database, 1)
    launch(database, approved(database, message_class=MessageClass.STATUTORY), sending=READING)
    assert [header for header, _ in headers(database, READING).values()] == [None]
    with database.reading() as session:
        assert json.loads(session.scalars(select(Mailing.headers)).one())["mailto"] == ""


def _fields(due):
    return {name: getattr(due, name) for name in due.__slots__}


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        ("Bonjour\n\n((nom_pó))", "Ligne 3 : le champ ((nom_pó)) n’existe pas. Vouliez-vous écrire ((nom_po)) ?"),
        ("((jeton_désinscription))", "n’existe pas"),
        ("a\x00b", "Ligne 1"),
        ("a\n\ue000", "Ligne 2"),
        ("", "pas d’objet ou pas de texte"),
        ("x" * 70_000, "64 ko"),
        ("[" * 2001, "Trop de crochets"),
    ],
)
def test_a_letter_that_cannot_be_read_is_refused_with_its_line(database, people, strand, letter, words):
    with pytest.raises(InputError) as refusal:
        draft(database, letter=letter)
    assert words in str(refusal.value)
    number = draft(database)
    with database.writing() as session, pytest.raises(InputError) as refusal:
        revise_campaign(session, campaign_numbered(session, number), {"letter": letter}, now=NOW, actor=AUTHOR)
    assert words in str(refusal.value)


def test_every_ready_made_campaign_makes_a_letter(database, people, strand):
    settle(database, 1)
    files = sorted((ROOT / "campaigns").glob("*.md"))
    assert files
    for path in files:
        planning.get_definition(path.stem, ROOT / "campaigns")
    launch(database, approved(database))
    ((message, _),) = composed(database)
    text, html = parts(message)
    assert "\u202f!important" not in html
    said = ("Nadia Lambert", "Boulevard Léopold II 44", "FASE\u00a09001", "7831")
    for expected in (*said, "https://courriel.example/u/", "https://courriel.example/data-protection"):
        assert expected in text
        assert expected in html
    assert " :" not in text.replace("\u00a0:", "")


def test_the_contact_s_number_is_a_link_where_it_is_a_number(database, people, strand):
    settle(database, 1)
    for phone, shown in {
        "02 690 81 23": '<a href="tel:+3226908123" style="color:#303675">02\u00a0690\u00a081\u00a023</a>.',
        "poste 12": ", poste\u00a012.",
    }.items():
        with database.reading() as session:
            campaign = campaign_numbered(session, draft(database, title=phone))
            written = replace(WrittenLetter.of(session, campaign), contact_phone=phone)
        assert shown in freeze_letter(written, SENDING, DEADLINE, is_reminder=False).draft.html


def test_a_ready_made_subject_begins_with_the_act_and_ends_with_the_authority(database, people, strand):
    for schools in (1, 12):
        settle(database, 1, schools=schools)
    launch(database, approved(database))
    subjects = sorted(re.sub(r"\s", " ", message["Subject"]) for message, _ in composed(database))
    assert subjects == [
        f"À répondre pour le 14 juin : {words}, volet 1 – FASE {fase}"
        for words, fase in (("1 école", 9001), ("12 écoles", 9002))
    ]
    for ready in planning.ready_made(ROOT / "campaigns").values():
        assert ready.subject.startswith(("À répondre pour le ((", "À vérifier pour le (("))
        assert ready.subject.endswith(" – FASE ((fase_po))")
        assert ready.sender.name.startswith("Fédération Wallonie-Bruxelles – ")
        assert [remark.text for remark in wording_remarks(ready.subject, "x") if not remark.line] == []


SEEN_FIRST = "((écoles_restantes)) école(% if plusieurs_écoles %)s(% endif %) de ((nom_po)) & vous"


def test_a_preheader_is_filled_for_each_recipient_hidden_in_the_letter_and_kept_with_it(database, people, strand):
    settle(database, 1, schools=2)
    launch(database, approved(database, preheader=SEEN_FIRST))
    ((message, _),) = composed(database)
    text, html = parts(message)
    hidden = re.search(r'<body[^>]*>\s*<div style="display:none;[^"]*">([^<]*)</div>', html)
    assert hidden[1] == "2\u00a0écoles de PO 0 &amp; vous"
    assert "& vous" not in text
    with database.reading() as session:
        kept = LetterSnapshot.from_json(session.scalars(select(Mailing.letter)).one())
    assert kept.draft.preheader.endswith(" & vous")
    assert LetterSnapshot.from_json(kept.to_json()) == kept


def test_footers_lead_to_the_circular_and_to_the_official_page_where_they_are_named(database, people, strand):
    circular, page = "https://circulaires.example/7831", "https://www.example/courriels"
    with database.reading() as session:
        plain = WrittenLetter.of(session, campaign_numbered(session, draft(database)))
    named = freeze_letter(
        replace(plain, circular_url=circular), replace(SENDING, official_page=page), DEADLINE, is_reminder=False
    )
    for address in (circular, page):
        assert f'<a href="{address}" style="color:#303675;overflow-wrap:anywhere">{address}</a>' in named.draft.html
        assert f":\n{address}\n" in named.draft.text
    assert named.links == {}, "the pages to verify a letter by are not counted"
    bare = freeze_letter(plain, SENDING, DEADLINE, is_reminder=False).draft
    assert "circulaires" not in bare.html + bare.text
    assert "officielle" not in bare.html + bare.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"preheader": "((nom_pot))"}, "Texte d’aperçu : "),
        ({"preheader": "((tableau_écoles))"}, "Texte d’aperçu : il ne peut pas contenir ((tableau_écoles))"),
        ({"circular_url": "javascript:alert(1)"}, "Adresse de la circulaire : lien refusé"),
        ({"circular_url": "https://fwb.be@evil.example"}, "Adresse de la circulaire : lien refusé"),
    ],
)
def test_a_preheader_or_a_circular_that_no_letter_can_hold_is_refused(database, people, strand, changes, words):
    with pytest.raises(InputError, match=re.escape(words)):
        draft(database, **changes)


def test_all_letters_of_a_class_name_the_same_list(database, people, strand):
    with database.reading() as session:
        written = WrittenLetter.of(session, campaign_numbered(session, draft(database)))
    others = replace(written, campaign_id=2), replace(written, message_class=MessageClass.STATUTORY)
    named = [shared_headers_of(each, SENDING, f"v{place}").list_id for place, each in enumerate((written, *others))]
    assert named[0] == named[1] == "Sensibilisation des pouvoirs organisateurs <sensibilisation.courriel.example>"
    assert named[2] == "Communications aux pouvoirs organisateurs <communications.courriel.example>"


READY = (ROOT / "campaigns" / "invitation-volet-1.md").read_text(encoding="utf-8")


def test_a_word_that_spreadsheets_leave_for_nothing_says_nothing(database, people, strand):
    settle(database, 1)
    letter = '((commune|défaut("Madame, Monsieur")))(% if commune %) vous(% endif %),'
    launch(database, approved(database, letter=letter))
    for nothing in ("null", "None", "N/A", "n/a", "0", "", "  ", "-", "NULL"):
        with database.writing() as session:
            session.execute(update(Authority).values(municipality=nothing))
        ((message, _),) = composed(database)
        assert parts(message)[0].startswith("Madame, Monsieur,"), nothing


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("Bonjour", "deux lignes"),
        ("+++\ntitle = \n+++\nx", "TOML"),
        ('+++\ntitle = "x"\n+++\nx', "il manque"),
        ("+++\nfoo = 1\n+++\nx", "refusée"),
        ("+++\nfoo = " + "[" * 5_000 + "\n+++\nx", "TOML"),
        (READY.replace('title = "', 'title = "a\\u0000b'), "title : Le texte contient un caractère interdit."),
        (READY.replace('[sender]\nname = "', '[sender]\nname = "a\\r\\nBcc: x@y.be'), "sender.name : Le texte"),
        (READY.replace("[sender]", '[contact]\nemail = "a@ecole.be\\r\\nBcc: x@y.be"\n[sender]'), "contact.email : "),
        (READY.replace("[sender]", '[contact]\nphone = "\\u202e"\n[sender]'), "contact.phone : "),
    ],
)
def test_a_definition_that_cannot_be_read_is_refused_in_a_sentence(tmp_path, content, words):
    (tmp_path / "x.md").write_text(content)
    with pytest.raises(InputError, match=words):
        planning.get_definition(str(tmp_path / "x.md"), tmp_path)


def test_an_unknown_definition_names_those_that_exist():
    with pytest.raises(NotFound, match="invitation-volet-1"):
        planning.get_definition("../../etc/passwd", ROOT / "campaigns")
