"""A campaign's audience on its page: counted as it is ticked, explained, exported."""

import io
import json
import re

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import segments
from outreach.campaigns.models import Campaign, CampaignState, Wave
from outreach.campaigns.planning import MOST_OFFERED, READY_MADE
from outreach.campaigns.planning import _definitions as definitions
from outreach.campaigns.segments import LEAVES, Boxes, Unreachable
from outreach.core.text.errors import InputError
from outreach.directory.models import Authority, Contact, ContactSchool, EducationType, Ownership, School, Teaching
from tests import factories
from tests.conftest import NOW
from tests.pages import cells, elements, form_of, text_of
from tests.web.campaigns.test_campaigns import begun, dated

__all__ = ["begun"]


def zone(*names):
    """The fields of a line about the zone of schools."""
    return {"line": "1:zone", "1.root": list(names)}


def said(page):
    return text_of(elements(page, "p[@id='said']")[0])


def condition_lines(page):
    return [text_of(summary) for summary in elements(page, "li[@class='condition']/details/summary")]


@pytest.mark.journey
@pytest.mark.long
def test_a_campaign_chooses_the_mailboxes_it_writes_to_and_the_approver_reads_how_many(
    author, signed_in, begun, sample_database
):
    with sample_database.writing() as session:
        wbe = session.scalars(select(Authority).where(Authority.fase == 9001)).one()
        listed = (
            select(School).join(Ownership, Ownership.school_id == School.id).where(Ownership.authority_id == wbe.id)
        )
        secondary = select(Teaching.school_id).where(Teaching.education_type == EducationType.SECONDARY_ORDINARY)
        silent = School.id.in_(secondary), School.id.not_in(select(AdherenceRecord.school_id))
        schools = session.scalars(listed.where(*silent).limit(2)).all()
        for school in schools:
            box = Contact(authority=wbe, **factories.contact(f"direction{school.fase}@ecole.example", added_at=NOW))
            session.add(box)
            session.flush()
            session.add(ContactSchool(contact_id=box.id, school_id=school.id))
    fields = {"asked": "1", "network": "WBE", "concerns": "open"}
    values = {
        boxes: text_of(author.get(f"{begun}/audience", query_string={**fields, "boxes": boxes})) for boxes in Boxes
    }
    assert "1 boîte de PO, 2 boîtes d’école" in values[Boxes.BOTH]
    assert "0 boîte de PO, 2 boîtes d’école" in values[Boxes.SCHOOLS]
    assert re.search(r"À \d+ écoles concernées, rien n’est écrit", values[Boxes.SCHOOLS])
    assert "boîte de PO" not in values[Boxes.AUTHORITY] + text_of(author.get(f"{begun}/audience", query_string=fields))
    author.send(f"{begun}/audience", {**fields, "boxes": "both"})
    with sample_database.reading() as session:
        assert session.get_one(Campaign, 1).boxes is Boxes.BOTH
    dated(author, begun)
    page = text_of(author.get(f"{begun}/check"))
    assert "Écrire Aux deux" in page
    whom = re.search(r"Demander la validation de l’envoi à (1 PO, \d+ écoles, 3 boîtes)", page)[1]
    author.send(f"{begun}/submission", page=f"{begun}/dates")
    page = text_of(signed_in("approver").get(f"{begun}/check"))
    assert f"Si vous planifiez, l’envoi à {whom} part le" in page
    assert "soumise à validation" in page
    assert "(1 PO, 3 boîtes)" in page


@pytest.mark.full
def test_the_account_adds_up_and_each_number_leads_to_its_authorities(author, begun):
    page = author.get(f"{begun}/audience?asked=1&concerns=open")
    (account,) = elements(page, "table[@class='account']")
    numbers = {name: int(count.replace("−", "").replace(" ", "")) for name, count in cells(account)}
    targeted, *out, concerned = list(numbers.values())[:3]
    assert (targeted, sum(out) + concerned) == (985, 985)
    *reasons, receive = list(numbers.values())[3:]
    assert concerned - sum(reasons) == receive
    behind = [link.get("href") for link in elements(account, "a")]
    assert len(behind) == len(numbers) - 2
    for address, count in zip(behind, (*out, *reasons, receive), strict=True):
        said = "pouvoirs organisateurs" if count > 1 else "pouvoir organisateur"
        assert f"{count} {said} ." in text_of(author.get(address))


