"""Campaigns on pages: five screens from a ready-made one to a planned one, by two people, each step explained."""

import re

import pytest
from markupsafe import escape
from sqlalchemy import select, update

from outreach.access import accounts
from outreach.access.approvals import Decision, DecisionKind
from outreach.campaigns import planning
from outreach.campaigns.models import Campaign, Wave
from outreach.campaigns.planning import _definitions as definitions
from outreach.campaigns.planning import content_hash
from outreach.core.settings import ROOT
from outreach.core.text.errors import InputError
from outreach.delivery.models import Mailing, Message, MessageState, Purpose
from outreach.directory import authorities
from outreach.directory.models import Contact
from outreach.directory.reference import NETWORKS
from outreach.engagement import tracking
from outreach.engagement.tracking import TrackingMode
from outreach.operations.demo import people
from tests.conftest import NOW
from tests.pages import elements, form_of, links, text_of

NOT_SAVED = [  # what is typed, and what the page says about it
    ({"letter": "Bonjour ((nom_pos))"}, "Vouliez-vous écrire ((nom_po))"),
    ({"subject": ""}, "Indiquez l’objet du courriel."),
    ({"contact_name": " "}, "Indiquez la personne de contact"),
    ({"contact_email": "x"}, "adresse"),
    ({"letter": "(% for x in y %)(% endfor %)"}, "pas de boucle"),
    ({"letter": "[x](javascript:alert(1))"}, "lien refusé"),
    ({"letter": '((commune|défaut("\\ud800")))'}, "s’écrit"),
    ({"letter": "(% if rappel " + "or rappel " * 600 + "%)x(% endif %)"}, "refermé"),
    ({"letter": "((" + "1+" * 150 + "1))"}, "pas de calcul"),
    ({"letter": "((1" + "0" * 60000 + "))"}, "refermé"),
    ({"letter": "((nom_po" + ".a" * 3000 + "))"}, "refermé"),
    ({"letter": "texte (# perdu #) suite"}, "(n°"),
    ({"letter": "> " * 30 + "x"}, "imbriquées"),
    ({"colour": "violet"}, ""),
    ({"tracking": "all"}, ""),
    ({"contact_service": "a\r\nBcc: x@y.be"}, "interdit"),
    ({"subject": "a\ud800b".encode("utf-8", "replace").decode()}, ""),
    ({"subject": "a\x00b"}, "interdit"),
    ({"subject": "a\x1fb"}, "interdit"),
    ({"subject": "a\r\nBcc: x@y.be"}, "interdit"),
    ({"subject": "a\u202eb"}, "interdit"),
    ({"subject": "x" * 251}, "250"),
    ({"contact_name": "Z" + "\u0301" * 50}, "trop de signes"),
    ({"sender_address": "a\x00b"}, "interdit"),
    ({"contact_email": "b-x@courriel.fwb.example"}, "relève lui-même"),
]


@pytest.fixture
def begun(app, sample_database):
    """A draft from the ready-made invitation, by the author; returns its address."""
    now = app.extensions["outreach.settings"].instant()
    with sample_database.writing() as session:
        author = accounts.user_named(session, people.person_for("author").email)
        stated = definitions.read((ROOT / "campaigns" / "invitation-volet-1.md").read_text(encoding="utf-8"))
        return f"/campaigns/{planning.create_campaign(session, stated, now=now, author=author).id}"


def typed(client, address):
    """The fields of the letter's form, as the page shows them."""
    return form_of(client.get(f"{address}/letter"), "letter-form")


def version(client, address, step):
    """What the page of a step says that it shows, in whichever of its forms."""
    return elements(client.get(f"{address}/{step}"), "input[@name='version']")[0].get("value")


def dated(client, address, **changes):
    form = {"day": "18/05/2027", "hour": "9:30", "reminders": "14, 24", "deadline_days": "30", "stops_on": ""}
    return client.send(f"{address}/dates", {**form, **changes})


@pytest.mark.long
@pytest.mark.parametrize(
    ("reminders", "told"),
    [
        ("", "part le mardi 18 mai 2027 à 9 h 30."),
        ("14", "à 9 h 30, puis la relance 1 le mardi 1er juin 2027."),
        ("14, 24", "à 9 h 30, puis 2 relances, la dernière le mardi 15 juin 2027."),
    ],
)
def test_the_approver_reads_when_each_wave_leaves(author, signed_in, begun, reminders, told):
    author.send(f"{begun}/audience", {"asked": "1", "network": "WBE", "concerns": "open"})
    dated(author, begun, reminders=reminders)
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    (decision,) = elements(signed_in("approver").get(f"{begun}/check"), "section[@aria-labelledby='decision']")
    assert text_of(decision).replace(" ,", ",").replace(" .", ".").partition(" Valider")[0].endswith(told)


