"""Programmes' pages: a file is sent or changed, its difference seen, then applied as it was seen."""

import io
import json
import re

import pytest
from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.models import Programme
from outreach.campaigns.letter import WrittenLetter, freeze_letter
from outreach.campaigns.models import Campaign
from outreach.core.audit import AuditEntry, Event
from outreach.core.text.errors import Refused
from outreach.directory.models import Level
from outreach.integrations import webhooks_in
from outreach.reports import notes
from outreach.reports.notes import NoteRequest
from outreach.staff import removed_programmes
from outreach.web.pages.administration.programme_forms import MOST_RULES
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW
from tests.pages import elements, form_of, links, text_of
from tests.programmes import two_programmes

__all__ = ["two_programmes"]
PLACE = "/administration/programmes"


def sent(chief, text):
    """The page of what a file would change."""
    return chief.send(f"{PLACE}/file", {"file": (io.BytesIO(text.encode()), "x.toml")}, page=PLACE)


@pytest.fixture
def chief(signed_in):
    return signed_in("administrator")


def texts(page):
    return [text_of(item) for item in elements(page, "main//li")]


@pytest.mark.journey
@pytest.mark.long
def test_a_programme_is_changed_by_its_file_its_difference_first_and_the_audit_repeats_it(chief, sample_database):
    listed = chief.get(PLACE)
    assert "volet 1, à partir du 15 janvier 2021" in text_of(listed).replace("\xa0", " "), "in its strand's row"
    assert typed(chief.get(f"{PLACE}/1"))["strands-1-rules-0-requires"] == "1"
    ((file, _),) = links(listed, f"{PLACE}/1/programme.toml")
    text = chief.get(file).text
    assert "déjà connu" in text_of(sent(chief, text))
    changed = text.replace("2020-11-16", "2020-11-17").replace("Mes outils", "Nos outils")
    changed = changed[: changed.index("[[prerequisites]]")]
    seen = sent(chief, changed)
    assert texts(seen) == [
        "Nom : « Mes outils numériques » → « Nos outils numériques ».",
        "Volet 1, ouvert le : « 16 novembre 2020 » → « 17 novembre 2020 ».",
        "Condition retirée : le volet 2 demande le volet 1, à partir du 15 janvier 2021 jusqu’au 14 février 2021.",
    ]
    assert "change aussi les écoles comptées" in text_of(seen)
    with sample_database.reading() as session:
        assert programmes.get_programme(session).name == "Mes outils numériques", "comparing writes nothing"
    form = form_of(seen, PLACE)
    assert chief.post(PLACE, data=form).location == PLACE
    assert "Nos outils numériques" in text_of(chief.get(PLACE))
    with sample_database.reading() as session:
        told = session.scalars(select(AuditEntry.sentence).order_by(AuditEntry.id.desc())).first()
        assert told.startswith("Programme « Nos outils numériques » chargé. Nom : « Mes outils")
    stale = chief.post(PLACE, data=form)
    assert stale.status_code == 409
    assert "changé entre-temps" in text_of(stale)


