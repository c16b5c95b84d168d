"""The letter as it looks: an editor over the text boxes, which keeps every byte that nobody changed."""

import re
from random import Random

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from outreach.campaigns import correspondence, planning
from outreach.campaigns.correspondence import TextUse
from outreach.campaigns.letter import KINDS
from outreach.campaigns.models import Campaign
from outreach.core.settings import ROOT
from outreach.delivery.letters import FieldKind
from tests.browser.test_campaigns import begin

pytestmark = [pytest.mark.browser, pytest.mark.long]
ROUND = """async sources => {
  const { read, write, writeAnew } = await import(document.querySelector("script[src*='letter-editor']").src);
  return sources.map(source => {
    const read_ = read(source);
    return { anew: writeAnew(read_), kept: write(read_), again: writeAnew(read(writeAnew(read_))) };
  });
}"""


WORD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal {margin:0}</style></head>
<body lang=FR style='tab-interval:36.0pt'><!--StartFragment-->
<h1 style='color:#1F3864'>Le volet 1</h1>
<p class=MsoNormal style='text-align:justify'><b style='mso-bidi-font-weight:
normal'><span style='font-size:12.0pt;color:red'>Avant le 17</span></b>
<i style='mso-bidi-font-style:normal'>décembre</i>, voyez
<a href="https://programme.example/volet-1"><span>la circulaire</span></a><a href="file:///C:/x">x</a>.<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span>&nbsp;&nbsp;
</span></span></span><![endif]>un stock<o:p></o:p></p>
<p class=MsoListParagraphCxSpLast style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span>&nbsp;&nbsp;
</span></span></span><![endif]>un prêt<o:p></o:p></p>
<p class=MsoListParagraph style='mso-list:l1 level1 lfo2'><![if !supportLists]><span
style='mso-list:Ignore'>1.<span>&nbsp;
</span></span><![endif]>lancez</p><p class=MsoNormal><img src="file:///C:/logo.png"><o:p>&nbsp;</o:p></p>
<h2>Combien</h2>
<p class=MsoNormal><span style='font-style:italic'>Par école</span><o:p></o:p></p>
<table class=MsoTableGrid border=1><tr><td style='border:solid'><p class=MsoNormal><b>École</b></p></td>
<td><p>Élèves</p></td></tr>
<tr><td><p>Saint-Luc</p></td><td><p>240</p><p>dont 12</p></td></tr></table>
<table><tr><td style='border:solid'><p>École</p></td></tr></table>
<script>alert(1)</script><!--EndFragment--></body></html>"""
PASTE = """(editor, html) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/html", html);
  editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
MARKED = """<p>Lisez <u>bien</u> <a href="https://programme.example/"><u>ceci</u></a>, <span
  style='text-decoration:underline'>le</span> 1<span style='vertical-align:super'>er</span> des 20 m<sup>2</sup> de
  CO<sub>2</sub>.</p>"""
REVISED = """<body lang=FR-BE><!--[if gte mso 9]><xml><o:OfficeDocumentSettings/></xml><![endif]-->
<p class=MsoTitle>Circulaire aux PO<o:p></o:p></p><h1><span lang=FR>Objet<o:p></o:p></span></h1>
<p class=MsoNormal>Merci de <del cite="mailto:x" datetime="2026-11-01T10:00"><span>ne pas </span></del><ins
cite="mailto:x">bien </ins>répondre<span style='mso-spacerun:yes'>  </span>au plus tôt<a
style='mso-footnote-id:ftn1' href="#_ftn1"><span class=MsoFootnoteReference><![if
!supportFootnotes]>[1]<![endif]></span></a><span class=MsoCommentReference><![if
!supportAnnotations]><a class=msocomanchor onmouseover="msoCommentShow('x')"
href="#_msocom_1">[NL1]</a><![endif]><span style='mso-special-character:comment'>&nbsp;<o:p></o:p></span></span>,
<s>jamais</s> <span style='display:none;mso-hide:all'>caché</span>merci.<o:p></o:p></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1
lfo1'><!--[if !supportLists]--><span style='mso-list:Ignore'>a)<span>&nbsp; </span></span><!--[endif]-->un</p>
<p class=MsoListParagraphCxSpLast style='mso-list:l0 level2 lfo1'><![if !supportLists]><span
style='mso-list:Ignore'>o<span>&nbsp; </span></span><![endif]>dedans</p>
<div style='mso-element:footnote-list'><hr><div style='mso-element:footnote' id=ftn1><p
class=MsoFootnoteText><a href="#_ftnref1"><span class=MsoFootnoteReference>[1]</span></a> Ouvrable.</p></div></div>
<div style='mso-element:comment-list'><div id="_com_1" class=msocomtxt><p class=MsoCommentText><a
class=msocomoff href="#_msoanchor_1">[NL1]</a>À revoir avec le cabinet.</p></div></div></body>"""
ON_THE_WEB = """<div class="OutlineElement"><p class="Paragraph" role="heading" aria-level="1"><span
style="font-size:16pt">Le volet 1</span></p></div><div><p style="font-weight:normal"><span
style="font-weight:bold">Avant le 17</span><span style="font-style:italic"> décembre</span></p></div>
<div class="ListContainerWrapper"><ul role="list"><li data-aria-level="1"><p>un stock</p></li></ul></div>
<div class="ListContainerWrapper"><ul role="list"><li data-aria-level="1"><p>un prêt</p></li></ul></div>
<div class="ListContainerWrapper"><ul role="list"><li data-aria-level="2"><p>dedans</p></li></ul></div>
<div class="ListContainerWrapper"><ol role="list" start="1"><li data-aria-level="1"><p>lancez</p></li></ol></div>
<div class="ListContainerWrapper"><ol role="list" start="2"><li data-aria-level="1"><p>commandez</p></li></ol></div>"""
BESIDE_ITS_ITEM = """<b style="font-weight:normal" id="docs-internal-guid-1"><h2><span>Titre</span></h2><ul><li
aria-level="1"><p role="presentation">un</p></li><ul><li aria-level="2"><p>deux</p></li></ul></ul></b>"""
OTHERWISE = "Bonjour,\n\n\n* un\n* deux\n\n__Gras__ et 5 \\* 3\n(% if rappel %)\n\nEncore\n(% endif %)\nMerci."