def test_an_empty_list_names_the_next_step(author):
    assert "Créer la première campagne" in author.get("/campaigns").text


@pytest.mark.journey
@pytest.mark.full
@pytest.mark.long
def test_from_a_ready_made_campaign_to_a_planned_one(author, signed_in, sample_database):
    made = author.send(
        "/campaigns", {"definition": "invitation-volet-1"}, page="/campaigns/begin?definition=invitation-volet-1"
    )
    assert made.status_code == 302
    begun = made.location.removesuffix("/audience")
    assert "Visés 312" in text_of(author.get(f"{begun}/audience"))
    saved = author.send(f"{begun}/audience", {"asked": "1", "network": ["COCOF", "WBE"], "concerns": "open"})
    assert saved.location == f"{begun}/letter"
    letter = typed(author, begun) | {"contact_email": "nadia @ fwb.example."}
    assert author.send(f"{begun}/letter", letter).location == f"{begun}/dates"
    assert "« nadia @ fwb.example. » est lu « nadia@fwb.example »." in text_of(author.get(f"{begun}/dates"))
    assert dated(author, begun).location == f"{begun}/check"
    page = text_of(author.get(f"{begun}/check"))
    assert "Demander la validation de l’envoi à 2 PO" in page
    assert "première vague : mardi 18 mai 2027 à 9 h 30" in page
    assert "relance 1 : " in page
    assert author.send(f"{begun}/submission", page=f"{begun}/check").status_code == 302
    assert "Valider" not in text_of(author.get(f"{begun}/check"))
    approver = signed_in("approver")
    assert "1 chose vous attend" in text_of(approver.get("/today"))
    page = text_of(approver.get(f"{begun}/check"))
    assert "Madame, Monsieur" in page
    assert "Si vous planifiez, l’envoi à 2 PO part le mardi 18 mai 2027 à 9 h 30" in page
    assert "Un PO qui y entre ensuite attend la vague suivante" in page
    assert "Valider et planifier" in page
    assert approver.send(f"{begun}/approval", {"then": "plan"}, page=f"{begun}/check").status_code == 302
    page = text_of(approver.get(f"{begun}/check"))
    assert "la première vague part le mardi 18 mai 2027 à 9 h 30" in page
    progress = text_of(approver.get(f"{begun}/progress"))
    assert re.search(r"Ensuite mardi 1er juin 2027 à \d.* Relance 1", progress)
    assert "Rien ne part encore" not in page
    assert "Planifiée" in text_of(author.get("/campaigns"))
    with sample_database.reading() as session:
        assert [wave.number for wave in session.scalars(select(Wave).order_by(Wave.number))] == [1, 2, 3]


@pytest.mark.journey
@pytest.mark.long
def test_an_approval_without_a_plan_says_in_amber_that_nothing_leaves_yet(author, signed_in, begun, sample_database):
    dated(author, begun)
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    assert signed_in("approver").send(f"{begun}/approval", page=f"{begun}/check").status_code == 302
    for step in ("check", "letter"):
        assert "Rien ne part encore" in text_of(author.get(f"{begun}/{step}"))
    assert "Validée, pas planifiée" in text_of(author.get("/campaigns"))
    assert "aucune vague n’est planifiée" in text_of(author.get("/today"))
    assert author.send(f"{begun}/waves", page=f"{begun}/check").status_code == 302
    with sample_database.reading() as session:
        assert [wave.number for wave in session.scalars(select(Wave).order_by(Wave.number))] == [1, 2, 3]


@pytest.mark.journey
@pytest.mark.long
def test_an_approval_is_of_what_was_read_and_of_nothing_newer(author, signed_in, begun):
    dated(author, begun)
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    approver = signed_in("approver")
    read = version(approver, begun, "check")
    author.send(f"{begun}/letter", {**typed(author, begun), "subject": "Autre texte"})
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    late = approver.send(f"{begun}/approval", {"version": read}, page=f"{begun}/check")
    assert late.status_code == 409
    assert "a changé depuis l’ouverture de la page" in late.text
    assert approver.send(f"{begun}/approval", page=f"{begun}/check").status_code == 302


