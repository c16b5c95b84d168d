"""A last day to answer that an author typed agrees with the campaign's own, or is remarked on."""

import time
from datetime import UTC, date, datetime, timedelta

import pytest

from outreach.campaigns.planning import PlannedWave
from outreach.campaigns.planning._schedule import Deadline
from outreach.campaigns.planning._sending_hours import Opening
from outreach.campaigns.review import _written_dates as written_dates

SENT = datetime(2026, 12, 1, 9, tzinfo=UTC)
LIMIT, LATER = date(2027, 1, 4), date(2027, 1, 18)
LAST_DAYS = """
Répondez au plus tard le 15 janvier 2027.
Répondez au plus tard vendredi 15 janvier 2027.
Répondez au plus tard le vendredi 15 janvier.
Merci de répondre pour le 15 janvier 2027 au plus tard.
Votre réponse doit nous parvenir le 15 janvier 2027 au plus tard.
Le 15 janvier 2027 au plus tard, dites-nous où en sont vos écoles.
Inscrivez-vous au plus tard le 15 janvier.
Inscrivez-vous avant le 15 janvier 2027.
Votre formulaire est attendu pour le 15 janvier.
Votre réponse est attendue le 15 janvier 2027.
Nous attendons vos réponses pour le 15 janvier.
Répondez avant le 15 janv. 2027 via le lien ci-dessous.
Répondez avant le 15-01-2027.
Répondez avant le 15.01.2027.
Répondez avant le 15/01/27.
Répondez avant le 15/01 à notre enquête.
Répondez avant vendredi 15 janvier.
Répondez jusqu’à vendredi 15 janvier.
Passé le 15 janvier, nous considérerons que vous n’adhérez pas.
Passé le 15 janvier 2027, il sera trop tard.
Au-delà du 15 janvier, aucune inscription ne sera acceptée.
Après le 15 janvier, votre réponse ne pourra plus être prise en compte.
Répondez pour le 1er février.
Répondez pour le 1 er février 2027.
Vous pouvez répondre jusqu’au 1ᵉʳ févr. 2027.
Répondez d’ici au 15 janvier.
D’ici le 15 janvier, confirmez votre adhésion.
Date limite : 15/01/2027
Date limite de réponse : vendredi 15 janvier 2027
La date limite pour adhérer est fixée au 15 janvier 2027.
La date limite de réponse reste le 15 janvier.
Dernier délai : 15 janvier 2027.
Réponse souhaitée pour le 15 janvier, dernier délai.
L’échéance du 15 janvier approche : répondez vite.
Le délai est prolongé au 15 janvier 2027.
Le 15 janvier 2027 est la date limite de réponse.
Le 15 janvier à midi au plus tard, renvoyez le formulaire.
Les inscriptions sont ouvertes jusqu’au 15 janvier 2027.
Les inscriptions se clôturent le 15 janvier.
Les adhésions se terminent le 15 janvier 2027.
Vous avez jusqu’au 15 janvier pour répondre.
Il vous reste jusqu’au 15 janvier pour remplir le formulaire.
Répondez entre le 4 et le 15 janvier.
Faites-nous part de votre décision avant le 15 janvier.
Veuillez compléter le formulaire pour le vendredi 15 janvier au plus tard.
Renvoyez ce document à M. Dupont avant le 15 janvier.
Vérifiez la liste de vos écoles avant le 15 décembre 2026.
Merci de transmettre votre choix POUR LE 15 JANVIER 2027.
Répondez avant le 15 janvier.
Répondez avant le 2027-01-15.
Répondez avant le 15 fevrier ou le 15 aout.
Signalez-le-nous avant le 28 février.
Nous n’avons pas reçu votre réponse : répondez avant le 15 janvier.
Votre marché est lancé : dites-le-nous avant le 15 janvier.
Répondez : avant le 15 janvier.
| Date limite | 15 janvier 2027 |
Répondez au plus tard le **15 janvier 2027**.
Répondez [avant le 15 janvier](https://ecoles.example/2026-12-31/r).
Nous comptons sur votre réponse pour le 15 janvier.
Merci de nous dire où vous en êtes d’ici vendredi 15 janvier.
Clôture des inscriptions : 15 janvier 2027.
La date ultime pour répondre est le 15 janvier 2027.
Sans nouvelles de votre part avant le 15 janvier, nous clôturons votre dossier.
Les pouvoirs organisateurs répondent pour le 15 janvier 2027.
Les PO intéressés s’inscrivent avant le 15 janvier.
À nous renvoyer pour le 15 janvier.
Répondez pour le 9/1.
Merci de répondre pour jeudi 9/1.
Clôture le 9 janvier.
Clôture : le 9 janvier 2027.
Les inscriptions se clôturent le neuf janvier.
Répondez au plus tard le vingt et un décembre.
Votre réponse est attendue pour le trente-et-un janvier 2027.
Répondez sous 15 jours.
Merci de nous répondre dans les trois semaines.
Répondez dans les trois semaines de la réception de ce courriel.
D’ici deux semaines, confirmez votre adhésion.
Dites-nous, d’ici à vingt jours, où en sont vos écoles.
Renvoyez le formulaire dans un délai de 10 jours.
Votre réponse doit nous parvenir endéans les huit jours.
Vous avez deux semaines pour répondre.
Répondez dans la quinzaine.
Adhérez dans les deux mois.
""".strip().splitlines()
OTHER_DAYS = """
La réunion du 15 janvier est confirmée.
Depuis le 1er septembre, les écoles peuvent répondre en ligne.
Répondez en vous fondant sur la circulaire du 3 décembre 2026.
La circulaire 8123 du 3 décembre 2026 prévoit 2 volets.
Inscrivez-vous à la séance du 15 janvier 2027.
Inscrivez-vous à la réunion prévue pour le 15 janvier.
Répondez avant la réunion du 15 janvier.
La séance d’information a lieu le 15 janvier 2027 à 14 h.
La réunion est fixée au 15 janvier ; dites-nous si vous venez.
Lancez votre marché avant le 30 juin 2027.
Lancez votre marché au plus tard le 30 juin 2027.
Dites-nous quand vos écoles sont prêtes : les appareils doivent être livrés avant le 30 juin 2027.
Répondez vite : votre école doit lancer son marché avant le 30 juin 2027.
Le marché court jusqu’au 30 juin 2027.
Nous vous répondrons au plus tard le 15 février.
Le service vous répondra pour le 15 février.
Nous reviendrons vers vous après le 15 janvier.
Notre bureau est fermé jusqu’au 3 janvier ; répondez ensuite.
Le bureau est fermé du 24 décembre au 3 janvier inclus.
Nous avons reçu votre réponse avant le 1er décembre.
Votre réponse était attendue pour le 1er décembre.
À partir du 15 janvier, vous pourrez vous inscrire.
Dès le 15 janvier, répondez en ligne.
Le décret du 22 décembre 1994 demande une réponse.
Merci pour votre réponse du 3 décembre.
Le 12 mars 2027, répondez à notre enquête.
Vous avez adhéré le 15 janvier 2026.
L’an passé, le 15 janvier, 12 écoles ont répondu.
Répondez pour 2/3 de vos écoles.
Répondez avant de lire l’article 12.5 et les pages 10-12.
Appelez le 02 413 35 00 pour répondre.
Cette offre est valable jusqu’au 30 juin 2027.
Gardez ces factures jusqu’au 31 décembre 2030.
Mai est le mois des réponses.
La circulaire 8123, en vigueur jusqu’au 30 juin 2027, explique comment répondre.
Répondez à l’invitation envoyée avant le 1er décembre.
La plateforme est indisponible jusqu’au 15 janvier : répondez ensuite.
Votre adhésion prendra effet avant le 1er septembre 2027.
Les écoles qui ont adhéré avant le 1er septembre reçoivent un appareil.
Le subside couvre les dépenses faites entre le 1er janvier et le 31 décembre 2027.
Envoyez vos factures avant le 31 mars 2027.
Le neuf janvier, répondez à notre enquête.
Répondez pour les 2/3 de vos écoles, ou pour le 1/3 des implantations.
Clôture de la séance le 9 janvier à 17 h.
La réunion se clôture le 9 janvier à 17 h.
Les appareils sont livrés sous 15 jours.
Nous vous répondrons dans les trois semaines.
Répondez : vous recevrez une confirmation sous 15 jours.
La séance a lieu dans deux semaines : inscrivez-vous.
Répondez dans les trois semaines qui suivent la réunion.
Répondez dans les 15 jours de la réunion.
Répondez sous 15 jours ouvrables.
Répondez après deux semaines d’essai.
Il y a deux semaines, nous vous demandions de répondre.
Vous avez quinze jours pour lancer votre marché : répondez ensuite.
La garantie est de deux ans ; le prêt dure trois semaines.
""".strip().splitlines()


