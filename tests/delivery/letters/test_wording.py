"""Remarks on a letter's wording: each kind is found where it stands, what is right is left in peace, in little time."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.delivery.letters import wording_remarks
from outreach.delivery.letters._language import LONGEST_SOURCE
from outreach.delivery.letters._wording import MOST, Remark
from outreach.directory.reference import ACRONYMS

SUBJECT = "FASE ((fase_po)) – Équipement numérique, avant le ((date_limite))"
LETTER = """Madame, Monsieur,

(% if rappel %)
Ceci est un rappel : l’adhésion n’est pas encore enregistrée.
(% endif %)

## Le premier volet

Le réseau « ((réseau|défaut("d'accueil  GRATUIT!"))) » compte ((écoles_restantes|nombre)) écoles ; les voici :

((tableau_écoles))

### Pour en savoir plus

- [La circulaire 7831](https://www.circulaires.example/mail/7831?urgent=1!!)
- Écrivez à info@mail.example, ou voyez https://mail.example/?a=1;b : **tout y est** !

Bien cordialement,
((contact))
"""


def said(source, subject=SUBJECT):
    return [remark.text for remark in wording_remarks(subject, source, ACRONYMS)]


def about(source, word):
    return [remark.line for remark in wording_remarks(SUBJECT, source) if word in remark.text]


def words(count):
    return " ".join(["mot"] * count)


def test_a_letter_well_written_gets_no_remark():
    assert wording_remarks(SUBJECT, LETTER) == []


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("Voici d'école en école.", "Mettez une apostrophe courbe : « d’école »."),
        ("Voici les écoles d'((nom_po)).", "Mettez une apostrophe courbe : « d’… »."),
        ('Le "volet" premier.', 'Écrivez les guillemets « … » plutôt que "…".'),
        ("Attention!", "Mettez une espace avant « ! »."),
        ("**Attention** : ((nom_po)); voyez.", "Mettez une espace avant « ; »."),
        ("Le «volet» premier.", "Mettez une espace à l’intérieur des guillemets « … »."),
        ("Deux  espaces.", "Ne laissez qu’une espace entre deux mots."),
        ("Demandez-le au directeur.", "Plutôt que « au directeur », écrivez par exemple « la direction »."),
        (
            "Pour les enseignants.",
            "Plutôt que « les enseignants », écrivez par exemple « les enseignantes et les enseignants ».",
        ),
        ("Monsieur le Président,", "Plutôt que « Monsieur le Président », écrivez « Madame, Monsieur »."),
        ("Monsieur,", "Plutôt que « Monsieur », écrivez « Madame, Monsieur »."),
        ("Chers collègues,", "Plutôt que « Chers », écrivez « Chères et chers »."),
        ("La Ministre Ada Dupont l’annonce.", "Nommez la fonction, pas la personne : « Ministre Ada Dupont »."),
        (
            "Votre contact : Mme Ada Dupont, ministre de l’Éducation.",
            "Nommez la fonction, pas la personne : « Mme Ada Dupont, ministre ».",
        ),
        ("Répondez RAPIDEMENT.", "Écrivez « RAPIDEMENT » en minuscules : les capitales se lisent mal."),
        ("C’est Gratuit.", "Évitez « Gratuit » : les filtres à pourriel s’en méfient."),
        ("Dernière chance pour adhérer.", "Évitez « Dernière chance » : les filtres à pourriel s’en méfient."),
        ("Des €€€ pour l’école.", "Évitez « €€€ » : les filtres à pourriel s’en méfient."),
        ("Pour {{nom_po}}.", "Les champs s’écrivent ((champ))."),
        ("{% if x %}", "Les champs s’écrivent ((champ))."),
        ("Un <b>mot</b>.", "Retirez « <b> » : les balises partiront comme du texte."),
        ("<script src=x>", "Retirez « <script src=x> » : les balises partiront comme du texte."),
        ("Voyez [ici](https://fwb.example).", "Dites où mène le lien : « ici » ne le dit pas."),
        ("Répondez par e-mail.", "Écrivez « courriel » plutôt que « e-mail »."),
        ("Un mail suffit.", "Écrivez « courriel » plutôt que « mail »."),
        ("### Titre", "Ce titre saute un niveau : écrivez-le avec ##."),
        ("## Titre\n#### Détail", "Ce titre saute un niveau : écrivez-le avec ###."),
        (words(41) + ".", "Coupez cette phrase : 41 mots, 40 au plus."),
        (f"{words(30)}. " * 4 + "Oui.", "Coupez ce paragraphe : 121 mots, 120 au plus."),
    ],
)
def test_each_kind_is_told_with_what_to_do(written, advice):
    assert said(written) == [advice]


@pytest.mark.parametrize(
    "written",
    [
        "Les enseignantes et les enseignants, la directrice ou le directeur.",
        "Les enseignant·es, les enseignant(e)s, la direction, les élèves.",
        "Madame la Présidente, Monsieur le Président,",
        "Le Ministre-Président et la Ministre de l’Éducation ont décidé.",
        "Le SeGEC, le CECP, le CPEONS, la FELSI, la COCOF, les numéros FASE, Louis XVIII.",
        "Lancez un appel d’offres ; les offres viennent à 14:30.",
        'Les champs ((nom_po|défaut("l\'école !!  MAJUSCULE"))) et (% if une_école %)l’école(% endif %) sont remplis.',
        "Une ligne,  \nune autre ligne.\n\n    - un élément",
        "Est-ce 1 < 2 et 3 > 2 ?",
        "Un mot\u00a0: un autre\u202f! Et encore un\u202f?",
    ],
)
def test_what_is_right_is_left_in_peace(written):
    assert said(written) == []


def test_the_subject_is_line_zero_and_is_read_like_the_letter():
    found = wording_remarks("URGENT:\r\nlisez l'objet\r", "Bonjour.")
    assert {remark.line for remark in found} == {0}
    assert len(found) == 5


@pytest.mark.parametrize(
    "date", ["((date_limite))", "(( date_limite|date ))", "1er juin", "30 juin 2021", "30/06/2021"]
)
def test_a_date_in_the_subject_is_asked_for_in_any_of_its_forms(date):
    assert said("", f"Répondez avant le {date}") == []
    assert said("", "Répondez vite") == ["Indiquez la date limite dans l’objet : ((date_limite))."]


def test_a_subject_is_as_long_as_one_of_its_branches():
    both = "(% if une_école %)" + "a" * 70 + "(% else %)" + "b" * 70 + "(% endif %) le 3 mai"
    assert said("", both) == []
    assert said("", "(% if rappel %)" + "a" * 81 + "(% endif %) le 3 mai") == []
    assert said("", "a" * 82 + " le 3 mai") == ["Raccourcissez l’objet : 91 caractères, 90 au plus."]


def test_a_sentence_is_counted_by_one_of_its_branches_and_where_it_begins():
    either = f"(% if une_école %){words(30)}(% else %){words(30)}(% endif %)."
    assert said(either) == []
    assert about(f"Un titre.\n\nCourt.\n{words(41)}\n{words(3)}. Court.", "44 mots") == [4]


def test_conditions_on_their_own_line_part_paragraphs():
    assert (
        said(f"(% if une_école %)\n{words(39)}\n(% else %)\n{words(39)}\n(% endif %)\n- {words(39)}\n- {words(39)}")
        == []
    )


def test_a_mark_between_spaces_is_no_word_and_a_field_is_one():
    assert said(words(38) + " : ((nom_po)) – ((fase_po)) !") == []
    assert said(words(39) + " : ((nom_po)) – ((fase_po)) !") == ["Coupez cette phrase : 41 mots, 40 au plus."]


def test_one_remark_of_a_kind_for_each_line_and_in_their_order():
    found = wording_remarks(SUBJECT, "l'un, l'autre, d'ici\r\nRien.\r\nun mail, l'autre mail")
    assert [remark.line for remark in found] == [1, 3, 3]


def test_thirty_remarks_are_enough():
    found = wording_remarks(SUBJECT, "l'un  mail\n" * 100)
    assert len(found) == MOST
    assert found[-1].line == 10


@given(
    st.text(max_size=200),
    st.lists(st.text() | st.sampled_from(["((", "))", "(% else %)", "(% endif %)", "\n"])).map("".join),
)
def test_any_text_is_remarked_on_in_order_and_within_its_lines(subject, source):
    found = wording_remarks(subject, source)
    last = len(re.split(r"\r\n|\r|\n", source))
    assert found == sorted(found, key=lambda remark: remark.line)
    assert all(isinstance(remark, Remark) and 0 <= remark.line <= last for remark in found)


def seconds(work):
    return min(-time.process_time() + (work(), time.process_time())[1] for _ in range(5))


@pytest.mark.deep
def test_the_longest_letter_takes_no_more_than_reading_its_words_a_few_times():
    longest = (LETTER * 200)[: LONGEST_SOURCE - 6000]
    reading = seconds(lambda: [word.casefold() for word in re.findall(r"\w+", longest)])
    assert seconds(lambda: wording_remarks(SUBJECT, longest)) < 15 * reading


@pytest.mark.deep
@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "A",
            "Ab ",
            "Ab-’",
            "((",
            "((a(b)",
            "(% ",
            "(% if x %)",
            "(% else %)",
            "a'",
            '"',
            "a!",
            " ",
            "a  ",
            "<a",
            "[",
        ),
        *("[ici](", "](", "{", "«", "le directeur ", "ministre Ab ", "mail-", "#", "a. ", "https://", "CDM", "e\u0301"),
    ],
)
def test_a_hostile_letter_takes_time_by_its_length_only(piece):
    short, long = (piece * (size // len(piece)) for size in (8_000, 64_000))
    assert seconds(lambda: wording_remarks("", long)) < 8 * 5 * max(seconds(lambda: wording_remarks("", short)), 0.001)