@pytest.mark.long
def test_a_condition_without_controls_stays_until_it_is_taken_away(author, begun, sample_database):
    stated = '{"or":[{"network":["COCOF"]},{"unreachable":{}}]}'
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).criteria = stated
    form = form_of(author.get(f"{begun}/audience"), "choices")
    author.send(f"{begun}/audience", form)
    with sample_database.reading() as session:
        assert session.get_one(Campaign, 1).criteria == stated
    gone = author.get(f"{begun}/audience", query_string={**form, "remove": "1", "network": "WBE"})
    author.send(f"{begun}/audience", form_of(gone, "choices"))
    with sample_database.reading() as session:
        assert session.get_one(Campaign, 1).criteria == '{"network":["WBE"]}'


def test_saving_the_same_public_changes_nothing(author, begun, sample_database):
    with sample_database.reading() as session:
        before = content_hash(session.get_one(Campaign, 1))
    author.send(f"{begun}/audience", {"asked": "1", "network": NETWORKS, "level": "secondary", "concerns": "open"})
    with sample_database.reading() as session:
        assert content_hash(session.get_one(Campaign, 1)) == before


@pytest.mark.journey
@pytest.mark.long
def test_a_campaign_sent_back_is_a_draft_with_the_reason_and_may_be_approved_by_the_same_person_later(
    author, signed_in, begun
):
    dated(author, begun)
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    approver = signed_in("approver")
    approver.send(f"{begun}/return", {"why": "Ajoutez la date."}, page=f"{begun}/check")
    page = author.get(f"{begun}/check").text
    assert "Ajoutez la date, par Marc" in page
    assert "Renvoyée par" in text_of(author.get("/today"))
    assert "Brouillon" in page
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    assert approver.send(f"{begun}/approval", page=f"{begun}/check").status_code == 302


@pytest.mark.journey
@pytest.mark.long
def test_what_cannot_be_saved_says_why_and_keeps_what_was_typed(author, begun):
    form = {**typed(author, begun), "sender_name": "Un autre service"}
    for changes, words in NOT_SAVED:
        response = author.post(f"{begun}/letter", data={**form, **changes})
        if response.status_code == 302:  # mended and saved: the next one is typed on the page that shows it
            form = {**typed(author, begun), "sender_name": "Un autre service"}
        if words:
            assert response.status_code == 422, changes
            assert words in response.text.replace("\u00a0", " ").replace("\u202f", " "), changes
            assert 'value="Un autre service"' in response.text, changes
        assert response.status_code in {302, 422}, changes


@pytest.mark.long
@pytest.mark.parametrize("subject", ["Volet 1\u2028et 2", "Volet 1\u0085et 2"])
def test_an_end_of_line_that_was_pasted_into_the_subject_is_a_space(author, begun, sample_database, subject):
    assert author.send(f"{begun}/letter", {**typed(author, begun), "subject": subject}).status_code == 302
    with sample_database.reading() as session:
        assert session.get_one(Campaign, 1).subject == "Volet 1 et 2"


@pytest.mark.long
def test_a_form_changes_what_it_shows_and_nothing_else(author, begun, sample_database):
    with sample_database.reading() as session:
        before = session.get_one(Campaign, 1)
    forged = {"state": "approved", "approved_by": "1", "id": "99", "created_by": "x", "criteria": "{}", "role": "x"}
    assert author.send(f"{begun}/letter", {**typed(author, begun), **forged, "circular": "Neuf"}).status_code == 302
    with sample_database.reading() as session:
        after = session.get_one(Campaign, 1)
    columns = [column.key for column in Campaign.__table__.columns]
    changed = {name for name in columns if getattr(before, name) != getattr(after, name)}
    assert changed <= {"circular", "colour", "subject", "letter"}
    assert after.circular == "Neuf"


@pytest.mark.journey
@pytest.mark.long
def test_approving_twice_is_one_approval(author, signed_in, begun, sample_database):
    dated(author, begun)
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    approver = signed_in("approver")
    shown = {"version": version(approver, begun, "check")}
    codes = [approver.send(f"{begun}/approval", shown, page="/account").status_code for _ in range(2)]
    assert codes == [302, 409]
    with sample_database.reading() as session:
        given = select(Decision.id).where(Decision.kind == DecisionKind.APPROVED)
        assert len(session.scalars(given).all()) == 1