@pytest.fixture
def letter(staff):
    """The page of a letter that has just begun, in an author's browser."""
    staff.goto(f"{begin(staff)}/letter")
    staff.locator(".letter-page .ProseMirror").wait_for()
    return staff


def source(page):
    return page.locator("[name=letter]").input_value()


class Writer:
    """Writes letters as the editor does: one empty line between blocks, no sign that needs an escape."""

    WORDS = ("école", "l’adhésion", "n° 12", "« oui »", "10 000 €", "a_b", "[À compléter : x]", "fin.")
    SIGNS = ("5 * 3", "2 > 1", "R&D", "(a) #2 - b", "100 % ~ 1")
    FILTERED = ('((commune|défaut("votre commune")))', "((date_limite|court))", "((écoles_restantes|nombre))")
    CHOICES = ("(% if plusieurs_écoles %)s(% endif %)", "(% if rappel %)a(% elif une_école %)b(% else %)c(% endif %)")
    FIELDS = tuple(f"(({name}))" for name, kind in KINDS.items() if kind not in {FieldKind.FLAG, FieldKind.BLOCK})
    BLOCKS = ("((tableau_écoles))", "((liste_écoles))", "((boutons_réponse))", "---")
    MARKUP = ("**{}**", "*{}*", "***{}***", "[{}](https://programme.example/a?b=1)", "[**{}**](https://a.example)")
    CONDITIONS = ("plusieurs_écoles", "une_école", "rappel", "not rappel", "rappel and une_école")

    def __init__(self, random):
        self.random, self.one = random, random.choice

    def words(self):
        plain = (*self.WORDS, *self.FIELDS)
        pieces = [
            lambda: self.one(plain),
            lambda: self.one(self.SIGNS),
            lambda: self.one(self.FILTERED),
            lambda: self.one(self.CHOICES),
            lambda: self.one(self.MARKUP).format(self.one(plain)),
        ]
        return " ".join(["Lisez", *(self.one(pieces)() for _ in range(self.random.randint(0, 6)))])

    def lines(self, first, most=3):
        return "\n".join(first(place) + self.words() for place in range(1, self.random.randint(1, most) + 1))

    def block(self):
        return self.one(
            [
                lambda: self.lines(lambda _: ""),
                lambda: self.lines(lambda _: "- "),
                lambda: self.lines("{}. ".format),
                lambda: self.lines(lambda _: "> "),
                lambda: f"- {self.words()}\n  - {self.words()}\n- {self.words()}",
                lambda: f"- {self.words()}\n\n  {self.words()}\n\n- {self.words()}",
                lambda: f"{'#' * self.random.randint(1, 4)} {self.words()}",
                lambda: self.one(self.BLOCKS),
            ]
        )()

    def text(self, most, depth=2):
        """Blocks and passages; a list never stands beside another one, with which Markdown would join it."""
        found = []
        for _ in range(self.random.randint(1, most)):
            new = self.passage(depth) if depth and self.random.random() < 0.3 else self.block()
            if not (found and new[0] in "-1>" and found[-1][0] in "-1>"):
                found.append(new)
        return "\n\n".join(found)

    def passage(self, depth):
        parting = self.one(["", f"(% else %)\n{self.text(3, depth - 1)}\n"])
        return f"(% if {self.one(self.CONDITIONS)} %)\n{self.text(3, depth - 1)}\n{parting}(% endif %)"