@pytest.mark.journey
@pytest.mark.long
def test_a_list_a_past_letter_or_all_are_one_choice_that_comes_back_as_it_was_made(author, launched_sample):
    with launched_sample.writing() as session:
        members = session.scalars(select(Authority.id).limit(3)).all()
        listed = segments.make_list(session, "Pilotes", members, now=NOW, actor="x").id
        segments.save_segment(session, "Sans adresse", Unreachable(), now=NOW, actor="x")
        mailing = session.scalars(select(Wave.mailing_id).where(Wave.mailing_id.is_not(None))).first()
    begun = author.begin("/campaigns/begin?definition=blank", title="Essai").location
    for chosen, stated in (
        ({"whom": "listed", "listed": f"list:{listed}"}, {"authorities": {"list": listed}}),
        ({"whom": "listed", "listed": "segment:1"}, {"unreachable": {}}),
        ({"whom": "past", "past": str(mailing), "reaction": "reacted.none"}, None),
        ({"whom": "all"}, {"and": []}),
    ):
        assert author.send(begun, {"asked": "1", "title": "Essai", **chosen}).status_code == 302
        with launched_sample.reading() as session:
            criteria = json.loads(session.scalars(select(Campaign.criteria).order_by(Campaign.id.desc())).first())
        assert stated in (None, criteria)
        form = form_of(author.get(begun), "choices")
        assert {name: form[name] for name in chosen} == chosen


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("fase", "words"),
    [
        ("9001", "reçoit"),
        ("xyzzy", "Aucun pouvoir organisateur ne s’appelle"),
        ("1", "Aucun pouvoir organisateur"),
        ("saint", "Plusieurs s’appellent ainsi, tapez le numéro FASE"),
    ],
)
def test_why_this_authority(author, begun, fase, words):
    page = text_of(author.get(f"{begun}/audience?why={fase}"))
    assert words in page


def test_why_not_says_which_condition_fails(author, begun):
    page = text_of(author.get(f"{begun}/audience?asked=1&network=COCOF&why=9001"))
    assert "ne reçoit pas ce courriel" in page
    assert "Non : officiel subventionné COCOF" in page


@pytest.mark.one_example
@pytest.mark.parametrize(
    "query",
    [
        "asked=1&network=x",
        "asked=1&network=WBE&level=x",
        "asked=1&whom=x",
        "asked=1&whom=listed&listed=segment:9",
        "asked=1&whom=listed&listed=list:x",
        "asked=1&whom=past&past=9&reaction=x",
        "asked=1&line=1:zone&line=x&line=x:zone&remove=9",
        "asked=1&line=1:school_status&1.statuses=x&1.strand=1&1.which=x",
        "asked=1&line=1:not_written_since&1.days=99999",
        "asked=1&line=1:&1.json=x",
        "asked=1&line=1:size&1.at_least=9&1.at_most=1",
        "asked=1&add=x",
        "asked=1&add=zone|root",
        "asked=1&add=zone|x|y|z",
        "asked=1&line=1:reacted&1.mailings=999999999&1.reaction=none",
        "find=%5C%27%3Cb%3E",
        "criteria=%7B",
        "criteria=%7B%22password_hash%22%3A1%7D",
        "asked=1&line=1:zone&1.root=%27+OR+1%3D1--",
        "asked=1&concerns=x",
        "asked=1&boxes=x",
        "page=-1&sort=;drop",
    ],
)
def test_a_strange_query_never_breaks_the_page(author, begun, query):
    assert author.get(f"{begun}/audience?{query}").status_code == 200


def test_the_audience_is_exported_with_its_reasons(author, begun):
    response = author.get(f"{begun}/audience.xlsx?criteria=%7B%22network%22%3A%5B%22COCOF%22%5D%7D")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(response.data)).get_sheet_by_index(0).to_python()
    assert rows[0][0] == "FASE"
    assert len(rows) == 2
    assert author.get(f"{begun}/audience.csv?criteria=x").status_code == 400


@pytest.mark.journey
@pytest.mark.long
def test_a_campaign_to_everybody_needs_its_count_typed(author, begun, sample_database):
    author.send(f"{begun}/audience", {"asked": "1", "concerns": "open"})
    dated(author, begun)
    page = text_of(author.get(f"{begun}/check"))
    count = re.search(r"Demander la validation de l’envoi à ([\d ]+) PO", page)[1].replace(" ", "")
    refused = author.send(f"{begun}/submission", page=f"{begun}/dates")
    assert refused.status_code == 422
    assert "confirmez leur nombre" in refused.text
    assert author.send(f"{begun}/submission", {"confirmed": "1"}, page=f"{begun}/check").status_code == 422
    assert author.send(f"{begun}/submission", {"confirmed": count}, page=f"{begun}/check").status_code == 302
    with sample_database.reading() as session:
        assert session.get_one(Campaign, 1).state is CampaignState.TO_APPROVE


