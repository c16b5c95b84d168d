"""Every field that takes a date, with what is no date of ours (the A family of bad input)."""

import pytest

from outreach.campaigns.models import Campaign
from outreach.core.text.dates import BRUSSELS
from tests.pages import elements, text_of
from tests.web.campaigns.test_campaigns import begun, dated, typed, version
from tests.web.test_adherence import record

__all__ = ["begun"]
BAD = ["0001-01-01", "30/06/2021\x00"]


def called(author, day):
    form = {"kind": "phone", "day": day, "person": "", "note": "Rappeler"}
    return author.send("/directory/9300/calls", form, page="/directory/9300/history")


@pytest.mark.journey
@pytest.mark.long
@pytest.mark.parametrize("day", BAD)
def test_no_field_takes_what_is_no_date(author, begun, day):
    refused = {
        "a status": record(author, 9300, day=day),
        "a call": called(author, day),
        "the first wave": dated(author, begun, day=day),
        "the last day": dated(author, begun, stops_on=day),
        "the situation's rows": author.get("/situation/schools", query_string={"as_of": day.replace("\x00", "x")}),
        "the situation's file": author.get("/situation/export.csv", query_string={"as_of": day.replace("\x00", "x")}),
    }
    codes = {name: response.status_code for name, response in refused.items()}
    assert set(codes.values()) <= {400, 422}, codes
    for name, response in refused.items():
        assert "date" in response.text or "entre 2000" in response.text, name


@pytest.mark.long
@pytest.mark.parametrize("day", ["1er mai 2021", "03/05/2021"])
def test_every_field_takes_a_date_as_people_write_it(author, begun, day):
    assert record(author, 9300, day=day).status_code == 302
    assert called(author, day).status_code == 302
    assert dated(author, begun, day=day.replace("2021", "2027")).status_code == 302
    assert author.get("/situation/schools", query_string={"as_of": day}).status_code == 200


@pytest.mark.journey
@pytest.mark.long
def test_an_hour_is_read_as_people_write_it(author, begun, sample_database):
    for written, meant in {"8": "08:00", "8h": "08:00", "8h30": "08:30", "8 h 05": "08:05", "14:30": "14:30"}.items():
        assert dated(author, begun, hour=written).status_code == 302, written
        with sample_database.reading() as session:
            assert f"{session.get_one(Campaign, 1).starts_at.astimezone(BRUSSELS):%H:%M}" == meant
        assert f'value="{meant}"' in author.get(f"{begun}/dates").text
    for written in ("24", "8h60", "8h3", "830", "8 heures", "٨"):
        assert "n’est pas une heure" in text_of(dated(author, begun, hour=written)), written


def panel(page, identity):
    """What the part of a page says that a script takes from it."""
    (found,) = [part for part in elements(page, "*[@id]") if part.get("id") == identity]
    return text_of(found)


LIVE = {"HX-Request": "true"}
DATED = {"day": "18/05/2027", "hour": "9:30", "reminders": "", "deadline_days": "30", "stops_on": ""}


@pytest.mark.journey
@pytest.mark.long
def test_what_follows_the_typing_says_what_saving_says(author, begun):
    wrong = {**DATED, "hour": "25:00", "deadline_days": "0", "version": version(author, begun, "dates")}
    live, saved = author.get(f"{begun}/dates", query_string=wrong), dated(author, begun, **wrong)
    for said in ("« 25:00 » n’est pas une heure : écrivez 9:30.", "Indiquez un nombre de jours entre 1 et 366."):
        assert said in panel(live, "plan")
        assert said in panel(live, "status")
        assert said in panel(saved, "error-summary")
    unnamed = {**typed(author, begun), "contact_name": " ", "contact_email": "x"}
    live = author.send(f"{begun}/letter/preview", unnamed, page=f"{begun}/letter")
    saved = author.send(f"{begun}/letter", unnamed)
    for said in ("Indiquez la personne de contact", "n’est pas une adresse"):
        assert said in panel(live, "preview")
        assert said in panel(saved, "error-summary")
    values = {"asked": "1", "concerns": "open", "line": "1:not_written_since", "1.days": "x"}
    live, saved = author.get(f"{begun}/audience", query_string=values), author.send(f"{begun}/audience", values)
    for page in (live, saved):
        assert "« x » n’est pas un nombre" in panel(page, "fault")
        assert "« x » n’est pas un nombre" in panel(page, "status")


