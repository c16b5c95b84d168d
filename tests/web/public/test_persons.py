"""Only people answer: what a machine sends is no answer, and what a person sends is never lost."""

import re
import string
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from outreach.adherence.models import AdherenceRecord
from outreach.core.settings import Settings
from outreach.delivery import outbox
from outreach.delivery.letters import FormKind, Keys, TokenKind
from outreach.delivery.letters import _seen as seen
from outreach.delivery.models import Message, Reason, Suppression
from outreach.engagement import replies
from outreach.engagement.replies import Acknowledgement, FormState, Response, SentForm
from outreach.engagement.replies._models import Doubt, ResponseWithdrawal
from outreach.engagement.tracking import TrackingBasis
from tests.application import ASKED_AT
from tests.pages import actions, elements, form_of, links, text_of
from tests.web.test_responses import letters, wbe

__all__ = ["letters", "wbe"]
WAITS = (0, 4, 60, 600)
ALPHABET = string.ascii_letters + string.digits + "-_"  # of base64url


class Clock:
    """The application's clock, which stands still until it is moved."""

    def __init__(self, monkeypatch):
        self.moment = ASKED_AT
        monkeypatch.setattr(Settings, "instant", lambda _settings: self.moment)

    def wait(self, seconds):
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def raw(app):
    """A client that adds nothing to what it sends."""
    return FlaskClient(app, app.response_class)


def counted(database, *tables):
    with database.reading() as session:
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]


def waiting(database):
    with database.reading() as session:
        query = select(SentForm.kind, SentForm.doubt).where(SentForm.state == FormState.TO_VERIFY)
        return sorted(map(tuple, session.execute(query)))


def standing(database):
    with database.reading() as session:
        query = select(Response.answer).where(Response.stands()).order_by(Response.id)
        return [answer.value for answer in session.scalars(query)]


def of_page(raw, address, **filled):
    """The form of a page as it opens, with what a person fills in."""
    page = raw.get(address)
    which = "answer" if address.startswith("/a/") else None
    return {**form_of(page, which), **filled}


def unsubscribing(app, address):
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    return f"/u/{keys.make(TokenKind.UNSUBSCRIBE, keys.read(address.removeprefix('/a/'), TokenKind.ANSWER).id, 2)}"


def public_id(app, address):
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    return keys.read(address.removeprefix("/a/"), TokenKind.ANSWER).id.hex()


@pytest.mark.long
def test_a_post_without_its_page_records_nothing_stops_nothing_and_waits_to_be_verified(raw, wbe, sample_database):
    page = raw.post(wbe, data={"answer": "joined", "comment": "Bonjour"})
    assert "Un dernier geste" in page.text
    assert form_of(page, "answer").items() >= {"answer": "joined", "comment": "Bonjour"}.items(), "all typed is kept"
    assert counted(sample_database, Response, AdherenceRecord)[0] == 0
    assert waiting(sample_database) == [("answer", "no_page")]
    with sample_database.reading() as session:
        assert session.scalar(select(func.count()).where(Message.reason == Reason.ANSWERED)) == 0
        mailings = set(session.scalars(select(Message.mailing_id)))
        assert len(session.scalars(replies.to_verify(mailings)).all()) == 1
    raw.post(wbe, data={"answer": "joined", "comment": "Bonjour"})
    assert len(waiting(sample_database)) == 1, "the same again waits once"


@pytest.mark.long
def test_one_tap_confirms_and_settles_what_waited(raw, wbe, clock, sample_database):
    page = raw.post(wbe, data={"answer": "joined"})
    clock.wait(3)
    assert raw.post(wbe, data=form_of(page, "answer")).status_code == 303
    assert (standing(sample_database), waiting(sample_database)) == (["joined"], [])


@pytest.mark.long
@pytest.mark.parametrize(("seconds", "taken"), [(0, False), (1.9, False), (2, True), (86_400, True)])
def test_a_page_must_be_two_seconds_old_and_has_no_age_at_which_it_is_refused(
    raw, wbe, clock, sample_database, seconds, taken
):
    form = of_page(raw, wbe, answer="in_preparation")
    clock.wait(seconds)
    assert (raw.post(wbe, data=form).status_code == 303) is taken
    assert (standing(sample_database) == ["in_preparation"]) is taken