def test_ready_made_letters_and_a_thousand_others_come_back_to_the_letter(letter, sample_database):
    with sample_database.reading() as session:
        prepared = [correspondence.current_template(session, use) for use in TextUse]
    bodies = [correspondence.split(one.text)[1] if one.use.is_letter else one.text.strip() for one in prepared]
    written = [each.letter for each in planning.ready_made(ROOT / "campaigns").values()]
    assert len(written) > 4
    writer = Writer(Random(38))
    written += [*bodies, *(writer.text(7) for _ in range(1000))]
    read = letter.evaluate(ROUND, written)
    for before, after in zip(written, read, strict=True):
        assert (after["anew"], after["kept"]) == (before, before)


def body(page):
    return page.get_by_role("textbox", name="Texte du courriel")


def insert(page, name):
    page.locator("summary", has_text="Insérer").click()
    page.get_by_role("button", name=name, exact=True).click()


def at_the_start(page):
    body(page).locator("p").first.click(position={"x": 1, "y": 8})


def test_what_nobody_changed_keeps_its_bytes_and_what_would_change_is_said(letter, sample_database):
    with sample_database.writing() as session:
        session.execute(update(Campaign).values(letter=OTHERWISE))
    letter.reload()
    expect(letter.locator("[data-differs]")).to_contain_text("est écrit autrement")
    letter.get_by_text("Les lignes qui changeraient").click()
    expect(letter.locator("[data-differs] li").filter(has_text="* un").first).to_contain_text("avant, ligne 4")
    at_the_start(letter)
    letter.keyboard.press("ArrowRight")
    letter.keyboard.type("x")
    assert source(letter) == OTHERWISE.replace("Bonjour", "Bxonjour")
    letter.keyboard.press("Control+z")
    assert source(letter) == OTHERWISE
    letter.get_by_role("button", name="Continuer : les dates").click()
    expect(letter.get_by_role("heading", name="Choisir les dates")).to_be_visible()
    with sample_database.reading() as session:
        assert session.scalars(select(Campaign.letter)).one().replace("\r\n", "\n") == OTHERWISE


def test_a_field_is_a_chip_that_the_keyboard_reaches_and_that_is_taken_back(letter):
    at_the_start(letter)
    before = source(letter)
    letter.keyboard.type("À ((commune))")
    chip = body(letter).locator("p").first.locator(".chip")
    expect(chip).to_have_text("commune du POCharleroi")
    assert source(letter) == f"À ((commune)){before}"
    letter.keyboard.press("ArrowLeft")
    expect(chip).to_have_class(re.compile("ProseMirror-selectednode"))
    expect(letter.locator("[data-told]")).to_have_text("Champ commune du PO, par exemple Charleroi.")
    letter.keyboard.press("Delete")
    assert source(letter) == f"À {before}"
    letter.keyboard.type("((commune))")
    letter.get_by_role("button", name="Suivant").click()
    expect(chip).not_to_have_text("commune du POCharleroi")
    body(letter).focus()
    for _ in range(4):
        letter.keyboard.press("Control+z")
    assert source(letter) == before
    body(letter).click()
    letter.keyboard.press("Tab")
    expect(body(letter)).not_to_be_focused()


def test_the_subject_has_chips_and_takes_no_field_of_a_whole_block(letter):
    subject, written = letter.get_by_role("textbox", name="Objet du courriel"), letter.locator("[name=subject]")
    expect(subject.locator(".chip").first).to_contain_text("date limite, abrégée")
    subject.fill("Objet : ")
    insert(letter, "nom du PO")
    expect(written).to_have_value("Objet : ((nom_po))")
    expect(letter.locator("#preview")).to_contain_text("Objet : Administration communale")
    insert(letter, "tableau des écoles")
    expect(letter.locator("[data-told]")).to_have_text("L’objet ne prend pas ce champ.")
    letter.keyboard.press("Enter")
    expect(written).to_have_value("Objet : ((nom_po))")


def test_a_passage_is_put_in_place_and_written_in(letter):
    body(letter).fill("Bonjour")
    insert(letter, "passage selon le nombre d’écoles")
    letter.keyboard.type("Vos écoles à ((commune))")
    body(letter).get_by_role("group", name="Sinon").locator("p").last.click()
    letter.keyboard.type("Votre école")
    words = "Bonjour\n\n(% if plusieurs_écoles %)\nVos écoles à ((commune))\n(% else %)\nVotre école\n(% endif %)"
    assert source(letter) == words
    expect(letter.locator("#preview .letter")).to_contain_text("Vos écoles à Charleroi")
    insert(letter, "retirer ce passage")
    assert source(letter) == "Bonjour"


