"""The language of letters: what is allowed means what it says, everything else is refused at once, with its line."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.core.text.errors import InputError
from outreach.delivery.letters import FieldKind, Marks, Run, Slot, letter_body, parse_line
from outreach.delivery.letters._language import Choice, parse

FIELDS = {
    "nom_po": FieldKind.WORDS,
    "prénom": FieldKind.WORDS,
    "écoles_restantes": FieldKind.NUMBER,
    "date_limite": FieldKind.DAY,
    "plusieurs_écoles": FieldKind.FLAG,
    "tableau_écoles": FieldKind.BLOCK,
    "lien_réponse": FieldKind.LINK,
}
ORDINARY = "Madame, Monsieur,\n\n" + 6 * (
    "Le **((nom_po))** a ((écoles_restantes)) écoles qui n’ont pas rejoint le [volet](https://www.example.org/volet). "
    "Merci de répondre pour le ((date_limite)).\n\n"
)
ATTACKS = [
    "(% for a in range(99999) %)(% for b in range(99999) %)x(% endfor %)(% endfor %)",
    "((lipsum(n=100000)))",
    "(('A'*100000000000))",
    "((9**(9**9)))",
    "(('a'.center(2000000000)))",
    "(('%9999999999d' % 1))",
    "(('{:>2000000000}'.format(1)))",
    "(% set n = namespace(x='a') %)",
    "(% set x = x ~ x %)",
    "((('a '*5000000)|wordwrap(1)))",
    "((''.__class__))",
    "((nom_po|attr('__class__')))",
    "((cycler.__init__.__globals__))",
    "(('{0.__class__}'.format_map(nom_po)))",
    "((nom_po.delete()))",
    "((nom_po()))",
    "((nom_po|safe))",
    "(% autoescape false %)((nom_po))(% endautoescape %)",
    "(% macro m() %)((m()))(% endmacro %)((m()))",
    "((" + "(" * 2000 + "nom_po" + ")" * 2000 + "))",
    "((" + "\n\n(" * 2000 + "nom_po" + ")" * 2000 + "))",
    "(% if nom_po %)" * 2000 + "(% endif %)" * 2000,
    "(% include 'x' %)",
    "(% import 'x' as y %)",
    "(% extends 'x' %)",
    "(% block x %)(% endblock %)",
    "((nom_pos))",
    "((nom_po",
    "(% if nom_po %)x",
    "((nom_po['x']))",
    "((nom_po[0:9]))",
    "((nom_po if nom_po else 'x'))",
    "((nom_po ~ nom_po))",
    "((nom_po == 'x'))",
    "((nom_po is defined))",
    "(('texte'))",
    "(([1, 2]))",
    "(% call x() %)(% endcall %)",
    "(% filter upper %)x(% endfilter %)",
    "(% with x = 1 %)(% endwith %)",
    "(% raw %)((nom_po))(% endraw %)",
    "((nom_po|défaut(nom_po)))",
    "((nom_po|défaut))",
    "((nom_po|majuscule('x')))",
    '((nom_po|défaut("' + "x" * 201 + '")))',
    "(% if écoles_restantes > 1 %)x(% endif %)",
    "(% if nom_po() %)x(% endif %)",
    "((self))",
    "((nom_po" + "~nom_po" * 3000 + "))",
    "(% if nom_po " + "or nom_po " * 3000 + "%)x(% endif %)",
    "((1" + "0" * 60_000 + "))",
    "((nom_po" + ".a" * 3000 + "))",
    '((nom_po|défaut("\\ud800")))',
    "((nom_po|défaut('a\"b')))",
    "texte (# perdu #) suite",
    "voir le dossier (#12)",
    "(% if nom_po %)\nun\n(% endif %) deux",
    "[](https://a.example)",
    "[x](<https://a.example/a b>)",
    "> " * 30 + "x",
    "((plusieurs_écoles))",
    "((tableau_écoles|majuscule))",
    "(% if nom_po %)un\n\ndeux(% endif %)",
    "((nom_po))" * 2000,
    "a\x00b",
    "a\u202eb",
    "a\ue000b",
    "x" * 70_000,
]


def refused(attack):
    with pytest.raises(InputError) as refusal:
        letter_body(f"Bonjour,\n\n{attack}", FIELDS, Marks())
    return str(refusal.value)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[:40])
def test_everything_else_is_refused_in_a_sentence(attack):
    assert refused(attack).startswith(("Ligne ", "Le courriel "))


@pytest.mark.deep
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[:40])
def test_a_refusal_takes_a_few_times_what_an_ordinary_letter_takes_to_be_read(attack):
    assert quickest(lambda: refused(attack)) < 6 * quickest(lambda: letter_body(ORDINARY, FIELDS, Marks()))


def quickest(work):
    """The processor time of a work: the least of a dozen, since a busy machine is no counterexample."""
    return min(-time.process_time() + (work(), time.process_time())[1] for _ in range(12))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a\n\n((prenom))", "Ligne 3 : le champ ((prenom)) n’existe pas. Vouliez-vous écrire ((prénom)) ?"),
        ("((nom_po|majuscle))", "Ligne 1 : le filtre « majuscle » n’existe pas. Vouliez-vous écrire majuscule ?"),
        ("a\n(% iff nom_po %)", "Ligne 2 : la balise (% iff %) n’existe pas. Vouliez-vous écrire (% if %) ?"),
        ("a\nb ((nom_po", "Ligne 2 : un champ ou une condition n’est pas refermé."),
        ("x\n(% endif %)", "Ligne 2 : (% endif %) ne suit aucun (% if champ %)."),
        ("x\n\n((nom_po.x))", "Ligne 3 : pas de point ni d’attribut dans un courriel"),
        ("a\n\nvoir ((tableau_écoles)) ici", "Ligne 3 : ((tableau_écoles)) se met seul sur sa ligne."),
        ("a\n\n[x](javascript:alert(1))", "Ligne 3 : lien refusé « javascript:alert(1) »"),
        ("a\n\n(% if nom_po %)**a(% else %)b**(% endif %)", "Ligne 3 : une condition commence dans une mise en forme"),
        ("[((lien_réponse))](https://a.example)", "Ligne 1 : ce champ écrit son lien lui-même"),
        ("[x](((nom_po)))", "Ligne 1 : un champ ne peut pas être l’adresse d’un lien"),
    ],
)
def test_a_refusal_names_the_line_and_says_what_was_meant(source, words):
    with pytest.raises(InputError) as refusal:
        letter_body(source, FIELDS, Marks())
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "http://a.example",
        "//a.example",
        "/chemin",
        "a.example",
        "mailto:a@b.example",
        "https://",
        "https://good.example@evil.example",
        "https://good.example\\\\@evil.example",
        "https://[::1",
    ],
)
def test_a_link_is_a_whole_plain_https_address(url):
    with pytest.raises(InputError, match="lien"):
        letter_body(f"[x]({url})", FIELDS, Marks())


def test_a_demonstration_may_link_in_plain_http():
    html, _ = letter_body("[x](http://127.0.0.1:8000/x)", FIELDS, Marks(), ("https", "http"))
    assert 'href="http://127.0.0.1:8000/x"' in html


def test_fields_filters_and_conditions_become_marks():
    marks = Marks()
    found = parse('((nom_po|défaut("Madame, Monsieur")|majuscule)), ((écoles_restantes)) (voir (2))', FIELDS, marks)
    assert found == (Run("\ue000, \ue001 (voir (2))", 1),)
    assert marks.slots[0] == Slot("nom_po", (("défaut", "Madame, Monsieur"), ("majuscule", "")))
    assert marks.slots[0].key == 'nom_po|défaut("Madame, Monsieur")|majuscule'


def test_a_tag_alone_on_its_line_holds_whole_paragraphs_and_one_inside_a_line_stays_there():
    marks = Marks()
    source = "A\n\n(% if plusieurs_écoles %)\nun\n\ndeux\n(% elif nom_po %)\nb\n(% else %)\nc\n(% endif %)\nfin"
    before, choice, after = parse(source, FIELDS, marks)
    assert isinstance(choice, Choice)
    assert [condition for condition, _ in choice.branches] == [("field", "plusieurs_écoles"), ("field", "nom_po"), ()]
    assert (before.line, after.text) == (1, "\nfin")
    inline = parse("a (% if not nom_po and plusieurs_écoles %)b(% else %)c(% endif %) d", FIELDS, marks)
    assert inline == (Run("a \uf000b\uf800c\uf801 d", 1),)
    assert marks.conditions[0] == ("and", ("not", ("field", "nom_po")), ("field", "plusieurs_écoles"))


def test_a_letter_in_decomposed_accents_means_the_same_fields():
    marks = Marks()
    parse("((pre\u0301nom))", FIELDS, marks)
    assert marks.slots == [Slot("prénom")]


@pytest.mark.parametrize(
    "source", ["{{7*7}}", "{% x %}", "${7*7}", "<script>alert(1)</script>", "<b onload=x>", "&eacute;"]
)
def test_other_languages_leave_as_plain_text(source):
    html, text = letter_body(source, FIELDS, Marks())
    assert text.strip() == source
    assert "<script" not in html
    assert "<b " not in html


@pytest.mark.parametrize("subject", ["((tableau_écoles))", "((lien_réponse))"])
def test_a_subject_holds_no_block_and_no_link(subject):
    with pytest.raises(InputError, match="objet"):
        parse_line(subject, FIELDS, Marks())


def test_a_subject_is_one_line():
    assert parse_line("Bonjour\n  ((nom_po))", FIELDS, Marks()) == "Bonjour \ue000"


@given(st.text(max_size=300))
def test_whatever_is_typed_is_read_or_refused(source):
    with suppress(InputError):  # nothing else may come out
        letter_body(source, FIELDS, Marks())


@given(
    st.lists(
        st.sampled_from(["((", "))", "(%", "%)", "if", "endif", "else", "nom_po", " ", "\n", "|", "'", "(#", "**", "["])
    )
)
def test_so_is_whatever_looks_like_the_language(pieces):
    with suppress(InputError):
        letter_body("".join(pieces), FIELDS, Marks())