def test_a_new_programme_is_loaded_by_its_file(chief, sample_database):
    content = b'code = "lecture"\nname = "Lecture"\n[[strands]]\nnumber = 1\nname = "Volet"\nopened_on = 2027-01-01\n'
    seen = chief.send(f"{PLACE}/file", {"file": (io.BytesIO(content), "x.toml")}, page=PLACE)
    assert texts(seen) == ["Volet 1 : Volet, nouveau, ouvert le 1er janvier 2027, niveau secondaire."]
    chief.post(PLACE, data=form_of(seen, PLACE))
    with sample_database.reading() as session:
        made = session.scalars(select(Programme).where(Programme.code == "lecture")).one()
        stated = programmes.read_programme(programmes.as_file(session, made))
        assert programmes.programme_difference(session, stated).changes == []
        assert chief.get(f"{PLACE}/{made.id}/programme.toml").text == programmes.as_file(session, made)


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[[strands", "TOML"),
        (b"fase;adresse\n1;2\n", "TOML"),
        (b"\x00\xff" * 20, "TOML"),
        (b'code = "X"\nname = "x"\nstrands = []\n', "Programme refusé"),
        (b"#" * 65_000, "64 000"),
        (
            b'code = "mon"\nname = "x"\n[[strands]]\nnumber = 9\nname = "x"\nopened_on = 2027-01-01\n',
            "volet 1 sert déjà",
        ),
    ],
    ids=["cut", "csv", "binary", "faulty", "long", "dropped"],
)
def test_a_file_that_is_no_programme_is_refused_in_a_sentence(chief, sample_database, content, words):
    with sample_database.reading() as session:
        code = programmes.get_programme(session).code
    content = content.replace(b'"mon"', f'"{code}"'.encode())
    refused = chief.send(f"{PLACE}/file", {"file": (io.BytesIO(content), "x.toml")}, page=PLACE)
    assert refused.status_code == 422
    assert any(words in text for _, text in links(refused, "#file")), text_of(refused)


FORM = f"{PLACE}/form"


def typed(page, /, **changes):
    """What the form of a page sends, with these changes."""
    return {**form_of(page, FORM), **changes}


def faults(page):
    return [text_of(item) for item in elements(page, "*[@id='error-summary']//li")]


@pytest.mark.journey
@pytest.mark.long
def test_a_strand_is_added_by_the_form_seen_first_and_taken_back(chief, sample_database):
    page = chief.get(f"{PLACE}/1")
    more = chief.post(FORM, data=typed(page, add="1"))
    form = typed(more)
    assert (form["strands-2-number"], form["strands-0-opened_on"]) == ("3", "16/11/2020")
    fields = {
        "strands-2-name": "Des classes primaires équipées",
        "strands-2-circular": "8100",
        "strands-2-opened_on": "1er février 2027",
        "strands-2-closed_on": "30/06/2027",
        "strands-2-levels": ["primary", "nursery"],
        "strands-2-rules-0-requires": "1",
        "strands-2-rules-0-since": "01/02/2027",
    }
    seen = chief.post(FORM, data={**form, **fields})
    third = "Volet 3 : Des classes primaires équipées, nouveau"
    assert texts(seen) == [
        f"{third}, ouvert le 1er février 2027, ferme le 30 juin 2027, niveaux maternel et primaire, circulaire 8100.",
        "Condition ajoutée : le volet 3 demande le volet 1, à partir du 1er février 2027.",
    ]
    back = typed(chief.post(f"{PLACE}/again", data=form_of(seen, f"{PLACE}/again")))
    assert back["strands-2-opened_on"] == "01/02/2027", "nothing typed is lost on the way back"
    assert back["strands-2-levels"] == ["nursery", "primary"]
    assert not links(chief.get(PLACE), f"{PLACE}/1/before"), "nothing to take back yet"
    assert chief.post(PLACE, data=form_of(seen, PLACE)).location == PLACE
    with sample_database.reading() as session:
        third = programmes.get_programme(session).strands[2]
        assert (third.number, third.closed_on.isoformat(), third.levels) == (
            3,
            "2027-06-30",
            (Level.NURSERY, Level.PRIMARY),
        )
    ((undo, _),) = links(chief.get(PLACE), f"{PLACE}/1/before")
    with sample_database.writing() as session:  # a strand that has served stays
        served = factories.campaign(session, factories.invitation(strand=3), NOW).id
        other = programmes.strand_named(session, "", 1).id
    page = text_of(chief.get(PLACE)).replace("\xa0", " ")
    assert not links(chief.get(PLACE), undo)
    assert "ne s’annule plus : il a ajouté le volet 3, qui a servi depuis" in page
    assert chief.get(undo).status_code == 409
    with sample_database.writing() as session:
        session.get_one(Campaign, served).strand_id = other
    undone = chief.get(undo)
    assert texts(undone) == [
        "Volet 3 : Des classes primaires équipées, retiré.",
        "Condition retirée : le volet 3 demande le volet 1, à partir du 1er février 2027.",
    ]
    chief.post(PLACE, data=form_of(undone, PLACE))
    with sample_database.reading() as session:
        assert [strand.number for strand in programmes.get_programme(session).strands] == [1, 2]
        assert len(programmes.list_prerequisites(session, programmes.get_programme(session))) == 1


