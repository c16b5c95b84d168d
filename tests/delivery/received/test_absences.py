"""Notes of absence as programs and people write them, in four languages: who is to be written to instead."""

import pytest

from outreach.delivery.received._absences import LONGEST, Absence, read_absence

SENDER = "anne.dumont@ecole.example"
NOTES = (
    (
        "Bonjour,\n\nAbsente jusqu’au 14 décembre 2026. En cas d’urgence, contactez b.petit@ecole.example.\n\nAnne",
        Absence("b.petit@ecole.example", back="14 décembre 2026"),
    ),
    (
        "Mme Dumont a quitté ses fonctions. Merci d’écrire désormais à direction@ecole.example",
        Absence("direction@ecole.example", is_for_good=True),
    ),
    (
        "De retour le 04/01. M. Petit me remplace : b.petit@ecole.example.",
        Absence("b.petit@ecole.example", back="04/01", relief="M. Petit me remplace : b.petit@ecole.example."),
    ),
    ("Cette adresse n’est plus utilisée.", Absence(is_for_good=True)),
    (
        "Ik ben afwezig tot en met 14 december. Voor dringende zaken kan u mailen naar jan.peeters@school.example.",
        Absence("jan.peeters@school.example", back="14 december"),
    ),
    (
        "Ik ben niet langer in dienst. Gelieve u te richten tot directie@school.example.",
        Absence("directie@school.example", is_for_good=True),
    ),
    (
        "Ich bin bis zum 14. Dezember abwesend. Bitte wenden Sie sich an k.meier@schule.example.",
        Absence("k.meier@schule.example", back="14. Dezember"),
    ),
    (
        "Frau Dumont ist nicht mehr tätig. Ihre Nachfolgerin erreichen Sie unter leitung@schule.example.",
        Absence(
            "leitung@schule.example",
            is_for_good=True,
            relief="Ihre Nachfolgerin erreichen Sie unter leitung@schule.example.",
        ),
    ),
    (
        "I am out of the office until December 14. Please reach out to Jo Smith <j.smith@school.example>.",
        Absence(
            "j.smith@school.example",
            back="December 14",
            relief="Please reach out to Jo Smith <j.smith@school.example>.",
        ),
    ),
    (
        "Anne no longer works here. Her successor can be reached at head@school.example.",
        Absence("head@school.example", is_for_good=True),
    ),
    (
        "Je suis absente jusqu'au 14 décembre. M. Petit me remplace.",
        Absence(back="14 décembre", relief="M. Petit me remplace."),
    ),
    ("Je serai remplacée. Les Vacances Scolaires commencent.", Absence()),
    ("Ik ben met vakantie.\nMevr. An Peeters vervangt mij.", Absence(relief="Mevr. An Peeters vervangt mij.")),
    ("Meine Vertretung übernimmt Frau Meier.", Absence(relief="Meine Vertretung übernimmt Frau Meier.")),
    ("Away. Jo Smith is covering for me.", Absence(relief="Jo Smith is covering for me.")),
    ("Absent du 21/12/2026 au 04/01/2027 inclus.", Absence(back="04/01/2027")),
    ("Ik ben afwezig van 21 december t.e.m. 4 januari.", Absence(back="4 januari")),
    ("Je serai de retour lundi.", Absence(back="lundi")),
    ("Je reprendrai le 4 janvier. À bientôt.", Absence(back="4 janvier")),
    ("Veuillez vous adresser à Madame Marie Dubois.", Absence(relief="Veuillez vous adresser à Madame Marie Dubois.")),
    ("Neem contact op met Jan Peeters.", Absence(relief="Neem contact op met Jan Peeters.")),
    ("L’école est fermée et n’est plus joignable avant le 4 janvier.", Absence(back="4 janvier")),
    ("Je ne travaille plus le mercredi.", Absence()),
    ("I have left for holidays, back on January 4.", Absence(back="January 4")),
    ("Le secrétariat n’est plus accessible jusqu’au 4 janvier.", Absence(back="4 janvier")),
    ("Contactez noreply@ecole.example, ''..@-.-, ou " + "a" * 64 + "@" + ".".join(["b" * 63] * 6) + ".", Absence()),
    (f"Absente.\n\nAnne Dumont\n{SENDER}\nwww.ecole.example", Absence()),
    (f"Pour me joindre : {SENDER.upper()}.", Absence()),
    ("Votre courriel est bien arrivé.\n\nL’école, info@ecole.example", Absence()),
)


@pytest.mark.parametrize(("text", "told"), NOTES)
def test_a_note_tells_who_takes_over_and_until_when(text, told):
    assert read_absence(text, SENDER) == told


@pytest.mark.parametrize("piece", ["a@", "a.", "back 1 ", "contact ", "a@b.", "jusqu’au ", "n’est ", "have "])
def test_any_text_is_read_in_bounded_steps(piece):
    read_absence(piece * LONGEST, SENDER)