def wave(day, reminder=0):
    at = SENT + timedelta(days=reminder)
    return PlannedWave(reminder + 1, 0, at, Opening(at, at), Deadline(day, day), reminder)


def said(subject, letter="", days=(LIMIT,)):
    waves = [wave(day, number) for number, day in enumerate(days)]
    return [one.replace("\u00a0", " ") for one in written_dates.remarks(subject, letter, waves)]


def test_last_days_to_answer_are_told_from_other_days_by_the_words_around_them():
    assert [one for one in LAST_DAYS if not said("x", one)] == []
    assert [one for one in OTHER_DAYS if said("x", one)] == []


@pytest.mark.parametrize(
    "right",
    [
        "À répondre au plus tard le 4 janvier",
        "À répondre pour le lundi 4 janvier 2027",
        "Réponse jusqu’au 04/01/2027",
        "Réponse jusqu’au 4 janv. 27.",
        "Répondez au plus tard le ((date_limite))",
        "Lancez votre marché avant le 30 juin 2027",
        "Le 12 mars 2027, répondez à notre enquête",
    ],
)
def test_what_agrees_or_is_about_another_day_is_not_remarked_on(right):
    assert said(right, right) == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("Répondez au plus tard le 6 janvier", "au plus tard le 6 janvier"),
        ("À répondre pour le 4 janvier 2026", "pour le 4 janvier 2026"),
        ("Votre réponse est attendue d’ici le vendredi 1er janvier.", "d’ici le vendredi 1er janvier"),
        ("Répondez le 5 janvier 2027 au plus tard.", "5 janvier 2027 au plus tard"),
        ("Date limite : 05/01/2027", "Date limite : 05/01/2027"),
        ("Date butoir : 9 janvier", "Date butoir : 9 janvier"),
        ("Votre réponse doit nous parvenir le 9 janvier.", "parvenir le 9 janvier"),
        ("Répondez\u00a0**avant le\u00a07\u00a0janvier**", "avant le 7 janvier"),
    ],
)
def test_another_date_is_named_with_the_right_one_and_what_to_write(wrong, found):
    right = "écrivez « au plus tard le ((date_limite)) »."
    assert said("x", f"Madame\n\n{wrong}") == [
        f"Ligne 3 : « {found} » n’est pas la date limite, le 4 janvier 2027 : {right}"
    ]
    assert said(wrong)[0].startswith("Objet : ")