def test_a_strand_that_served_says_what_it_holds_and_is_never_removed(chief, sample_database):
    page = chief.get(f"{PLACE}/1")
    assert "écoles" in text_of(page)
    assert not elements(page, "button[@name='remove']")
    assert "Un volet qui a servi ne se retire pas" in text_of(page)
    kept = typed(chief.post(FORM, data=typed(page, remove="1")))
    assert kept["strands-0-number"] == "1", "a button that the page never showed removes nothing"
    form = {name: value for name, value in typed(page).items() if not re.match("strands-0-|strands-.-rules-", name)}
    refused = chief.post(FORM, data=form)
    assert refused.status_code == 422
    assert "Le volet 1 sert déjà" in faults(refused)[0]
    with sample_database.reading() as session:
        assert len(programmes.get_programme(session).strands) == 2


def test_a_row_that_nothing_stands_on_is_removed_and_the_others_keep_what_was_typed(chief):
    page = chief.post(FORM, data=typed(chief.get(f"{PLACE}/1"), add="1", name="Un autre nom"))
    again = chief.post(FORM, data=typed(page, remove="3"))
    assert "strands-2-number" not in typed(again)
    assert typed(again)["name"] == "Un autre nom"


def test_each_fault_names_its_row_and_its_column_and_nothing_typed_is_lost(chief):
    page = chief.post(FORM, data=typed(chief.get(f"{PLACE}/1"), add="1"))
    fields = {
        "strands-0-closed_on": "01/01/2020",
        "strands-1-opened_on": "31/02/2021",
        "strands-2-opened_on": "",
        "strands-1-rules-0-requires": "2",
        "strands-2-rules-0-requires": "9",
        "strands-2-rules-0-since": "demain",
    }
    refused = chief.post(FORM, data=typed(page, **fields))
    assert refused.status_code == 422
    assert faults(refused) == [
        "Volet 1, « Ferme le » : Il ferme avant d’avoir ouvert.",
        "Volet 2, « Ouvert le » : « 31/02/2021 » n’est pas une date : écrivez par exemple 30/06/2021.",
        "Volet 2, condition 1, « Demande d’abord » : Choisissez un autre volet de ce programme : 1, 3.",
        "Volet 3, « Nom » : Donnez un nom à ce volet.",
        "Volet 3, « Ouvert le » : Indiquez une date, par exemple 30/06/2021.",
        "Volet 3, « Écoles concernées » : Cochez au moins un niveau.",
        "Volet 3, condition 1, « Demande d’abord » : Choisissez un autre volet de ce programme : 1, 2.",
        "Volet 3, condition 1, « à partir du » : « demain » n’est pas une date : écrivez par exemple 30/06/2021.",
    ]
    assert fields.items() <= typed(refused).items()
    for target in links(refused, "#strands-1-opened_on"):
        assert target
    assert elements(refused, "input[@id='strands-1-opened_on'][@aria-invalid='true']")


@pytest.mark.long
def test_a_new_programme_is_made_by_the_form_and_takes_no_code_of_another(chief, sample_database):
    page = chief.get(f"{PLACE}/new")
    fields = {"name": "Lecture", "strands-0-name": "Lire", "strands-0-opened_on": "01/09/2026"}
    fields["strands-0-levels"] = "secondary"
    with sample_database.reading() as session:
        code = programmes.get_programme(session).code
    for wrong, words in ((code, "autre programme"), ("Plan Lecture", "minuscules")):
        refused = chief.post(FORM, data=typed(page, **fields, code=wrong))
        assert words in faults(refused)[0]
    seen = chief.post(FORM, data=typed(page, **fields, code="lecture"))
    assert texts(seen) == ["Volet 1 : Lire, nouveau, ouvert le 1er septembre 2026, niveau secondaire."]
    chief.post(PLACE, data=form_of(seen, PLACE))
    with sample_database.reading() as session:
        assert programmes.get_programme(session, "lecture").strands[0].name == "Lire"


