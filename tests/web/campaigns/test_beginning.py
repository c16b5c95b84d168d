"""A campaign begins with « Quel programme, quel volet ? »: a page says who would get it, and creates nothing."""

import csv
import io
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from outreach.adherence import programmes
from outreach.campaigns import counting, planning, review
from outreach.campaigns.models import Campaign, CampaignState, WaveState
from outreach.campaigns.planning import AudienceRule
from outreach.core.text.errors import Refused
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW
from tests.pages import elements, form_of, links, text_of
from tests.programmes import FIRST, SECOND, two_programmes

__all__ = ["two_programmes"]

BLANK = "/campaigns/begin?definition=blank"
INVITATION = "/campaigns/begin?definition=invitation-volet-2"
LIST = "/directory/campaign?level=secondary&network=WBE&network=COCOF"
LAUNCHED = 1  # campaign of the sample with two programmes


def chosen(page):
    return [radio.get("value") for radio in elements(page, "input[@name='strand']") if "checked" in radio.attrib]


def offered(page):
    return [radio.get("value") for radio in elements(page, "input[@name='strand']")]


def account_of(page):
    """The rows of the account: words and numbers."""
    rows = elements(page, "table[@class='account']/tbody/tr")
    return [(text_of(row.find("th")), int("".join(filter(str.isdigit, text_of(row.find("td")))))) for row in rows]


def campaigns_in(database):
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Campaign))


def last_campaign(session):
    return session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).one()


@pytest.mark.long
def test_a_blank_campaign_is_about_no_strand_before_one_is_chosen(author, two_programmes):
    page = author.get(BLANK)
    assert (chosen(page), account_of(page)) == ([], [])
    assert offered(page) == [f"{FIRST}/1", f"{FIRST}/2", f"{SECOND}/1", f"{SECOND}/2"]
    refused = author.send("/campaigns", {"definition": "blank", "title": "Portes ouvertes"}, page=BLANK)
    assert refused.status_code == 422
    assert links(refused, "#strand") == [
        ("#strand", "Choisissez le programme et le volet : aucun n’est choisi d’office.")
    ]
    assert form_of(refused, "begin")["title"] == "Portes ouvertes", "nothing typed is lost"
    unknown = author.begin(BLANK, title="Portes ouvertes", strand=f"{SECOND}/3")
    assert (unknown.status_code, campaigns_in(two_programmes)) == (422, LAUNCHED)


@pytest.mark.long
def test_each_strand_of_each_programme_can_be_written_to(author, two_programmes):
    for programme, strand, circular in ((FIRST, 2, "7919"), (SECOND, 1, "7102"), (SECOND, 2, "7103")):
        made = author.begin(BLANK, title="Portes ouvertes", strand=f"{programme}/{strand}")
        assert made.status_code == 302
        with two_programmes.reading() as session:
            campaign = last_campaign(session)
            named = programmes.strand_named(session, programme, strand)
            assert (campaign.strand_id, campaign.circular) == (named.id, circular)


def test_the_only_open_strand_is_chosen_and_the_page_says_it(author, sample_database):
    assert chosen(author.get(BLANK)) == [], "the sample has two"
    with sample_database.writing() as session:
        programmes.strand_named(session, FIRST, 2).opened_on = NOW.date().replace(year=2099)
    page = author.get(BLANK)
    assert chosen(page) == [f"{FIRST}/1"]
    assert "le seul qui soit ouvert" in text_of(page)
    assert "s’ouvre le" in text_of(page)


YESTERDAY = NOW.date() - timedelta(1)


def close(database, strand=1, day=YESTERDAY):
    with database.writing() as session:
        programmes.strand_named(session, FIRST, strand).closed_on = day