@pytest.mark.long
def test_a_seal_of_another_letter_link_or_form_or_of_a_retired_key_is_foreign(app, raw, letters, wbe, clock):
    other = next(address for address in letters.values() if address != wbe)
    settings = app.extensions["outreach.settings"]
    keys = Keys(settings.signing_keys)
    letter = keys.read(wbe.removeprefix("/a/"), TokenKind.ANSWER).id
    retired = Keys((b"r" * 32,))
    held = seen.Seen(FormKind.ANSWER, 0, ASKED_AT - timedelta(hours=1), b"n" * 16)
    made = [
        of_page(raw, other)["seen"],
        of_page(raw, unsubscribing(app, wbe))["seen"],
        seen.seal(keys, letter, seen.Seen(FormKind.ANSWER, 1, held.at, held.nonce)),
        seen.seal(retired, letter, held),
        "x",
    ]
    clock.wait(60)
    for seal in made:
        assert "Un dernier geste" in raw.post(wbe, data={"answer": "joined", "seen": seal}).text, seal
    assert raw.post(wbe, data={"answer": "joined", "seen": seen.seal(keys, letter, held)}).status_code == 303


def test_both_live_keys_hold():
    new, old = Keys((b"n" * 32, b"o" * 32)), Keys((b"o" * 32,))
    held = seen.Seen(FormKind.ANSWER, 3, ASKED_AT, b"n" * 16)
    assert seen.read_seal(new, b"12345678", seen.seal(old, b"12345678", held)) == held
    assert (
        seen.read_seal(Keys((b"x" * 32, b"n" * 32, b"o" * 32)), b"12345678", seen.seal(old, b"12345678", held)) is None
    )


@pytest.mark.long
def test_one_page_sends_one_form(raw, wbe, clock, sample_database):
    form = of_page(raw, wbe, answer="joined")
    clock.wait(5)
    for _ in range(2):
        assert raw.post(wbe, data=form).status_code == 303
        clock.wait(1)
    assert standing(sample_database) == ["joined"], "the same again is the same"
    assert "Un dernier geste" in raw.post(wbe, data={**form, "answer": "declined"}).text
    assert standing(sample_database) == [], "both wait"
    assert waiting(sample_database) == [("answer", "twice")] * 2
    with sample_database.reading() as session:
        assert (
            session.scalar(
                select(func.count()).where(
                    AdherenceRecord.stands(),
                    AdherenceRecord.word == "declared",
                    AdherenceRecord.recorded_at >= ASKED_AT,
                )
            )
            == 0
        )


@pytest.mark.long
def test_another_answer_from_the_same_page_much_later_is_asked_again_and_the_first_stands(
    raw, wbe, clock, sample_database
):
    form = of_page(raw, wbe, answer="joined")
    clock.wait(5)
    raw.post(wbe, data=form)
    clock.wait(11)
    page = raw.post(wbe, data={**form, "answer": "declined"})
    assert standing(sample_database) == ["joined"]
    clock.wait(5)
    raw.post(wbe, data=form_of(page, "answer"))
    assert standing(sample_database) == ["joined", "declined"], "the later holds, both are shown"


@pytest.mark.long
def test_an_answer_and_an_unsubscription_of_one_page_are_neither(app, raw, wbe, clock, sample_database):
    form = of_page(raw, wbe, answer="joined")
    clock.wait(5)
    raw.post(wbe, data=form)
    raw.post(unsubscribing(app, wbe), data={"why": "", "seen": form["seen"]})
    assert (standing(sample_database), counted(sample_database, Suppression)) == ([], [0])
    assert waiting(sample_database) == [("answer", "twice"), ("unsubscription", "twice")]