@pytest.mark.journey
@pytest.mark.long
def test_what_follows_the_typing_says_that_somebody_else_changed_the_campaign(author, begun):
    read = {"version": version(author, begun, "dates")}
    mine = {**typed(author, begun), **read}
    values = {"asked": "1", "concerns": "open", **read}
    assert "Quelqu’un a modifié" not in author.get(f"{begun}/audience", query_string=values, headers=LIVE).text
    author.send(f"{begun}/letter", {**mine, "subject": "Autre"})
    assert "Quelqu’un a modifié" in panel(author.get(f"{begun}/dates", query_string={**DATED, **read}), "plan")
    assert "Quelqu’un a modifié" in panel(
        author.send(f"{begun}/letter/preview", mine, page=f"{begun}/letter"), "preview"
    )
    live = author.get(f"{begun}/audience", query_string=values, headers=LIVE)
    assert "Quelqu’un a modifié" in panel(live, "fault")
    assert "Quelqu’un a modifié" not in author.get(f"{begun}/audience", query_string=values).text, "gone back to"


def test_a_deadline_that_the_calendar_moves_is_said_while_the_dates_are_chosen(author, begun):
    values = {**DATED, "deadline_days": "4"}
    live = author.get(f"{begun}/dates", query_string=values)
    moved = "est déplacée du samedi 22 mai 2027 au lundi 24 mai 2027 : week-end."
    assert f"La date limite de la première vague {moved}" in panel(live, "plan")


@pytest.mark.long
def test_rungs_are_chosen_with_the_dates_and_read_where_the_campaign_is_checked(author, begun):
    rungs = {"other_mailbox": "2", "paper": "5", "paper_when": "failed", "call": "12", "call_when": "silent"}
    author.send(f"{begun}/dates", {**DATED, **rungs, "version": version(author, begun, "dates")})
    page = text_of(author.get(f"{begun}/check"))
    assert "Lettre sur papier, 5 jours après la vague, si ce qui précède a échoué" in page
    assert "Appel, 12 jours après la vague, si ce qui précède a échoué, ou rien n’est revenu" in page
    same = {**DATED, **rungs, "call": "5", "version": version(author, begun, "dates")}
    refused = author.send(f"{begun}/dates", same)
    assert refused.status_code == 422
    assert "Donnez à chaque échelon son propre délai" in text_of(refused)


@pytest.mark.long
def test_the_author_chooses_a_last_day_to_answer_and_letter_page_and_check_agree(author, begun, sample_database):
    author.send(f"{begun}/dates", {**DATED, "reminders": "14", "deadline_on": "2027-06-18", "deadline_days": ""})
    check = text_of(author.get(f"{begun}/check"))
    assert "Au plus tard le vendredi 18 juin 2027" in check
    assert text_of(author.get(f"{begun}/dates")).count("Réponse au plus tard le vendredi 18 juin 2027.") == 2
    exact = text_of(author.get(f"{begun}/letter/exact?view=text"))
    assert "au plus tard le 18 juin 2027" in exact
    assert "À répondre pour le 18 juin" in exact
    author.send(f"{begun}/dates", {**DATED, "deadline_on": ""})
    assert "Au plus tard le jeudi 17 juin 2027" in text_of(author.get(f"{begun}/check")), "a number of days again"


@pytest.mark.long
def test_a_wave_after_the_last_day_to_answer_blocks(author, begun, sample_database):
    author.send(f"{begun}/dates", {**DATED, "reminders": "14", "deadline_on": "2027-05-20"})
    check = text_of(author.get(f"{begun}/check"))
    assert "La relance 1 part le 1er juin 2027, après la date limite de réponse, le 20 mai 2027" in check
    assert "Demander la validation" not in check
    wrong = author.send(f"{begun}/dates", {**DATED, "deadline_on": "2027-05-03"})
    assert (wrong.status_code, "précède la première vague" in text_of(wrong)) == (422, True)