def test_a_form_changes_the_programme_whose_page_it_stands_on_whatever_code_it_says(chief, sample_database):
    content = b'code = "lecture"\nname = "Lecture"\n[[strands]]\nnumber = 1\nname = "Volet"\nopened_on = 2027-01-01\n'
    seen = chief.send(f"{PLACE}/file", {"file": (io.BytesIO(content), "x.toml")}, page=PLACE)
    chief.post(PLACE, data=form_of(seen, PLACE))
    with sample_database.reading() as session:
        code, name = session.execute(select(Programme.code, Programme.name).where(Programme.id == 1)).one()
    for other in ("lecture", "Pas un code"):
        seen = chief.post(FORM, data=typed(chief.get(f"{PLACE}/1"), code=other, name="Autre nom"))
        assert texts(seen) == [f"Nom : « {name} » → « Autre nom »."], other
        assert programmes.read_programme(form_of(seen, PLACE)["text"]).code == code


def test_a_form_without_a_strand_is_refused(chief):
    page = chief.get(f"{PLACE}/new")
    empty = chief.post(FORM, data=typed(page, remove="1"))
    refused = chief.post(FORM, data=typed(empty, name="Lecture", code="lecture"))
    assert faults(refused) == ["Un programme a au moins un volet : ajoutez-en un."]


def test_the_form_of_what_is_stored_changes_nothing(chief):
    """Whatever the file states, the form states, too."""
    seen = chief.post(FORM, data=typed(chief.get(f"{PLACE}/1")))
    assert "déjà connu" in text_of(seen)


def of_many_strands(strands):
    """The rows of a form with so many strands, each of which demands all before it; and these pairs."""
    rows = {}
    for number in range(1, strands + 1):
        values = {"number": str(number), "name": f"Volet {number}", "opened_on": "01/09/2026", "levels": "secondary"}
        rows |= {f"strands-{number - 1}-{name}": value for name, value in values.items()}
    pairs = [(later, earlier) for later in range(2, strands + 1) for earlier in range(1, later)]
    for later, earlier in pairs:
        values = {"requires": str(earlier), "since": "01/09/2026"}
        rows |= {f"strands-{later - 1}-rules-{earlier - 1}-{name}": value for name, value in values.items()}
    return rows, pairs


@pytest.mark.long
def test_a_form_takes_more_than_a_hundred_conditions(chief, sample_database):
    rows, pairs = of_many_strands(16)
    assert len(pairs) > 100
    told = typed(chief.get(f"{PLACE}/new"), **rows, code="large", name="Large")
    assert chief.post(PLACE, data=form_of(chief.post(FORM, data=told), PLACE)).location == PLACE
    with sample_database.reading() as session:
        loaded = programmes.get_programme(session, "large")
        assert len(programmes.list_prerequisites(session, loaded)) == len(pairs)
    page = chief.get(f"{PLACE}/{loaded.id}")
    assert rows.items() <= typed(page).items()
    seen = chief.post(FORM, data=typed(page, name="Plus large"))
    assert texts(seen) == ["Nom : « Large » → « Plus large »."]


@pytest.mark.parametrize("pressed", [{}, {"add": "1"}])
def test_a_form_with_more_conditions_than_it_holds_is_refused(chief, pressed):
    page = chief.get(f"{PLACE}/1")
    fields = {"strands-1-rules-1-requires": "1", "strands-1-rules-1-since": "01/02/2027"}
    refused = chief.post(FORM, data=typed(page, **fields, **pressed, **{f"strands-1-rules-{MOST_RULES}-requires": "1"}))
    assert refused.status_code == 422
    assert faults(refused)[0].startswith(f"Un volet a ici {MOST_RULES} conditions au plus")
    assert fields.items() <= typed(refused).items()