@pytest.mark.journey
@pytest.mark.long
def test_two_people_at_once_do_not_overwrite_each_other_and_may_go_on(author, begun):
    early = typed(author, begun)
    assert author.send(f"{begun}/letter", {**early, "circular": "Premier"}).status_code == 302
    late = author.send(f"{begun}/letter", {**early, "circular": "Second"})
    assert late.status_code == 422
    assert "Quelqu’un a modifié" in late.text
    assert 'value="Second"' in late.text
    fresh = form_of(late)["version"]
    assert author.send(f"{begun}/letter", {**early, "circular": "Second", "version": fresh}).status_code == 302
    stale = author.send(f"{begun}/audience", {"asked": "1", "concerns": "open", "version": early["version"]})
    assert stale.status_code == 422


@pytest.mark.long
def test_the_preview_shows_what_is_typed_for_the_recipient_asked_and_saves_nothing(author, begun, sample_database):
    form = {
        **typed(author, begun),
        "letter": "Cher ((nom_po)), **((fase_po))**",
        "subject": "FASE ((fase_po))",
        "go": "9001",
    }
    page = author.send(f"{begun}/letter/preview", form, page=f"{begun}/letter").text
    assert "<strong><mark>9001</mark></strong>" in page
    assert "<bdi>FASE 9001</bdi>" in page
    with sample_database.reading() as session:
        assert "Cher ((nom_po))" not in session.get_one(Campaign, 1).letter


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    ["[clic](https://evil.test)", '<script>alert("1")</script>', "# Titre\n\n- puce {{7*7}}"],
)
def test_a_name_is_plain_text_in_preview_exact_view_and_message(author, begun, sample_database, name):
    with sample_database.writing() as session:
        authorities.authority_by_fase(session, 9001).name = name
    page = author.get(f"{begun}/letter?as=9001").text
    shown = str(escape(name)).replace("\n", "<br>\n")
    assert (
        f"<mark>{shown}</mark>" in page.replace("&#34;", "&#34;")
        or f"<mark>{shown.replace('&#34;', '&quot;')}</mark>" in page
    )
    exact = author.get(f"{begun}/letter/exact?as=9001")
    assert exact.status_code == 200
    assert 'evil.test"' not in page


@pytest.mark.long
def test_the_exact_letter_is_shown_in_a_frame_of_its_own(author, begun, app):
    page = author.get(f"{begun}/letter/exact?as=9001")
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    source = text_of(author.get(f"{begun}/letter/exact?as=9001&view=source"))
    assert "Content-Type: multipart/alternative" in source
    assert "List-Unsubscribe" in source
    assert author.get(f"{begun}/letter/exact?view=x").status_code == 404
    assert "rappel" in author.get(f"{begun}/letter/exact?as=9001&view=text&wave=2").text


@pytest.mark.journey
@pytest.mark.long
def test_a_trial_leaves_marked_is_counted_nowhere_and_goes_to_whom_it_may(app, author, begun, sample_database):
    form = {**typed(author, begun), "to": "moi@ecole.be", "as": "9001"}
    (field,) = elements(author.get(f"{begun}/letter"), "input[@name='to']")
    assert field.get("value") == "nadia.lambert@fwb.example"
    sent = author.send(f"{begun}/letter/test", {**form, "subject": "Pas encore enregistré"}, page=f"{begun}/letter")
    assert "L’essai part pour moi@ecole.be" in sent.text
    assert "Ce que vous avez tapé est gardé en brouillon, pour vous seul" in text_of(sent)
    assert "brouillon" in text_of(author.get(f"{begun}/letter")), "and is offered on return"
    assert 'value="Pas encore enregistré"' in sent.text
    with sample_database.reading() as session:
        (mailing,) = session.scalars(select(Mailing)).all()
        (message,) = session.scalars(select(Message)).all()
        assert (mailing.purpose, message.address, mailing.stop_strand_id) == (Purpose.TEST, "moi@ecole.be", None)
        assert "[TEST] " in mailing.letter
    settings = app.extensions["outreach.settings"]
    where_letters_leave = {"smtp_url": "smtp://relay.example:25", "allowed_recipients": "@essais.be"}
    app.extensions["outreach.settings"] = settings.model_copy(update=where_letters_leave)
    refused = author.send(f"{begun}/letter/test", {**form, "subject": "Gardé"}, page=f"{begun}/letter")
    assert refused.status_code == 422
    assert "moi@ecole.be n’en est pas" in refused.text
    assert 'value="Gardé"' in refused.text
    assert author.send(f"{begun}/letter/test", {**form, "to": "x@essais.be"}, page=f"{begun}/letter").status_code == 200
    wrong = author.send(f"{begun}/letter/test", {**form, "to": "x"}, page=f"{begun}/letter")
    assert wrong.status_code == 422
    assert 'href="#to"' in wrong.text


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reminders": "0001999999999"}, "nombres de jours"),
        ({"deadline_days": "0009999999999"}, "entre 1 et 366"),
        ({"day": "13/05/2027"}, ""),
        ({"day": "31/06/2027"}, "n’est pas une date"),
        ({"day": "06/30/2027"}, "n’est pas une date"),
        ({"day": ""}, "Indiquez le jour"),
        ({"day": "01/01/2020"}, "passé"),
        ({"day": "01/01/2090"}, "deux ans"),
        ({"hour": "25:00"}, "n’est pas une heure"),
        ({"hour": "9 h 30"}, ""),
        ({"reminders": "x"}, "nombres de jours"),
        ({"reminders": "1 2 3 4 5 6"}, "5 relances au plus"),
        ({"deadline_days": "0"}, "entre 1 et 366"),
        ({"stops_on": "01/05/2027"}, "précède"),
    ],
    ids=str,
)
def test_dates_are_read_or_refused_in_a_sentence(author, begun, changes, words):
    response = dated(author, begun, **changes)
    assert response.status_code == (422 if words else 302)
    if words:
        assert words in response.text.replace("\u00a0", " ")


