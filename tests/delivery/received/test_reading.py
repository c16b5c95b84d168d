"""What is read of a mail: what its writer wrote, who wrote it, what it names of ours, and what is over a bound."""

import pytest

from outreach.delivery.received import _quotes as quotes
from outreach.delivery.received import _reading as reading
from outreach.delivery.received._markup import text_of
from outreach.delivery.received._reading import MailKind, UnreadableMailError, is_proved
from tests.delivery.received import corpus
from tests.delivery.received.corpus import KEYS, SERVER, Sent, mail

LETTERS = [Sent(9000 + number, f"{number:016x}", f"ec{number}@adm{number}.example") for number in range(1, 7)]
CASES = corpus.of(LETTERS)
KINDS = {"automatic": MailKind.AUTOMATIC, "return": MailKind.RETURN}


def read(case):
    return reading.read(case.content, KEYS)


@pytest.mark.parametrize("case", [case for case in CASES if case.verdict == "refused"], ids=lambda case: case.name)
def test_what_is_over_a_bound_or_of_nobody_is_refused(case):
    with pytest.raises(UnreadableMailError):
        read(case)


@pytest.mark.parametrize("case", [case for case in CASES if case.verdict != "refused"], ids=lambda case: case.name)
def test_every_other_mail_is_read_as_what_it_is(case):
    found = read(case)
    assert found.kind is KINDS.get(case.verdict, MailKind.PERSON)
    assert all(one.isprintable() or one in "\n\t\u00a0" for one in found.text + found.folded)
    assert len(found.text) <= reading.LONGEST_TEXT >= len(found.folded)
    assert not found.subject.count("\n")


def test_what_the_writer_wrote_is_told_from_what_is_quoted():
    asked = [case for case in CASES if case.said is not None]
    wrong = [(case.name, read(case).text) for case in asked if read(case).text != case.said]
    assert len(asked) > 60
    assert len(wrong) <= len(asked) * 0.05, wrong
    assert not [name for name, text in wrong if "Votre école peut adhérer" in text]


def test_what_is_left_out_is_kept_apart():
    cut = quotes.cut(corpus.written("roundcube", "fr", "Oui.")[0])
    assert cut.text == "Oui."
    assert "Votre école peut adhérer" in cut.folded
    assert cut.folded.endswith("Anne Dumont\nDirection")


BLOCK = "{} : S <a@b.example>\n{} : mardi\n{} : x\n{} : y\n\nMadame"
FRENCH = BLOCK.format("De", "Envoyé", "À", "Objet")
BELOW = {
    "gmail, telephone": "Le mar. 1 déc. 2026, 10:12, Service <a@b.example> a écrit :\n\n> Madame",
    "gmail, its older form": "Service <a@b.example> schrieb am Di., 1. Dez. 2026, 10:12:\n\n> Frau",
    "yahoo": "    Le mardi 1 décembre 2026 à 10:12:13 UTC+1, Service <a@b.example> a écrit :  \n \n Madame\nb",
    "yahoo, German": "    Am Dienstag, 1. Dezember 2026 um 10:12:13 MEZ hat S <a@b.be> Folgendes geschrieben:\n\n F",
    "yahoo, Dutch": "    Op dinsdag 1 december 2026 om 10:12:13 CET schreef S <a@b.example>:\n\n Mevrouw",
    "proton": "Envoyé avec la messagerie sécurisée Proton Mail.\n\nLe mardi 1 décembre 2026 à 10:12, S <a@b.example> "
    "a écrit :\n\n> Madame",
    "zimbra": f"----- Mail original -----\n{FRENCH}",
    "zimbra, without a rule": BLOCK.format("De", "À", "Envoyé", "Objet"),
    "outlook, iOS": f"Télécharger Outlook pour iOS<https://aka.ms/o0ukef>\n{'_' * 32}\n{FRENCH}",
    "outlook, macOS": BLOCK.format("De", "Date", "À", "Objet"),
    "windows": f"Provenance : Courrier pour Windows\n\n{FRENCH}",
    "thunderbird, its fields": "Sujet : Volet 1\nDate : x\nDe : S <a@b.example>\nPour : y\n\nMadame",
    "a rule of another server": f"-----Message initial-----\n{FRENCH}",
    "samsung": f"Envoyé depuis mon appareil Galaxy\n\n-------- Message d'origine --------\n{FRENCH}",
    "samsung, German": "Von meinem Galaxy gesendet.\n\n-------- Ursprüngliche Nachricht --------\nVon: S\n\nFrau",
    "thunderbird, passed on": "-------- Message transféré --------\nSujet : \ty\nDate : \tx\n\n\nMadame",
    "horde": "Quoting Service <a@b.example>:\n\n> Madame",
    "with no-break spaces": "Le 1\u00a0déc. 2026 à 10:12, S <a@b.example> a écrit\u00a0:\n\n> Madame",
}