@pytest.mark.long
def test_one_client_that_answers_at_once_for_five_authorities_is_asked_and_a_slow_secretary_is_not(
    raw, letters, clock, sample_database
):
    five = list(letters.values())[:5]
    for pause, taken in ((6, 5), (4, 4)):
        before = len(standing(sample_database))
        for address in five:
            form = of_page(raw, address, answer="tender_launched", comment=f"{pause}")
            clock.wait(pause)
            raw.post(address, data=form)
        assert len(standing(sample_database)) - before == taken
        clock.wait(600)


def test_nothing_is_ticked_and_unsubscribing_asks_a_choice(app, raw, wbe, clock, sample_database):
    page = unsubscribing(app, wbe)
    form = of_page(raw, page)
    assert "why" not in form
    clock.wait(60)
    for filled in ({}, {"why": "keep"}, {"why": "mistake"}):
        raw.post(page, data={**form, **filled})
    assert counted(sample_database, Suppression, SentForm) == [0, 0]
    assert "C’est enregistré" in raw.post(page, data={**form, "why": ""}).text
    assert counted(sample_database, Suppression) == [1]


def test_one_click_is_taken_by_the_header_s_link_and_refused_by_that_of_the_text(app, raw, wbe, sample_database):
    keys, letter = Keys(app.extensions["outreach.settings"].signing_keys), wbe.removeprefix("/a/")
    identity = keys.read(letter, TokenKind.ANSWER).id
    for link, taken in ((2, 0), (1, 1)):
        raw.post(f"/u/{keys.make(TokenKind.UNSUBSCRIBE, identity, link)}", data={"List-Unsubscribe": "One-Click"})
        assert counted(sample_database, Suppression) == [taken], link


@pytest.mark.long
def test_having_read_alone_stops_no_reminder_and_with_a_word_it_does(raw, letters, clock, sample_database):
    alone, said = list(letters.values())[:2]
    for address, comment in ((alone, ""), (said, "Merci, lu.")):
        form = of_page(raw, address, answer="informed", comment=comment)
        clock.wait(60)
        raw.post(address, data=form)
    assert standing(sample_database) == ["informed", "informed"]
    assert counted(sample_database, Acknowledgement) == [1]
    with sample_database.reading() as session:
        query = select(Response.comment).where(Response.is_a_reaction())
        assert session.scalars(query).all() == ["Merci, lu."]


@pytest.mark.long
def test_who_did_not_answer_undoes_all_that_the_answer_did_and_nothing_else(client, raw, wbe, clock, sample_database):
    client.post(wbe, data={"answer": "help"})
    clock.wait(60)
    receipt = client.post(wbe, data={"answer": "joined"}, follow_redirects=True)
    (undo,) = [address for address, words in links(receipt, "/a/undo/") if words == "Ce n’est pas nous"]
    form = form_of(raw.get(undo))
    assert "whose" not in form
    address = undo.partition("?")[0]
    assert "Un dernier geste" in raw.post(address, data={**form, "whose": "not_ours"}).text, "too early"
    clock.wait(60)
    for whose in ("ours", "unknown"):
        assert "Rien n’est changé" in raw.post(address, data={**form, "whose": whose}).text
    assert standing(sample_database) == ["help", "joined"]
    undone = text_of(client.post(address, data={"answer": form["answer"], "whose": "not_ours"}))
    assert re.search(r"Votre réponse R-[0-9]+ est annulée", undone)
    assert "n’est pas enregistrée" in raw.get(undo).text
    assert standing(sample_database) == ["help"]
    assert counted(sample_database, ResponseWithdrawal) == [1]
    with sample_database.reading() as session:
        of_it = select(func.count()).where(AdherenceRecord.stands(), AdherenceRecord.recorded_at >= ASKED_AT)
        assert session.scalar(of_it) == 0


def test_an_agreement_to_be_measured_is_a_person_s(raw, wbe, clock, sample_database):
    address = wbe.replace("/a/", "/a/measure/")
    words = of_page(raw, wbe)["wording"]
    raw.post(address, data={"measure": "1", "wording": words})
    assert counted(sample_database, TrackingBasis) == [0]
    assert waiting(sample_database) == [("measure", "no_page")]