@pytest.mark.parametrize(
    ("within", "days"),
    [
        ("sous 15 jours", {14, 15}),
        ("endéans huit jours", {7, 8}),
        ("dans les trois semaines", {21}),
        ("d’ici deux semaines", {14}),
        ("dans les trente et un jours", {31}),
        ("dans le mois, d’ici un mois", {31}),
    ],
)
def test_a_time_to_answer_is_counted_from_the_day_that_the_letter_leaves(within, days):
    """« Quinze jours » and « huit jours » are said for weeks, too."""
    sentence = f"Répondez {within}."
    assert {after for after in range(1, 40) if not said("x", sentence, [SENT.date() + timedelta(after)])} == days
    (told,) = said("x", "Répondez sous 10 jours")
    right = "et la date limite est le 4 janvier 2027 : écrivez « au plus tard le ((date_limite)) »."
    assert told == f"Ligne 1 : « sous 10 jours » mène au 11 décembre 2026, {right}"
    assert "de la relance 1 est le" in said("x", sentence, [SENT.date() + timedelta(min(days)), LIMIT])[0]


def test_a_sentence_over_several_lines_is_read_whole_and_its_date_has_the_line():
    assert said("x", "Répondez\nau plus tard\nle 6 janvier.")[0].startswith("Ligne 3 : « au plus tard le 6 janvier »")
    assert said("x", "Répondez :\n- avant le 6 janvier ;\n- au nom de vos écoles.")[0].startswith("Ligne 2 : ")
    assert said("x", "## Répondez\nNotre stand est là jusqu’au 6 janvier.") == []


def test_a_date_that_is_right_for_one_wave_alone_is_remarked_on():
    (one,) = said("À répondre au plus tard le 4 janvier", days=(LIMIT, LATER))
    assert "la date limite de la relance 1, le 18 janvier 2027" in one


def test_a_reminder_that_leaves_after_the_last_day_means_that_day():
    at = SENT + timedelta(days=60)
    late = PlannedWave(2, 0, at, Opening(at, at), Deadline(LIMIT, LIMIT), 1)
    assert written_dates.remarks("Au plus tard le 4 janvier", "", [late]) == []


def test_a_text_shown_after_the_subject_is_read_too():
    (one,) = written_dates.remarks("x", "", [wave(LIMIT)], preheader="Dernier jour : 9 janvier")
    assert one.startswith("Texte d’aperçu : « Dernier jour : 9 janvier »")


def test_before_a_day_leaves_that_day_out():
    assert "exclut ce jour" in said("Répondez avant le 4 janvier")[0]
    assert "exclut la date limite elle-même" in said("x", "Répondez avant le ((date_limite)) :")[0]
    assert said("Répondez avant le 4 janvier", days=()) == [], "nothing is planned yet"


def test_a_day_that_no_calendar_has_and_the_wrong_day_of_the_week_are_remarked_on():
    assert "n’existe pas" in said("Répondez au plus tard le 31 juin")[0]
    assert "est un lundi" in said("Répondez au plus tard le mardi 4 janvier 2027")[0]


@pytest.mark.deep
@pytest.mark.parametrize(
    "piece",
    ["avant le 15 janvier ", "sous vingt et ", "date limite de ", "15/01/", "((date_limite)) ", "1 ", "_", "\n"],
)
def test_a_hostile_letter_takes_time_by_its_length_only(piece):
    def took(size):
        text, before = piece * (size // len(piece)), time.process_time()
        written_dates.remarks("", text, [wave(LIMIT)])
        return time.process_time() - before

    short = min(took(8_000) for _ in range(3))
    assert min(took(64_000) for _ in range(3)) < 8 * 5 * max(short, 0.001)