@pytest.mark.parametrize("below", BELOW.values(), ids=BELOW)
def test_what_other_programs_put_below_is_cut_too(below):
    assert quotes.cut(f"Oui.\n\n{below}\n").text == "Oui."


WORD = "<div style='border-top:solid #E1E1E1 1.0pt'><p><b>De&nbsp;:</b> S<br><b>Envoyé :</b> x<br><b>À :</b> y<br>"
MARKUP = {
    "outlook of word": f"<p>Oui.</p><p>&nbsp;</p>{WORD}<b>Objet :</b> z</p></div><p>Madame</p>",
    "thunderbird": "<p>Oui.</p><div class='moz-cite-prefix'>Le 01/12/2026 à 10:12, S a écrit :<br></div>"
    "<blockquote type='cite'><p>Madame</p></blockquote><pre class='moz-signature'>-- <br>Anne</pre>",
    "outlook, on line": "<div>Oui.</div><div id='appendonsend'></div><hr><div id='divRplyFwdMsg'>x</div><div>y</div>",
    "yahoo": "<div>Oui.</div><div class='yahoo_quoted'><div>Le mardi 1 décembre 2026 à 10:12:13 UTC+1, "
    "S &lt;a@b.example&gt; a écrit :</div><div>Madame</div></div>",
}


@pytest.mark.parametrize("shown", MARKUP.values(), ids=MARKUP)
def test_what_they_put_below_is_cut_from_markup_too(shown):
    assert quotes.cut(text_of(f"<html><body>{shown}</body></html>")).text == "Oui."


@pytest.mark.parametrize(
    "text",
    [
        "Le 3 mars, votre service a écrit :\nc'est gratuit. Est-ce vrai ?",
        "De : mon école\nnous voulons adhérer.",
        "Nous avons\n- deux écoles\n- un internat",
        "Envoyé de mon côté le formulaire.\nEst-il arrivé ?",
        "Verzonden met de post.\nHebt u het?",
        "Mme Petit a écrit ceci :\nnon.",
        "À : qui de droit\nDe : l'école\n\nDate : demain",
        "De : notre côté, tout est prêt.\nÀ : voir.",
    ],
)
def test_what_only_looks_like_a_quotation_stays(text):
    assert quotes.cut(text).text == text


@pytest.mark.parametrize(
    "opening", ["Le 1 décembre 2026, Sensibilisation a écrit :", "On 1 December 2026, they wrote:"]
)
def test_an_opening_without_address_or_hour_is_one_where_quotations_follow(opening):
    assert quotes.cut(f"Oui.\n\n{opening}\n\n> Votre école peut adhérer.\n").text == "Oui."
    sentence = f"Oui.\n\n{opening}\nVotre école peut adhérer."
    assert quotes.cut(sentence).text == sentence


def test_a_mail_without_a_quotation_stays_whole_and_an_empty_one_is_empty():
    assert quotes.cut("Oui.\r\n\r\n\r\nMerci.").text == "Oui.\n\nMerci."
    assert quotes.cut("") == quotes.Cut("", "")


@pytest.mark.parametrize(
    "hidden", ['style="color:red; display : none"', "hidden", "style='mso-hide:all'", 'style="visibility:hidden"']
)
def test_what_no_reader_of_markup_sees_is_not_its_text(hidden):
    said = f"<p>Oui. <div {hidden}>Non. <div><br>Non.</div> Non.</div><img {hidden}>Nous <b>adhérons</b>."
    assert text_of(said).split() == ["Oui.", "Nous", "adhérons."]