def test_staff_see_what_waits_in_a_tray_and_a_file_of_its_own(author, raw, wbe):
    raw.post(wbe, data={"answer": "joined"})
    page = author.get("/responses/to-verify")
    assert "À vérifier (1)" in text_of(page)
    assert "Nous adhérons envoyée sans que la page ait été ouverte" in text_of(page)
    assert "Nous adhérons" in author.get("/responses/to-verify/export.csv").text
    assert "En attente (0)" in text_of(author.get("/responses"))


def test_a_machine_on_a_page_that_was_answered_answers_nothing_again(
    author, client, raw, letters, clock, sample_database
):
    """Its forms hold no choice, also where the service has noted something else since."""
    address = list(letters.values())[1]
    client.post(address, data={"answer": "joined", "comment": "Oui."})
    clock.wait(60)
    client.post(address, data={"answer": "declined"})
    clock.wait(600)
    for behaviour in (each_form, backwards):
        for seconds in WAITS:
            assert sum(behaviour(raw, address, lambda seconds=seconds: clock.wait(seconds)))
    assert standing(sample_database) == ["joined", "declined"]


@pytest.mark.long
def test_the_first_choice_of_a_machine_closes_no_answer_that_waits_and_settles_nothing(
    client, raw, letters, clock, sample_database
):
    address = list(letters.values())[1]
    raw.post(address, data={"answer": "declined"})
    client.post(address, data={"answer": "joined"})
    assert waiting(sample_database) == [], "a person's answer settles what waited"
    raw.post(address, data={"answer": "declined"})
    clock.wait(60)
    for _ in first_radio(raw, address, lambda: clock.wait(60)):
        pass
    assert standing(sample_database)[:2] == ["joined", "informed"]
    assert ("answer", "no_page") in waiting(sample_database), "the reminder still tells of it"
    with sample_database.reading() as session:
        waits = session.scalars(select(Response.answer).where(Response.waits())).all()
        assert waits == ["joined"], "the service still has it to confirm"


@pytest.mark.long
def test_the_same_form_again_after_a_change_of_mind_is_asked(app, raw, wbe, clock, sample_database):
    """Nothing is recorded without a word, and nothing that was taken back comes again by itself."""
    form = of_page(raw, wbe, answer="joined")
    clock.wait(60)
    raw.post(wbe, data=form)
    clock.wait(60)
    other = of_page(raw, wbe, answer="declined")
    clock.wait(60)
    raw.post(wbe, data=other)
    page = raw.post(wbe, data=form)
    assert "Un dernier geste" in page.text
    assert standing(sample_database) == ["joined", "declined"]
    clock.wait(5)
    assert raw.post(wbe, data=form_of(page, "answer")).status_code == 303
    assert standing(sample_database) == ["joined", "declined", "joined"]
    leaving = unsubscribing(app, wbe)
    form = of_page(raw, leaving, why="")
    clock.wait(60)
    raw.post(leaving, data=form)
    again = leaving.replace("/u/", "/u/again/")
    back = {**form_of(raw.get(leaving), again), "again": "again"}
    clock.wait(60)
    raw.post(again, data=back)
    raw.post(leaving, data=form)
    with sample_database.reading() as session:
        held = session.scalars(select(Message.address_key).where(Message.public_id == public_id(app, wbe))).all()
        assert not outbox.in_force(session, held)


def test_forms_that_come_at_once_count_together_whichever_has_its_turn_first(app, letters, sample_database):
    keys = list(letters)[:9]
    doubts = []
    with sample_database.writing() as session:
        for place, authority in enumerate(keys):
            message = session.scalars(select(Message).where(Message.authority_id == authority)).first()
            now = ASKED_AT - timedelta(milliseconds=place)  # the one that was asked last comes first
            page = seen.Seen(FormKind.ANSWER, 0, now - timedelta(seconds=3), bytes([place]) * 16)
            came = replies.ReceivedForm(FormKind.ANSWER, page, 0, f"{place}", b"c" * 32)
            doubts.append(replies.judge_form(session, message, came, now=now).doubt)
    assert doubts == [None] * 4 + [Doubt.MANY] * 5