def test_a_date_in_a_closed_window_moves_and_says_why(author, begun):
    page = text_of(author.get(f"{begun}/dates?day=2027-05-06&hour=9:30&reminders=14&deadline_days=30"))
    assert "Ascension" in page or "vacances" in page.casefold()
    assert "Relance 1, après 14 jours" in page


@pytest.mark.journey
@pytest.mark.long
def test_a_change_takes_an_approved_campaign_back_and_the_page_says_so_before(author, signed_in, begun):
    dated(author, begun)
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    signed_in("approver").send(f"{begun}/approval", page=f"{begun}/check")
    author.send(f"{begun}/waves", page=f"{begun}/check")
    assert "elle redevient un brouillon et les vagues planifiées sont annulées" in text_of(
        author.get(f"{begun}/letter").text
    )
    author.send(f"{begun}/letter", {**typed(author, begun), "subject": "Autre"})
    assert "Brouillon" in author.get(f"{begun}/check").text


@pytest.mark.long
def test_a_copy_gives_the_campaign_back(author, begun):
    copied = author.begin(f"/campaigns/begin?copy={begun.rpartition('/')[2]}")
    assert author.get(copied.location).status_code == 200
    assert author.send("/campaigns", {"definition": "../x"}, page="/account").status_code == 404


def test_no_correction_asks_for_a_letter_before_a_wave_was_launched(author, sample_database):
    assert "Courriel à corriger" not in author.get("/campaigns/new").text


@pytest.mark.long
def test_a_correction_asks_which_letter_was_wrong_and_goes_to_those_who_received_it(author, launched_sample):
    with launched_sample.writing() as session:
        kept = session.scalars(select(Message.id).where(Message.reason.is_(None)).order_by(Message.id).limit(2)).all()
        sent = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": NOW, "settled_at": NOW}
        session.execute(update(Message).where(Message.id.in_(kept)).values(**sent))
        title = session.get_one(Campaign, 1).title
    page = author.get("/campaigns/new").text
    assert page.count('<option value="1/1">') == 1, "the correction alone asks"
    made = author.send(
        "/campaigns", {"definition": "rectificatif", "received": "1/1"}, page="/campaigns/begin?definition=rectificatif"
    )
    page = author.get(made.location).text
    assert f"Pouvoirs organisateurs : à qui est parti un courriel de « {title} » (première vague)." in page.replace(
        "\xa0", " "
    )
    assert "Visés 2 " in text_of(page)
    assert "Rectificatif : ceux qui ont répondu ou adhéré depuis le reçoivent aussi" in page.replace("\xa0", " ")
    assert 'value="listed" checked' in page
    lost = author.get(f"{made.location}?asked=1&concerns=listed").text
    assert "Un rectificatif va à ceux à qui un courriel est parti" in lost.replace("\xa0", " ")
    assert 'value="listed"' not in author.get(f"{made.location}?asked=1&concerns=open").text
    refused = author.send(
        "/campaigns", {"definition": "rectificatif", "received": "1/9"}, page="/campaigns/begin?definition=rectificatif"
    )
    assert "La vague 9 de la campagne 1" in refused.text.replace("\xa0", " ")