@pytest.mark.journey
@pytest.mark.long
def test_a_strand_that_has_closed_invites_nobody_and_its_letters_of_thanks_leave(author, sample_database):
    page = author.begin(BLANK, title="Trop tard", strand=f"{FIRST}/2")
    assert page.status_code == 302
    close(sample_database)
    close(sample_database, 2)
    sentence = "a fermé le 14 mai 2021 : plus aucune école ne peut y adhérer"
    assert "fermé depuis le 14 mai 2021" in text_of(author.get(BLANK))
    data = {"strand": f"{FIRST}/1", "title": "Trop tard"}
    counted = author.send("/campaigns", {"definition": "blank", **data, "count": "1"}, page=BLANK)
    assert (counted.status_code, sentence in text_of(counted)) == (200, True)
    refused = author.begin(BLANK, **data)
    assert (refused.status_code, sentence in text_of(refused)) == (422, True)
    assert campaigns_in(sample_database) == 1
    step = "/campaigns/1/audience"
    moved = author.post(step, data={**form_of(author.get(step), "choices"), **data})
    assert sentence in text_of(moved)
    text = text_of(author.get("/campaigns/1/check"))
    assert "Le volet 2 a fermé le 14 mai 2021" in text.replace("\xa0", " ")
    thanks = "/campaigns/begin?definition=merci-et-suite"
    assert author.begin(thanks, strand=f"{FIRST}/1").status_code == 302
    assert campaigns_in(sample_database) == 2


@pytest.mark.long
def test_a_wave_that_would_leave_once_its_strand_has_closed_is_refused_with_its_date(author, sample_database):
    author.begin("/campaigns/begin?definition=invitation-volet-1", strand=f"{FIRST}/1")
    close(sample_database, day=NOW.date() + timedelta(10))
    with sample_database.writing() as session:
        campaign = last_campaign(session)
        campaign.starts_at = NOW + timedelta(2)
        found = review.check_campaign(session, campaign, SENDING, now=NOW)
        late = [one.replace("\xa0", " ") for one in found.blocks if "ferme le" in one]
        assert [one.partition(" part")[0] for one in late] == ["La relance 1", "La relance 2"]
        assert all(one.endswith("le volet 1 ferme le 25 mai 2021 : avancez-la, ou retirez-la.") for one in late)
        number = campaign.id
    words = "a fermé le 25 mai 2021"
    assert words in text_of(author.get(f"/campaigns/{number}/dates")).replace("\xa0", " "), "it has closed by now"


@pytest.mark.long
def test_a_ready_made_campaign_is_about_its_own_strand_and_may_be_about_another(author, two_programmes):
    page = author.get(INVITATION)
    assert chosen(page) == [f"{FIRST}/2"], "its circular says which programme"
    assert campaigns_in(two_programmes) == LAUNCHED
    kept = author.begin(INVITATION)
    with two_programmes.reading() as session:
        campaign = last_campaign(session)
        assert kept.location == f"/campaigns/{campaign.id}/audience"
        assert (campaign.strand.circular, campaign.circular) == ("7919", "7919")
    author.begin(INVITATION, strand=f"{SECOND}/2")
    with two_programmes.reading() as session:
        assert last_campaign(session).circular == "7103"
    link = f"/campaigns/begin?definition=blank&programme={SECOND}&strand=1"
    assert chosen(author.get(link)) == [f"{SECOND}/1"], "a link names them, and the page shows them"


@pytest.mark.long
@pytest.mark.parametrize("strand", [f"{FIRST}/1", f"{SECOND}/1", f"{SECOND}/2"])
def test_a_list_creates_nothing_before_and_says_how_many_would_receive_and_why_not_the_others(
    author, two_programmes, strand
):
    page = author.get(LIST)
    assert (chosen(page), campaigns_in(two_programmes)) == ([], LAUNCHED)
    counted = author.send(LIST, {"strand": strand, "title": "Deux réseaux", "count": "1"}, page=LIST)
    assert (counted.status_code, campaigns_in(two_programmes)) == (200, LAUNCHED)
    assert form_of(counted, "begin")["title"] == "Deux réseaux"
    rows = account_of(counted)
    numbers = dict(rows)
    meant, concerned = numbers["Visés"], numbers["Concernés"]
    place = [words for words, _ in rows].index("Concernés")
    assert meant - sum(count for _, count in rows[1:place]) == concerned
    assert concerned - sum(count for _, count in rows[place + 1 : -1]) == numbers["Recevraient"]
    author.begin(LIST, strand=strand, title="Deux réseaux")
    with two_programmes.reading() as session:
        campaign = last_campaign(session)
        told = counting.of_authorities(session, campaign, now=NOW).authorities
        letters = planning.count_campaign_audience(session, campaign, now=NOW)
        assert campaign.title == "Deux réseaux"
        assert (meant, concerned, numbers["Recevraient"]) == (told["targeted"], told["concerned"], told["to_come"])
        (said,) = elements(counted, "*[@id='account']/p")[:1] if letters.schools else [None]
        assert said is None or str(letters.schools) in text_of(said).replace(" ", "")