def test_a_programme_with_more_conditions_than_the_form_holds_is_changed_in_its_file(chief, sample_database):
    _, pairs = of_many_strands(MOST_RULES + 2)
    strands = "".join(
        f'[[strands]]\nnumber = {number}\nname = "V"\nopened_on = 2026-09-01\nlevel = "secondary"\n'
        for number in range(1, MOST_RULES + 3)
    )
    rules = "".join(
        f"[[prerequisites]]\nstrand = {later}\nrequires = {earlier}\nsince = 2026-09-01\n" for later, earlier in pairs
    )
    text = f'code = "large"\nname = "Large"\n{strands}{rules}'
    seen = sent(chief, text)
    back = chief.post(f"{PLACE}/again", data=form_of(seen, f"{PLACE}/again"))
    assert (back.status_code, "téléchargez son fichier" in text_of(back)) == (409, True)
    chief.post(PLACE, data=form_of(seen, PLACE))
    with sample_database.reading() as session:
        key = programmes.get_programme(session, "large").id
    assert chief.get(f"{PLACE}/{key}").status_code == 409
    assert chief.get(f"{PLACE}/{key}/programme.toml").text.count("[[prerequisites]]") == len(pairs)


@pytest.mark.long
def test_a_day_of_closing_says_how_many_planned_waves_would_not_leave(chief, launched_sample):
    """The sample has two reminders to come, on 1 and 8 June."""
    page = chief.get(f"{PLACE}/1")
    for day, told in (
        ("08/06/2021", ""),
        ("01/06/2021", "Volet 1 : 1 vague planifiée après sa fermeture ne partirait pas."),
        ("31/05/2021", "Volet 1 : 2 vagues planifiées après sa fermeture ne partiraient pas."),
    ):
        seen = text_of(chief.post(FORM, data=typed(page, **{"strands-0-closed_on": day}))).replace("\xa0", " ")
        assert "Volet 1, ferme le : (rien) → « " in seen
        assert told in seen
        assert ("ne partir" in seen) == bool(told)


def test_a_programme_states_its_page_and_words_and_letters_lead_there(chief, sample_database):
    page = chief.get(f"{PLACE}/1")
    words = typed(page)["words"]
    refused = chief.post(FORM, data=typed(page, page="mon site"))
    (fault,) = faults(refused)
    assert "écrivez une adresse complète qui commence par https://" in fault
    assert (typed(refused)["page"], typed(refused)["words"]) == ("mon site", words), "nothing typed is lost"
    address = "https://mes-outils.example/adherer"
    seen = chief.post(FORM, data=typed(page, page=address, words=f"{words}, le grand plan"))
    assert texts(seen) == [
        f"Page du programme : (rien) → « {address} ».",
        f"Mots du programme : « {words} » → « {words}, le grand plan ».",
    ]
    chief.post(PLACE, data=form_of(seen, PLACE))
    with sample_database.writing() as session:
        programme = programmes.get_programme(session)
        assert (programme.page, programme.called[-1]) == (address, "le grand plan")
        stated = programmes.read_programme(programmes.as_file(session, programme))
        assert programmes.programme_difference(session, stated).changes == [], "its file states both"
        campaign = factories.campaign(session, factories.invitation(), NOW)
        draft = freeze_letter(WrittenLetter.of(session, campaign), SENDING, NOW.date(), is_reminder=False).draft
    assert f'Il porte sur : <a href="{address}"' in draft.html.replace("\u202f", " ").replace("\xa0", " ")
    assert f"({address})." in draft.text.replace("\n", " ")
    wrong = 'code = "x"\nname = "x"\npage = "x"\n[[strands]]\nnumber = 1\nname = "x"\nopened_on = 2027-01-01\n'
    refused = sent(chief, wrong)
    assert "ligne 3" in text_of(refused)