@pytest.mark.long
def test_an_empty_audience_cannot_be_submitted(author, begun):
    author.send(f"{begun}/audience", {"asked": "1", "network": "WBE", **zone("Nulle part")})
    dated(author, begun)
    page = author.get(f"{begun}/check").text
    assert "élargissez le public" in page
    assert "Demander la validation" not in page
    assert author.send(f"{begun}/submission", page=f"{begun}/dates").status_code == 409


@pytest.mark.long
def test_more_conditions_than_forty_are_refused_wherever_they_come_in(author, begun, sample_database):
    most = [{"not": {"school_status": {"strand": 1, "statuses": ["joined"]}}}] * 40
    stated = json.dumps({"and": [*most, {"not": {"network": ["WBE"]}}]})
    refusal = "Ce public compte 41 conditions ; 40 au plus sont permises"
    for given in ({"criteria": stated}, {"asked": "1", "line": "1:", "1.json": stated}):
        assert refusal in text_of(author.get(f"{begun}/audience", query_string=given))
        refused = author.send(f"{begun}/audience", given)
        assert refused.status_code == 422
        assert refusal in text_of(refused)
    unfinished = FlaskClient.open(author, f"{begun}/audience", query_string={"asked": "1", "line": ["1:zone"] * 41})
    assert refusal in text_of(unfinished)
    assert len(unfinished.data) < 200_000, "no line of them with all its options"
    exported = author.get(f"{begun}/audience.csv", query_string={"criteria": stated})
    assert exported.status_code == 400
    assert refusal in text_of(exported)
    text = (READY_MADE / "invitation-volet-1.md").read_text(encoding="utf-8")
    with pytest.raises(InputError, match=refusal):
        definitions.read(re.sub("criteria = .*", f"criteria = {{ and = [{'{ unreachable = {} }, ' * 41}] }}", text))


@pytest.mark.long
def test_a_campaign_with_more_conditions_is_shown_and_not_submitted(author, begun, sample_database):
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).criteria = json.dumps({"and": [{"unreachable": {}}] * 41})
    for page in ("/campaigns", f"{begun}/audience", f"{begun}/check"):
        assert author.get(page).status_code == 200
    refused = author.send(f"{begun}/submission", page=f"{begun}/letter")
    assert refused.status_code == 422
    assert "41 conditions" in text_of(refused)


@pytest.mark.long
def test_too_many_zones_are_refused_and_the_campaign_stays_readable(author, begun):
    refused = author.send(f"{begun}/audience", {"asked": "1", **zone(*(f"{number:060}" for number in range(300)))})
    assert refused.status_code == 422
    assert "retirez des choix" in text_of(refused)
    assert author.get("/campaigns").status_code == 200


@pytest.mark.long
def test_a_condition_is_added_changed_and_taken_away_in_place(author, begun):
    form = {**form_of(author.get(f"{begun}/audience"), "choices"), "network": "WBE"}
    added = author.get(f"{begun}/audience", query_string={**form, "add": "province|root|Namur"})
    assert condition_lines(added)[-1] == "Au moins une école en province de Namur"
    assert "en province de Namur" in said(added)
    form = form_of(added, "choices")
    number = form["line"][-1].partition(":")[0] if isinstance(form["line"], list) else form["line"].partition(":")[0]
    changed = author.get(f"{begun}/audience", query_string={**form, f"{number}.root": "Liège", f"{number}.not": "1"})
    assert "sauf (au moins une école en province de Liège)" in said(changed)
    gone = author.get(f"{begun}/audience", query_string={**form_of(changed, "choices"), "remove": number})
    assert "province" not in said(gone)
    assert form_of(gone, "choices")["network"] == "WBE"