@pytest.mark.long
def test_a_list_that_is_no_rule_is_counted_as_it_will_be_stored(author, sample_database):
    address = "/directory/campaign?q=saint"
    counted = author.send(address, {"strand": f"{FIRST}/1", "title": "Saints", "count": "1"}, page=address)
    numbers = dict(account_of(counted))
    author.begin(address, strand=f"{FIRST}/1")
    with sample_database.reading() as session:
        told = counting.of_authorities(session, last_campaign(session), now=NOW).authorities
        assert (numbers["Visés"], numbers["Recevraient"]) == (told["targeted"], told["to_come"])
        assert 0 < told["to_come"] < told["targeted"]


def test_a_reader_begins_nothing(signed_in):
    for address in (BLANK, LIST):
        assert signed_in("reader").get(address).status_code == 403


def test_no_campaign_is_created_for_the_first_programme_where_there_are_several(two_programmes):
    with two_programmes.writing() as session, pytest.raises(Refused, match=f"« {FIRST} », « {SECOND} »"):
        factories.campaign(session, factories.invitation(), NOW)


@pytest.mark.journey
@pytest.mark.long
def test_every_place_names_the_programme_where_there_are_several(author, two_programmes):
    place = author.begin("/campaigns/begin?definition=invitation-volet-2", strand=f"{SECOND}/2").location
    begun = place.removesuffix("/audience")
    said = "Plan lecture, volet 2"
    for page in ("/campaigns", place, f"{begun}/letter", f"{begun}/dates", f"{begun}/check"):
        assert said in text_of(author.get(page)), page
    preview = author.get(f"{begun}/letter/exact?view=text")
    assert f"Il porte sur : {said}." in text_of(preview)
    assert f"écoles, {said} – FASE" in text_of(preview) or f"école, {said} – FASE" in text_of(preview)
    _, told = csv.DictReader(io.StringIO(author.get("/campaigns/export.csv").data.decode("utf-8-sig")), delimiter=";")
    assert (told["Programme"], told["Code du programme"], told["Volet"]) == ("Plan lecture", SECOND, "2")


@pytest.mark.long
def test_a_subject_that_does_not_name_its_programme_is_remarked_on(author, two_programmes):
    begun = author.begin("/campaigns/begin?definition=rappel-volet-1").location.removesuffix("/audience")
    assert "il ne dit pas" not in text_of(author.get(f"{begun}/check"))
    with two_programmes.writing() as session:
        campaign = last_campaign(session)
        campaign.subject = campaign.subject.replace("((volet))", "volet 1")
    assert "il ne dit pas qu’il s’agit de « Mes outils numériques »" in text_of(author.get(f"{begun}/check"))


@pytest.mark.long
def test_with_one_programme_its_strand_suffices(author, sample_database):
    place = author.begin("/campaigns/begin?definition=invitation-volet-2").location
    assert "Volet 2" in text_of(author.get(place))
    exact = text_of(author.get(place.replace("audience", "letter/exact?view=text")))
    assert "Il porte sur : volet 2." in exact
    assert "Mes outils numériques, volet" not in exact


@pytest.mark.long
def test_a_draft_changes_its_strand_and_is_counted_anew(author, two_programmes):
    place = author.begin("/campaigns/begin?definition=invitation-volet-1").location
    form = form_of(author.get(place), "choices")
    assert form["strand"] == f"{FIRST}/1"
    recounted = author.post(f"{place}/choices", data={**form, "strand": f"{SECOND}/1"}, follow_redirects=True)
    assert form_of(recounted, "choices")["strand"] == f"{SECOND}/1"
    with two_programmes.reading() as session:
        before = last_campaign(session)
        assert before.strand.circular == "7831", "nothing is saved"
        told = planning.count_campaign_audience(session, before, now=NOW).written
    receive = "tr[@class='sum end']/td"
    assert text_of(elements(recounted, receive)[0]) != str(told)
    assert author.post(place, data={**form, "strand": f"{SECOND}/1"}).status_code == 302
    with two_programmes.reading() as session:
        campaign = last_campaign(session)
        assert (campaign.strand.circular, campaign.circular) == ("7102", "7102")
        written = planning.count_campaign_audience(session, campaign, now=NOW).written
    assert written != told
    assert text_of(elements(author.get(place), receive)[0]) == str(written)
    assert "Plan lecture, volet 1" in text_of(author.get(f"{place.removesuffix('/audience')}/check"))