def test_a_condition_offers_the_other_strands_of_the_form_by_name(chief):
    page = chief.post(FORM, data=typed(chief.get(f"{PLACE}/1"), add="1", **{"strands-0-name": "Un stock d’appareils"}))
    second = "2 : Le matériel personnel de l’élève"
    for row, others in enumerate(
        ([second, "3"], ["1 : Un stock d’appareils", "3"], ["1 : Un stock d’appareils", second])
    ):
        offered = [text_of(one) for one in elements(page, f"select[@name='strands-{row}-rules-0-requires']/option")]
        assert [one.replace("\xa0", " ") for one in offered] == ["Aucun", *others]
    assert typed(page)["strands-1-rules-0-requires"] == "1"


SPARE = """code = "essai"
name = "Un essai"
[[strands]]
number = 1
name = "Volet"
opened_on = 2021-01-01
[[strands]]
number = 2
name = "Second"
opened_on = 2021-01-01
[[prerequisites]]
strand = 2
requires = 1
since = 2021-02-01
"""


@pytest.mark.long
def test_a_programme_that_nothing_stands_on_is_removed_once_asked(chief, author, sample_database):
    seen = sent(chief, SPARE)
    chief.post(PLACE, data=form_of(seen, PLACE))
    with sample_database.reading() as session:
        number = programmes.get_programme(session, "essai").id
    page = chief.get(PLACE)
    assert [led for led, _ in links(page, PLACE) if led.endswith("/removal")] == [f"{PLACE}/{number}/removal"]
    response = chief.get(f"{PLACE}/{number}/removal")
    assert "rien ne repose sur lui" in text_of(response)
    with sample_database.reading() as session:
        assert len(programmes.all_programmes(session)) == 2, "asking takes nothing away"
    assert author.get(f"{PLACE}/{number}/removal").status_code == 403
    chief.post(f"{PLACE}/{number}/removal", data=form_of(response, f"{PLACE}/{number}/removal"))
    with sample_database.reading() as session:
        assert [one.name for one in programmes.all_programmes(session)] == ["Mes outils numériques"]
        told = session.scalars(select(AuditEntry.sentence).order_by(AuditEntry.id.desc())).first()
        assert told == "Programme « Un essai » retiré : rien ne reposait sur lui."
        event = session.scalars(select(Event).order_by(Event.id.desc())).first()
        assert (event.subject, json.loads(event.data)["strands"]) == ("programme:essai", [])
    assert chief.get(f"{PLACE}/{number}/removal").status_code == 404


@pytest.mark.parametrize("use", ["campaign", "draft", "sender"])
def test_a_programme_on_which_something_stands_is_never_removed(chief, two_programmes, use):
    with two_programmes.writing() as session:
        programme = programmes.load_programme(session, SPARE, now=NOW, actor=factories.AUTHOR)
        number = programme.id
        assert removed_programmes.uses(session, programme) == []
        if use == "campaign":
            factories.campaign(session, factories.invitation(programme="essai"), NOW)
        elif use == "draft":
            note_request = NoteRequest(NOW.date(), "Un essai", programme="essai")
            notes.save_draft(session, None, note_request, now=NOW, actor=factories.AUTHOR)
        else:
            fields = {"name": "envoi", "public_key": "", "known": ()}
            webhooks_in.make_source(session, **fields, programme="essai", now=NOW, actor=factories.AUTHOR)
        session.flush()
        with pytest.raises(Refused, match="Quelque chose repose sur ce programme"):
            removed_programmes.remove(session, programme, now=NOW, actor=factories.AUTHOR)
    page = chief.get(f"{PLACE}/{number}/removal")
    assert not elements(page, f"form[@action='{PLACE}/{number}/removal']")
    assert "il ne se retire pas" in text_of(page)
    assert f"{PLACE}/{number}/removal" not in [led for led, _ in links(chief.get(PLACE), PLACE)]