@pytest.mark.long
def test_what_is_offered_no_longer_stays_in_a_condition_until_it_is_taken_away(author, begun, sample_database):
    kept = '{"zone":["Namur","Zone disparue"]}'
    with sample_database.writing() as session:
        session.get_one(Campaign, 1).criteria = kept
    form = form_of(author.get(f"{begun}/audience"), "choices")
    assert author.send(f"{begun}/audience", {**form, "title": "Autre nom"}).status_code == 302
    with sample_database.reading() as session:
        saved = session.get_one(Campaign, 1)
        assert (saved.title, saved.criteria) == ("Autre nom", kept)


def test_the_newest_lists_are_offered_and_an_older_one_that_is_chosen_keeps_its_name(author, begun, sample_database):
    with sample_database.writing() as session:
        member = session.scalars(select(Authority.id).limit(1)).one()
        lists = [
            segments.make_list(session, f"Liste {n}", [member], now=NOW, actor="x").id for n in range(MOST_OFFERED + 2)
        ]
        session.get_one(Campaign, 1).criteria = f'{{"authorities":{{"list":{lists[0]}}}}}'
    (chosen,) = elements(author.get(f"{begun}/audience"), "select[@name='listed']")
    named = {option.get("value"): text_of(option) for option in chosen}
    assert list(named) == [f"list:{key}" for key in (*lists[:1:-1], lists[0])]
    assert named[f"list:{lists[0]}"] == "La liste « Liste 0 »"
    assert form_of(author.get(f"{begun}/audience"), "choices")["listed"] == f"list:{lists[0]}"


@pytest.mark.long
def test_a_condition_that_is_not_complete_is_said_and_not_saved(author, begun, sample_database):
    values = {"asked": "1", "line": "1:zone", "concerns": "open"}
    fault = "Complétez la condition « Zone des écoles »"
    assert fault in text_of(author.get(f"{begun}/audience", query_string=values))
    assert fault not in text_of(author.get(f"{begun}/audience", query_string={"asked": "1", "add": "zone"}))
    refused = author.send(f"{begun}/audience", values)
    assert refused.status_code == 422
    assert fault in text_of(refused)
    with sample_database.reading() as session:
        assert session.get_one(Campaign, 1).criteria == '{"level":["secondary"]}'


@pytest.mark.long
@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"line": "1:authorities", "1.fase": " ".join(map(str, range(1, 102)))}, "indiquez 100 numéros FASE au plus"),
        ({"line": "1:authorities", "1.fase": "9001 99999"}, "1 numéro n’est d’aucun PO connu : 99999. Corrigez"),
        ({"line": "1:size", "1.at_least": "5", "1.at_most": "2"}, "le plus petit nombre d’écoles dans « Au moins »"),
    ],
)
def test_a_condition_that_is_refused_says_what_to_do(author, begun, condition, words):
    refused = author.send(f"{begun}/audience", {"asked": "1", "concerns": "open", **condition})
    assert refused.status_code == 422
    assert words in text_of(refused)


def test_networks_and_conditions_are_all_to_be_met(author, begun):
    values = {"asked": "1", "network": ["Libre confessionnel"], **zone("Namur")}
    assert "libre confessionnel, au moins une école en zone Namur" in said(
        author.get(f"{begun}/audience", query_string=values)
    )


@pytest.mark.long
def test_all_criteria_are_found_in_words_and_one_by_one_of_its_choices(author, begun):
    def offered(words):
        page = author.get(f"{begun}/audience", query_string={"find": words})
        return {button.get("value"): text_of(button) for button in elements(page, "button[@name='add']")}

    assert set(offered("")) >= set(LEAVES) - {"received", "reacted", "reached"}  # nothing was sent yet
    assert offered("sans reponse")["school_status|statuses|none"] == "Statut des écoles : Sans réponse"
    assert {"zone|root|Namur", "province|root|Namur", "municipality|root|Namur"} <= set(offered("namur"))
    assert "never_answered" in offered("relance")
    assert offered("xyz") == {}


@pytest.mark.journey
@pytest.mark.long
def test_the_name_of_the_campaign_comes_first(author, begun, sample_database):
    form = form_of(author.get(f"{begun}/audience"), "choices")
    assert author.send(f"{begun}/audience", {**form, "title": "Relance de mai"}).status_code == 302
    for title, words in (("", "Indiquez le nom"), ("a\u202eb", "interdit"), ("x" * 201, "200"), ("a\x00b", "interdit")):
        refused = author.send(f"{begun}/audience", {**form, "title": title})
        assert refused.status_code == 422, title
        assert words in text_of(refused), title
    with sample_database.reading() as session:
        assert session.get_one(Campaign, 1).title == "Relance de mai"