# ---- what a stranger would try


def test_a_seal_holds_for_its_letter_form_link_and_installation_alone_and_in_its_whole_length():
    keys, theirs = Keys((b"n" * 32,)), Keys((b"m" * 32,))
    held = seen.Seen(FormKind.ANSWER, 3, ASKED_AT, b"n" * 16)
    text = seen.seal(keys, b"12345678", held)
    assert seen.read_seal(keys, b"12345678", text) == held
    assert seen.read_seal(theirs, b"12345678", text) is None
    assert seen.read_seal(keys, b"12345679", text) is None
    assert not any(seen.read_seal(keys, b"12345678", text[:size]) for size in range(len(text)))
    assert not any(
        seen.read_seal(keys, b"12345678", one) for one in (f"{text}A", f"{text}==", f" {text}", "é" * 54, "-" * 54)
    )
    for place in range(53):  # the last character has bits to spare; the random bytes are what makes a page one page
        other = "A" if text[place] != "A" else "B"
        assert seen.read_seal(keys, b"12345678", f"{text[:place]}{other}{text[place + 1 :]}") is None, place
    last = {seen.read_seal(keys, b"12345678", f"{text[:-1]}{one}") for one in ALPHABET}
    assert last == {held, None}, "the same page, or none"


@pytest.mark.one_example
@pytest.mark.parametrize("kind", [FormKind.UNSUBSCRIPTION, FormKind.SUBSCRIPTION, FormKind.MEASURE, FormKind.UNDOING])
def test_a_genuine_page_of_another_form_answers_nothing(app, raw, wbe, sample_database, kind):
    keys = Keys(app.extensions["outreach.settings"].signing_keys)
    letter = keys.read(wbe.removeprefix("/a/"), TokenKind.ANSWER)
    seal = seen.seal(keys, letter.id, seen.Seen(kind, letter.link, ASKED_AT - timedelta(hours=1), b"n" * 16))
    assert "Un dernier geste" in raw.post(wbe, data={"answer": "joined", "seen": seal}).text
    assert (standing(sample_database), waiting(sample_database)) == ([], [("answer", "foreign_page")])


@pytest.mark.long
def test_one_click_is_no_form_and_a_form_no_one_click(app, raw, wbe, clock, sample_database):
    keys, name = Keys(app.extensions["outreach.settings"].signing_keys), bytes.fromhex(public_id(app, wbe))
    of_header, of_text = (keys.make(TokenKind.UNSUBSCRIBE, name, link) for link in (1, 2))
    one_click = {"List-Unsubscribe": "One-Click"}
    page = of_page(raw, f"/u/{of_text}", why="")
    clock.wait(60)
    raw.post(f"/u/{of_text}", data=one_click | {"seen": page["seen"]})
    raw.post(f"/u/{of_header}", data=page)  # a page of the other link
    raw.post(f"/u/{of_header}", data={"List-Unsubscribe": "one-click"})
    for address in (f"/u/again/{of_header}", f"/a/{of_header}", wbe, f"/u/{wbe.removeprefix('/a/')}"):
        raw.post(address, data=one_click)
    assert (standing(sample_database), counted(sample_database, Suppression)) == ([], [0])
    raw.post(f"/u/{of_header}", data=one_click)
    assert counted(sample_database, Suppression) == [1]


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"seen": "A" * 900_000}, 200),
        ({"seen": ["A" * 54] * 900}, 200),
        ({"comment": "x" * 900_000}, 422),
        ({"comment": "x" * 2_000_000}, 413),
        ({f"x{number}": "y" for number in range(5000)}, (200, 413)),
        ({"school-" + "9" * 400: "joined", "pick": ["9" * 400] * 500}, (200, 422)),
        ({"seen": "\x00" * 54, "zone": "\ud800"}, (200, 422)),
    ],
    ids=["seal", "seals", "comment", "too_much", "names", "schools", "signs"],
)
def test_huge_and_strange_fields_break_nothing_and_answer_nothing(raw, wbe, sample_database, form, code):
    body = urlencode({"answer": "joined", **form}, doseq=True, errors="surrogatepass")
    page = raw.post(wbe, data=body, content_type="application/x-www-form-urlencoded")
    assert page.status_code in (code if isinstance(code, tuple) else (code,))
    assert standing(sample_database) == []