def test_a_paste_from_word_keeps_headings_lists_emphasis_and_links_and_says_what_it_left(letter):
    body(letter).fill("")
    body(letter).evaluate(PASTE, WORD)
    link = "[la circulaire](https://programme.example/volet-1)"
    words = (
        *("## Le volet 1", f"**Avant le 17** *décembre*, voyez {link}x.", "- un stock\n- un prêt", "1. lancez"),
        *("### Combien", "*Par école*", "- **École** – Élèves\n- Saint-Luc – 240 dont 12", "École"),
    )
    assert source(letter) == "\n\n".join(words)
    expect(letter.locator("[data-pasted]")).to_have_text(
        "Un tableau collé est devenu une liste, une puce par ligne. "
        "Une image n’a pas été collée\u00a0: ces courriels n’en portent pas."
    )
    body(letter).evaluate(PASTE, "<p>rien de plus</p>")
    expect(letter.locator("[data-pasted]")).to_be_empty()


def test_a_paste_leaves_what_readers_of_word_do_not_see_and_says_so(letter):
    body(letter).fill("")
    body(letter).evaluate(PASTE, MARKED)
    assert source(letter) == "Lisez bien [ceci](https://programme.example/), le 1er des 20 m² de CO₂."
    expect(letter.locator("[data-pasted]")).to_have_text(
        "Des mots soulignés ont été collés sans l’être\u00a0: mettez en gras ceux qui comptent. "
        "Des lettres en exposant ou en indice ont été collées sur la ligne\u00a0: relisez-les."
    )
    body(letter).fill("")
    body(letter).evaluate(PASTE, REVISED)
    words = ("## Circulaire aux PO", "## Objet", "Merci de bien répondre au plus tôt[1], jamais merci.")
    assert source(letter) == "\n\n".join((*words, "1. un\n   - dedans", "[1] Ouvrable."))
    expect(letter.locator("[data-pasted]")).to_have_text(
        "Ce que le suivi des modifications dit supprimé n’a pas été collé. Un commentaire n’a pas été collé. "
        "Des mots barrés ont été collés sans l’être\u00a0: relisez-les. "
        "Les notes de bas de page sont devenues des paragraphes, à la fin."
    )


def test_a_paste_from_word_on_the_web_and_other_editors_keeps_headings_and_nested_lists(letter):
    words = (
        "## Le volet 1",
        "**Avant le 17** *décembre*",
        "- un stock\n- un prêt\n  - dedans",
        "1. lancez\n2. commandez",
    )
    for html, said in ((ON_THE_WEB, words), (BESIDE_ITS_ITEM, ("## Titre", "- un\n  - deux"))):
        body(letter).fill("")
        body(letter).evaluate(PASTE, html)
        assert source(letter) == "\n\n".join(said)


def test_buttons_mark_words_and_a_link_is_set_and_taken_away(letter):
    body(letter).fill("Bonjour")
    letter.keyboard.press("Control+a")
    letter.get_by_role("button", name="Gras", exact=True).click()
    expect(letter.get_by_role("button", name="Gras", exact=True)).to_have_attribute("aria-pressed", "true")
    letter.get_by_role("button", name="Lien", exact=True).click()
    letter.get_by_label("Adresse du lien").fill("https://programme.example/")
    letter.keyboard.press("Enter")
    assert source(letter) == "[**Bonjour**](https://programme.example/)"
    letter.get_by_role("button", name="Lien", exact=True).click()
    letter.get_by_role("button", name="Retirer le lien").click()
    letter.get_by_role("button", name="Liste", exact=True).click()
    assert source(letter) == "- **Bonjour**"


def test_the_editor_and_the_preview_begin_side_by_side_and_its_menu_closes(letter):
    tops = [letter.locator(place).bounding_box()["y"] for place in ("[data-letter-editor]", "#preview .actions")]
    assert abs(tops[0] - tops[1]) <= 60
    menu = letter.locator("summary", has_text="Insérer")
    menu.click()
    letter.keyboard.press("Escape")
    expect(letter.get_by_role("button", name="tableau des écoles")).to_be_hidden()
    expect(menu).to_be_focused()


def test_it_keeps_the_rules_and_fits_a_phone(letter, violations, looks):
    for look in looks(letter, widths=(1280, 390, 1280, 390)):
        assert violations(letter) == [], look
        assert letter.locator("html").evaluate("root => root.scrollWidth - root.clientWidth") <= 0, look
    assert body(letter).get_attribute("aria-multiline") == "true"
    assert body(letter).get_attribute("spellcheck") == "true"
    assert letter.locator(f"#{body(letter).get_attribute('aria-describedby')}").inner_text()
