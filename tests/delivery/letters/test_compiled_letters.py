"""Compiled letters: the same words in every output, equal to what the email package makes, whatever the values."""

import html as html_module
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default

from hypothesis import given
from hypothesis import strategies as st

from outreach.delivery import letters
from outreach.delivery.letters import (
    FieldKind,
    Letter,
    LetterText,
    Marks,
    Personal,
    Value,
    letter_body,
    one_line,
    parse_line,
)
from outreach.delivery.letters._language import holds
from tests.delivery.letters.test_mime import AT, STANDING, said, stored, words

FIELDS = {
    "nom": FieldKind.WORDS,
    "commune": FieldKind.WORDS,
    "drapeau": FieldKind.FLAG,
    "autre": FieldKind.FLAG,
    "bloc": FieldKind.BLOCK,
}
prose = st.text(
    st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"], exclude_characters="(){}[]<>\\*_"), max_size=40
)
field = st.sampled_from(["((nom))", "((commune))", '((commune|défaut("personne"))) '])
inline = st.builds(
    lambda a, b, c: f"{a} (% if drapeau %){b}(% elif autre %)é(% else %){c}(% endif %)",
    prose.filter(str.strip),
    field | prose,
    field | prose,
)
line = st.lists(prose | field | inline, min_size=1, max_size=4).map(" ".join)
paragraph = line | st.just("\n((bloc))\n") | line.map("## {}".format) | line.map("- {}".format)
block = st.builds(lambda a, b: f"(% if drapeau %)\n{a}\n(% else %)\n{b}\n(% endif %)", paragraph, paragraph)
letter = st.lists(paragraph | block, min_size=1, max_size=5).map("\n\n".join)
flags = st.fixed_dictionaries({"drapeau": st.booleans(), "autre": st.booleans()})


def compiled(subject, source, common=()):
    marks = Marks()
    line_ = parse_line(subject, FIELDS, marks)
    html, text = letter_body(source, FIELDS, marks)
    draft = LetterText.of(marks, line_, f'<html lang="fr">{html}</html>', text)
    return Letter(stored(draft), {slot.key for slot in draft.slots if slot.field in common})


def values_of(made, nom, commune, truth):
    raw = {"nom": Value.plain(nom), "commune": Value.plain(commune), "bloc": Value("<hr>\n<table></table>", "- bloc")}
    return {place.key: raw[place.slot.field] for place in made.places(truth)}


@given(letter, words, words, flags, st.sets(st.sampled_from(["nom", "commune", "bloc"])))
def test_a_filled_letter_reads_as_the_email_package_writes_it(source, nom, commune, truth, common):
    made = compiled("À ((nom)) (% if drapeau %)oui(% else %)((commune))(% endif %)", source, common)
    values = values_of(made, nom, commune, truth)
    filled = made.fill(values, truth)
    ours = message_from_bytes(
        letters.assemble_message(
            STANDING, Personal("0" * 16, "a@b.example", AT, filled.subject, "t"), filled.text, filled.html
        ),
        policy=default,
    )
    slow = EmailMessage(policy=SMTP.clone(max_line_length=998))
    slow["Subject"] = made.subject_for(values, truth)
    slow.set_content(made.text_for(values, truth) + "\n", cte="quoted-printable")
    slow.add_alternative(made.html_for(values, truth) + "\n", subtype="html", cte="quoted-printable")
    theirs = message_from_bytes(slow.as_bytes(), policy=default)
    assert str(ours["Subject"]) == str(theirs["Subject"])
    for mine, other in zip(ours.iter_parts(), theirs.iter_parts(), strict=True):
        assert said(mine) == said(other)
        assert not mine.defects


@given(letter, flags)
def test_html_and_text_say_the_same_words(source, truth):
    made = compiled("x", source)
    values = values_of(made, "Institut", "Namur", truth)
    html = re.sub(r"<[^>]+>", " ", made.html_for(values, truth).replace("<hr>\n<table></table>", "bloc"))
    text = re.sub(r"(?m)^(\s*)(- |\d+[.)] |\* \* \*)", r"\1", made.text_for(values, truth))
    assert letters_in(html_module.unescape(html)) == letters_in(text)


def letters_in(text):
    return [character for character in text if character.isalnum()]


@given(st.text(alphabet="abé[](){}*_#<>&`|\\-=+.!:/\n ", max_size=60))
def test_a_value_is_plain_text_whatever_it_looks_like(hostile):
    made = compiled("((nom))", "**((nom))**, [((nom))](https://a.example)\n\n# ((nom))\n\n- ((nom))\n\n((nom))")
    values = values_of(made, hostile, "", {})
    html = made.html_for(values, {})
    assert html.count("<a ") == html.count("</a>") == html.count("<h2") == 1
    shown = html_module.escape(hostile).replace("\n", "<br>\n")
    assert html.count(f"<strong>{shown}</strong>") == 1
    assert f'<p style="margin:0 0 16px">{shown}</p>' in html
    assert made.subject_for(values, {}) == one_line(hostile)


def test_only_the_branch_that_stands_asks_for_its_values():
    made = compiled("x", "(% if drapeau %)((nom))(% else %)((commune))(% endif %)")
    assert {place.slot.field for place in made.places({"drapeau": True})} == {"nom"}
    assert {place.slot.field for place in made.places({"drapeau": False})} == {"commune"}
    assert made.fields == {"nom", "commune", "drapeau"}


def test_conditions_combine():
    truth = {"a": True, "b": False}
    assert holds(("and", ("field", "a"), ("not", ("field", "b"))), truth)
    assert not holds(("and", ("field", "a"), ("field", "b")), truth)
    assert holds(("or", ("field", "b"), ("field", "a")), truth)


def test_the_text_notes_a_link_under_its_paragraph_and_beside_it_in_a_condition():
    source = "Voir [le site](https://a.example/1) et\n[l’autre](https://b.example)."
    made = compiled("x", f"{source}\n\n(% if drapeau %)[oui](https://c.example)(% endif %).")
    text = made.text_for({}, {"drapeau": True})
    assert text == (
        "Voir le site [1] et\nl’autre [2].\n[1] https://a.example/1\n[2] https://b.example\n\noui (https://c.example).\n\n"
    )
    assert "c.example" not in made.text_for({}, {"drapeau": False})