def test_a_strand_does_not_change_once_a_letter_has_left(author, launched_sample):
    with launched_sample.writing() as session:
        campaign = session.get_one(Campaign, 1)
        for wave in campaign.waves:
            wave.state = WaveState.CANCELLED
        campaign.state = CampaignState.DRAFT
        other = programmes.strand_named(session, FIRST, 2).id
        with pytest.raises(Refused, match="son volet ne se change plus"):
            planning.revise_campaign(session, campaign, {"strand_id": other}, now=NOW, actor=factories.AUTHOR)
    page = author.get("/campaigns/1/audience")
    radios = elements(page, "input[@name='strand']")
    assert radios
    assert all("disabled" in radio.attrib for radio in radios)


@pytest.mark.long
@pytest.mark.parametrize(("strand", "is_told"), [(1, False), (2, True)])
def test_a_ready_made_letter_about_another_strand_is_remarked_on(author, sample_database, strand, is_told):
    """« Merci et suite » speaks of the second strand, too, and of the first that it is about."""
    for name in ("invitation-volet-1", "merci-et-suite"):
        begun = author.begin(f"/campaigns/begin?definition={name}", strand=f"{FIRST}/{strand}").location
        text = text_of(author.get(begun.replace("/audience", "/check")))
        expected = is_told and name != "merci-et-suite"
        assert ("et la campagne porte sur le volet 2 : relisez-le" in text.replace("\xa0", " ")) == expected


@pytest.mark.long
def test_the_page_of_ready_made_campaigns_says_whose_each_is_and_that_of_copies_too(author, two_programmes):
    page = author.get("/campaigns/new")
    values = {
        text_of(card.find("h2")): text_of(card.find("p[@class='note']"))
        for card in elements(page, "li[@class='panel']")
    }
    assert values["Rappel du premier volet"].startswith("Mes outils numériques, volet 1 · circulaire 7831")
    assert values["Plan lecture : lectures partagées"].startswith("Plan lecture, volet 2 · circulaire 7103")
    (copied,) = elements(page, "select[@id='copy']/option")
    assert "(Mes outils numériques, volet 1, " in text_of(copied)


def test_a_ready_made_campaign_of_a_programme_that_is_not_loaded_is_not_offered(author):
    page = author.get("/campaigns/new")
    assert "Plan lecture" not in text_of(page)
    assert author.get("/campaigns/begin?definition=invitation-plan-lecture-volet-1").status_code == 404


FOREIGN = "Ce courriel est écrit pour « Mes outils numériques », et la campagne porterait sur « Plan lecture, volet 1 »"


def said_of(page):
    return text_of(page).replace("\xa0", " ").replace("\u202f", " ")


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize("begun", [{"definition": "invitation-volet-1"}, {"copy": "1"}])
def test_a_letter_of_another_programme_is_remarked_on_as_it_is_chosen_and_by_the_check(author, two_programmes, begun):
    place = "/campaigns/begin?" + "&".join(f"{name}={value}" for name, value in begun.items())
    assert "est écrit pour" not in said_of(author.get(place))
    other = {**begun, "strand": f"{SECOND}/1", "title": "Prêter des livres"}
    counted = author.send("/campaigns", {**other, "count": "1"}, page=place)
    assert FOREIGN in said_of(counted)
    own = author.begin(place, strand=f"{FIRST}/2").location.replace("/audience", "/check")
    assert not re.search("relisez tout le courriel|signe les campagnes", said_of(author.get(own)))
    made = author.begin(place, strand=f"{SECOND}/1").location
    sentence = "« plan d’équipement numérique » est de « Mes outils numériques », et la campagne porte sur"
    told = said_of(author.get(made.replace("/audience", "/check")))
    assert f"Ligne 7 : {sentence} « Plan lecture, volet 1 » : relisez tout le courriel." in told
    signed = "numérique éducatif » signe les campagnes de « Mes outils numériques », et la campagne porte sur « Plan"
    assert signed in told
    assert [one in said_of(author.get(made)) for one in (sentence, signed)] == [True, True], "where it is changed, too"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("Et Mes Outils Numeriques ?", "Mes outils numériques"),
        ("La circulaire 7831.", "7831"),
        ("De 17831 à 7102.", ""),
    ],
)
def test_the_name_and_the_circulars_of_another_programme_are_found_in_a_letter(two_programmes, said, words):
    with two_programmes.reading() as session:
        strand = programmes.strand_named(session, SECOND, 1)
        written = SimpleNamespace(subject="Lire", preheader="", letter=f"Bonjour\n{said}")
        found = review.programme_remarks(session, written, strand)
    assert bool(found) == bool(words)
    assert all(one.startswith(f"Ligne 2 : « {words} » est de « Mes outils numériques »") for one in found)