# ---- the behaviours of machines


def every_form(page):
    """Each form of a page as it stands: where it leads, and what a browser would send without a choice."""
    return [(action, form_of(page, action)) for action in dict.fromkeys(actions(page)) if action]


def looks(raw, address, wait):
    raw.head(address)
    for link, _ in links(raw.get(address), address[:3]):
        raw.get(link)
    yield 0


def blindly(raw, address, wait):
    forms = [{"answer": one} for one in ("joined", "declined", "in_preparation", "not_concerned")]
    for form in forms if address.startswith("/a/") else [{"why": "person"}, {"why": ""}, {}]:
        raw.post(address, data=form)
        yield 1


def each_form(raw, address, wait, *, backwards=False):
    page = raw.get(address)
    wait()
    found = every_form(page)
    for action, form in reversed(found) if backwards else found:
        buttons = [{one.get("name"): one.get("value")} if one.get("name") else {} for one in elements(page, "button")]
        for pressed in reversed(buttons) if backwards else buttons:
            raw.post(action, data={**form, **pressed})
            yield 1


def backwards(raw, address, wait):
    return each_form(raw, address, wait, backwards=True)


def first_radio(raw, address, wait):
    page = raw.get(address)
    wait()
    for action, form in every_form(page):
        first = elements(page, "input[@type='radio']")[0]
        raw.post(action, data={**form, first.get("name"): first.get("value")})
        yield 1


def last_radio_of_all(raw, address, wait):
    page = raw.get(address)
    wait()
    for action, form in every_form(page):
        last = elements(page, "input[@type='radio']")[-1]
        raw.post(action, data={**form, last.get("name"): last.get("value")})
        yield 1


BEHAVIOURS = (looks, blindly, each_form, backwards, first_radio, last_radio_of_all)
NEVER = {"joined", "declined", "in_preparation", "not_concerned", "tender_launched"}


def attack(app, raw, clock, addresses, least, waits=WAITS):
    """Every behaviour after every wait on each address in turn, until so many forms were sent; returns how many."""
    sent = 0
    while True:
        for address in addresses:
            for page in (address, f"{address}?choice=joined", unsubscribing(app, address)):
                for behaviour in BEHAVIOURS:
                    if "?" not in page or behaviour is not blindly:
                        for seconds in waits[:1] if behaviour is looks else waits:
                            sent += sum(behaviour(raw, page, lambda seconds=seconds: clock.wait(seconds)))
            if sent >= least:
                return sent


def survived(database):
    assert NEVER.isdisjoint(standing(database))
    assert counted(database, Suppression) == [0]
    with database.reading() as session:
        declared = select(AdherenceRecord.status).where(AdherenceRecord.recorded_at >= ASKED_AT)
        assert NEVER.isdisjoint(status.value for status in session.scalars(declared))


@pytest.mark.long
def test_no_behaviour_of_a_machine_records_an_answer_or_an_exclusion(app, raw, letters, clock, sample_database):
    """After no wait and after a minute; the two others are waited for in `tests/browser/test_machines.py`."""
    assert attack(app, raw, clock, list(letters.values())[1:4], 100, WAITS[::2]) >= 100
    survived(sample_database)


@pytest.mark.long
@pytest.mark.deep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("share", range(4))  # so that it takes the time of a fourth where there are processors
def test_ten_thousand_forms_of_machines_record_nothing(app, raw, letters, clock, sample_database, share):
    theirs = list(letters.values())[1 + share :: 4]
    assert attack(app, raw, clock, theirs, 2_500) >= 2_500
    survived(sample_database)