@pytest.mark.journey
@pytest.mark.long
def test_a_hostile_title_is_text_everywhere(author, signed_in, begun):
    hostile = '<script>alert(1)</script> =cmd() "{{7*7}}\\'
    author.send(f"{begun}/audience", {**form_of(author.get(f"{begun}/audience"), "choices"), "title": hostile})
    dated(author, begun)
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    signed_in("approver").send(f"{begun}/approval", page=f"{begun}/check")
    author.send(f"{begun}/waves", page=f"{begun}/check")
    places = ["/campaigns", "/campaigns/new", "/calendar?month=2027-05", "/directory/9001/history"]
    places += [f"{begun}{tab}" for tab in ("/check", "/letter", "/progress", "/progress/waves", "/progress/journal")]
    for place in places:
        page = author.get(place, follow_redirects=True).text
        assert "<script>alert" not in page
        assert str(escape(hostile)) in page


@pytest.mark.long
def test_measuring_one_by_one_is_explained_without_an_agreement_and_offered_with_one(author, begun, sample_database):
    page = author.get(f"{begun}/letter")
    assert [each.get("value") for each in elements(page, "input[@name='tracking']")] == ["none", "aggregate"]
    assert "Mesurer boîte par boîte n’est pas proposé" in text_of(page)
    with sample_database.writing() as session:
        held = session.scalars(select(Contact).where(Contact.address_key == "po009001@adm.fwb.example")).one()
        given = {"given_by": "DPD", "taken_on": NOW.date(), "reference": "DPD 1", "actor": "a@b.example"}
        tracking.record_decision(session, held, **given, now=NOW)
    page = author.get(f"{begun}/letter")
    assert [each.get("value") for each in elements(page, "input[@name='tracking']")][2:] == ["individual"]
    assert "1 boîte de ce public a un accord enregistré" in text_of(page)


def test_clicks_alone_are_kept_where_they_were_chosen_and_offered_to_no_other(author, begun, sample_database):
    with sample_database.writing() as session:
        campaign = session.scalars(select(Campaign)).one()
        campaign.tracking = TrackingMode.CLICKS
        stated = definitions.definition_of(session, campaign)
    page = author.get(f"{begun}/letter")
    assert [each.get("value") for each in elements(page, "input[@name='tracking']")] == ["none", "clicks", "aggregate"]
    assert definitions.begin_again(stated).tracking is TrackingMode.NONE
    text = (definitions.READY_MADE / "invitation-volet-1.md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="Les clics seuls ne se mesurent plus"):
        definitions.read(text.replace("+++\n", '+++\ntracking = "clicks"\n', 1))


@pytest.mark.long
def test_a_blank_campaign_begins_with_its_name_and_waits_for_its_text(author, sample_database):
    refused = author.begin("/campaigns/begin?definition=blank", title="x" * 201)
    assert refused.status_code == 422
    assert f'value="{"x" * 201}"' in refused.text
    said = "« Nom de la campagne » dépasse 200 caractères de 1 : raccourcissez."
    assert links(refused, "#title") == [("#title", said)]
    made = author.begin("/campaigns/begin?definition=blank", title="Portes ouvertes")
    assert form_of(author.get(made.location), "choices")["title"] == "Portes ouvertes"
    dated(author, made.location.removesuffix("/audience"))
    check = text_of(author.get(made.location.replace("audience", "check")))
    assert "remplacez « [À compléter : votre texte] »" in check
    assert "Demander la validation" not in check


@pytest.mark.long
def test_a_campaign_is_found_by_its_name_or_its_author(author, begun):
    author.send(
        "/campaigns", {"definition": "invitation-volet-2"}, page="/campaigns/begin?definition=invitation-volet-2"
    )

    def shown(words):
        page = author.get("/campaigns", query_string={"q": words})
        return [text_of(row.find("th/a")) for row in elements(page, "tbody/tr")], text_of(page)

    assert shown("DEUXIEME volet")[0] == ["Invitation au deuxième volet"]
    assert len(shown("nadia lambert")[0]) == 2
    assert shown("nulle part")[0] == []
    assert "Aucune campagne ne correspond" in shown("nulle part")[1]