def test_a_blank_campaign_is_signed_as_the_letters_of_its_programme_are(author, two_programmes):
    author.begin(BLANK, title="Portes ouvertes", strand=f"{SECOND}/1")
    with two_programmes.reading() as session:
        assert last_campaign(session).sender_name == "Fédération Wallonie-Bruxelles – Service de la lecture"


OTHER = "du public portent sur autre chose que « Plan lecture, volet 2 » : « au moins une école secondaire »"


@pytest.mark.journey
@pytest.mark.long
def test_an_audience_follows_the_strand_or_is_said_to_be_about_another(author, two_programmes):
    """« Merci et suite » is for authorities with secondary schools that have joined volet 1; the other is primary."""
    thanks, own = "/campaigns/begin?definition=merci-et-suite", f"{FIRST}/1"
    counted = author.send(
        "/campaigns", {"definition": "merci-et-suite", "title": "x", "strand": f"{SECOND}/2", "count": "1"}, page=thanks
    )
    assert "au moins une école primaire" in said_of(counted)
    author.begin(thanks, strand=f"{SECOND}/2")
    with two_programmes.reading() as session:
        followed = last_campaign(session).criteria
        assert ('"level":["primary"]' in followed, '"strand":2' in followed, "secondary" in followed) == (1, 1, 0)
        assert (
            review.strand_remarks(session, planning.criterion_of(last_campaign(session)), last_campaign(session).strand)
            == []
        )
    place = author.begin(thanks, strand=own).location
    form = form_of(author.get(place), "choices")
    moved = author.post(f"{place}/choices", data={**form, "strand": f"{SECOND}/2"}, follow_redirects=True)
    assert f"2 conditions {OTHER}" in said_of(moved)
    pressed = {**form_of(moved, "choices"), "follow": "1"}
    mended = author.post(f"{place}/choices", data=pressed, follow_redirects=True)
    assert "au moins une école primaire" in said_of(mended)
    assert OTHER not in said_of(mended)


def test_the_check_says_which_conditions_are_about_another_strand_or_programme(two_programmes):
    with two_programmes.writing() as session:
        campaign = session.get_one(Campaign, LAUNCHED)
        other = programmes.strand_named(session, SECOND, 2)
        mailing = campaign.mailing_keys[0]
        plain = {
            "and": [{"level": ["secondary"]}, {"never_answered": {"strand": 1}}, {"received": {"mailings": [mailing]}}]
        }
        copied = factories.campaign(
            session, factories.invitation(programme=SECOND, strand=2, segment=AudienceRule(criteria=plain)), NOW
        )
        (told,) = [
            one.replace("\xa0", " ")
            for one in review.check_campaign(session, copied, SENDING, now=NOW).remarks
            if OTHER in one.replace("\xa0", " ")
        ]
        assert told.startswith("3 conditions")
        criterion = planning.criterion_of(copied)
        assert review.strand_remarks(session, criterion, other) == [told]
        (one,) = review.strand_remarks(session, criterion, programmes.strand_named(session, FIRST, 2))
        assert one.startswith("Une condition")
        assert review.strand_remarks(session, criterion, campaign.strand) == []