def test_markup_gives_lines_and_never_scripts_or_styles():
    shown = "<style>x</style><script>alert(1)</script><p>Oui&nbsp;&amp; <b>merci</b></p><ul><li>un<li>deux</ul>"
    assert text_of(shown).strip() == "Oui & merci\n\n- un\n- deux"


CARD = "École communale de Bertrix\nRue du Moulin 3\n6880 Bertrix\nTél. 061 41 12 34"
SIGNED = {
    "fr": ("Bonjour,\n\nNous adhérons.\n\nBien à vous,\n\nAnne Dumont", f"Directrice\n\n{CARD}"),
    "fr, long": ("Oui.\n\nVeuillez agréer, Madame, mes salutations distinguées.\n\nAnne Dumont", CARD),
    "nl": ("Wij nemen deel.\n\nMet vriendelijke groet,\nAnne Dumont", "Directie\nwww.school.example"),
    "de": ("Wir nehmen teil.\n\nMit freundlichen Grüßen\nAnne Dumont", "Leiterin\nleitung@schule.example"),
    "en": ("We join.\n\nKind regards,\nAnne Dumont", "Head\n+32 2 555 12 34"),
    "without a name": ("Oui.\n\nCordialement", "Tél. 061 41 12 34\nwww.ecole.example"),
    "with a notice": (
        "Oui.\n\nCordialement,\nAnne",
        "Ce message est confidentiel : détruisez-le s’il n’est pas à vous.",
    ),
}


@pytest.mark.parametrize(("said", "card"), SIGNED.values(), ids=SIGNED)
def test_a_card_below_a_closing_formula_is_folded_and_readable(said, card):
    assert quotes.cut(f"{said}\n{card}") == quotes.Cut(said, card)
    quoted = "Le 1 déc. 2026 à 10:12, S <a@b.example> a écrit :\n> Madame"
    assert quotes.cut(f"{said}\n{card}\n\n{quoted}") == quotes.Cut(said, f"{card}\n\n{quoted}")


@pytest.mark.parametrize(
    "text",
    [
        "Oui.\n\nBien à vous,\nAnne Dumont\nDirectrice",
        f"Oui.\n\nCordialement,\nAnne\n\nPS : l'école B aussi.\n{CARD}",
        f"Cordialement,\n{CARD}",
        f"Oui.\n\nCordialement,\nAnne\n{CARD}\nÉcole B : non",
        f"Oui.\n\nCordialement,\nAnne\n{CARD}\nQuand commence-t-on ?",
        f"Oui.\n\nCordialement,\nAnne\n- {CARD}",
        f"Oui.\n\nBien à vous de décider.\n{CARD}",
    ],
)
def test_below_a_closing_formula_nothing_that_may_be_said_is_folded(text):
    assert quotes.cut(text).text == text


def test_an_answer_below_a_quotation_is_never_taken_for_what_is_signed_above():
    text = f"Oui.\n\nCordialement,\nAnne\n{CARD}\n> Combien d'écoles ?\nDeux."
    assert quotes.cut(text).text.endswith("Deux.")


SHOWN = "<p>Bonjour,</p><p>Nous adhérons à votre programme.</p><p>Anne</p>"


@pytest.mark.parametrize(
    "stub", ["Votre programme ne lit pas le HTML.", "This is a multi-part message: https://a.example/x"]
)
def test_a_plain_text_that_stands_in_for_the_html_is_kept_apart(stub):
    found = reading.read(mail(stub, markup=SHOWN, sender="a@b.example"), KEYS)
    assert (found.text, found.folded) == ("Bonjour,\n\nNous adhérons à votre programme.\n\nAnne", stub)


def test_a_plain_text_that_says_what_the_html_says_is_the_text():
    said = "Bonjour, nous adhérons à *votre* programme.\n[image: logo] https://ecole.example/logo"
    assert reading.read(mail(said, markup=SHOWN, sender="a@b.example"), KEYS).text == said
    beside = b"<p>Avis de la liste</p>\r\n--B--\r\n"  # of a list, which adds it below what people write
    content = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n"
    content += b"Content-Type: text/plain\r\n\r\nOui.\r\n--B\r\nContent-Type: text/html\r\n\r\n" + beside
    assert reading.read(content, KEYS).text == "Oui."


def test_files_are_listed_by_name_kind_and_size():
    content = (
        b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
        b"--B\r\nContent-Type: text/plain\r\n\r\nVoici.\r\n"
        b"--B\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="..\\\\..\\\\liste.pdf"\r\n\r\nJVBERi0=\r\n--B--\r\n'
    )
    found = reading.read(content, KEYS)
    assert found.text == "Voici."
    assert [(one.name, one.kind, len(one.content)) for one in found.files] == [("liste.pdf", "application/pdf", 5)]


def test_lines_that_a_program_broke_are_joined_again():
    content = b"From: a@b.example\r\nContent-Type: text/plain; format=flowed\r\n\r\nNous \r\nvenons.\r\n-- \r\nAnne\r\n"
    assert reading.read(content, KEYS).text == "Nous venons."


def test_copies_have_one_digest_and_other_words_another():
    said = mail("Oui.", sender="a@b.example")
    copy = b"Received: from x by y\r\n" + said
    assert reading.read(said, KEYS).digest == reading.read(copy, KEYS).digest
    assert reading.read(said.replace(b"Oui.", b"Non."), KEYS).digest != reading.read(said, KEYS).digest


@pytest.mark.parametrize(
    ("results", "is_so"),
    [
        ([f"{SERVER}; dmarc=pass header.from=b.example"], True),
        ([f"{SERVER} 1; dkim=pass (2048-bit) header.d=b.example"], True),
        ([f"{SERVER}; spf=pass smtp.mailfrom=x@b.example; dkim=none"], True),
        ([f"{SERVER}; dmarc=none header.from=b.example; dkim=pass header.d=b.example"], True),
        ([f"{SERVER}; dmarc=fail header.from=b.example; spf=pass smtp.mailfrom=b.example"], False),
        ([f"{SERVER}; dkim=pass header.d=c.example"], False),
        (["x.example; dmarc=pass header.from=b.example", f"{SERVER}; none"], False),
        ([f"{SERVER}.evil.example; dmarc=pass header.from=b.example"], False),
        ([f"{SERVER}; spf=fail smtp.mailfrom=b.example (x; dmarc=pass header.from=b.example)"], False),
        ([f"{SERVER}; dmarc=fail header.from=b.example", f"{SERVER}; dmarc=pass header.from=b.example"], False),
        ([f"{SERVER}; dmarc=pass header.from=b.example", f"{SERVER}; dmarc=fail header.from=b.example"], False),
        (["", ";", f"{SERVER}"], False),
        ([f"{SERVER}; dkim=pass header.d=b.example", f"{SERVER}; spf=pass smtp.mailfrom=x@b.example"], True),
        ([f"{SERVER}; dmarc=pass header.from=b.example", f"{SERVER}; spf=fail smtp.mailfrom=b.example"], False),
        ([f"{SERVER}; none", f"{SERVER}; dmarc=pass header.from=b.example"], False),
        ([*["x.example; none"] * 10, f"{SERVER}; dmarc=pass header.from=b.example"], False),
        ([f'{SERVER}; dkim=pass header.d=b.example header.b="a/B+c="'], True),
        ([f'{SERVER}; spf=pass smtp.mailfrom="x; dmarc=pass header.from=b.example;"@c.example'], False),
        ([f'{SERVER}; spf=pass (of "x);dmarc=pass header.from=b.example;("@c.example) smtp.mailfrom=c.example'], False),
        ([f"{SERVER}; spf=pass (of x\\); dmarc=pass header.from=b.example;() smtp.mailfrom=c.example"], False),
        ([f"{SERVER}; dkim=pass header.d=c.example header.s=header.d=b.example"], False),
        ([f"{SERVER}; dmarc=fail header.from=b.example; dmarc=pass header.from=b.example"], False),
    ],
)
def test_only_our_own_server_proves_a_sender(results, is_so):
    assert is_proved(results, SERVER, "a@b.example") is is_so
    assert not is_proved(results, "", "a@b.example")
