"""The answer buttons come before the list of schools, for those who have more than five."""

import pytest

from outreach.campaigns.letter import buttons_first
from outreach.campaigns.letter.merge_fields import KINDS
from outreach.mail import letters
from outreach.mail.letters import Draft, Letter, Value
from outreach.mail.marks import Marks

BUTTONS, TABLE, LIST, LINK = "[boutons]", "[tableau]", "[liste]", "[lien]"
SAID = {"boutons_réponse": BUTTONS, "tableau_écoles": TABLE, "liste_écoles": LIST, "lien_réponse": LINK}
READY = """Bonjour,

(% if plusieurs_écoles %)
Ces écoles :

((tableau_écoles))
(% else %)
Cette école :

((liste_écoles))
(% endif %)

Répondez :

((boutons_réponse))

Merci"""
ELSEWHERE = "(% if rappel %)\n((tableau_écoles))\n(% endif %)\n\n((boutons_réponse))"
WITHIN = "(% if rappel %)\n((liste_écoles))\n\n((boutons_réponse))\n(% endif %)\n\nMerci"
ONE = "(% if not une_école and (plusieurs_écoles or rappel) %)\n((liste_écoles))\n(% endif %)\n\n((boutons_réponse))"


def order(source, *, many, **flags):
    """What a letter shows, in order, in its HTML and in its text, which must agree."""
    marks = Marks()
    draft = Draft.of(marks, "", *buttons_first.moved(*letters.body(source, KINDS, marks), marks))
    letter = Letter(Draft.of(marks, "", draft.html, draft.text))
    truth = {"plusieurs_écoles": many, "une_école": not many, "rappel": False, buttons_first.MANY: many, **flags}
    values = {name: Value(said, said) for name, said in SAID.items()}
    given = {name: truth[name] for name in letter.conditional}
    html, text = letter.html_for(values, given), letter.text_for(values, given)
    shown = [sorted((said for said in SAID.values() if said in whole), key=whole.index) for whole in (html, text)]
    assert shown[0] == shown[1]
    assert all(whole.count(said) <= 1 for whole in (html, text) for said in SAID.values())
    return shown[0]


@pytest.mark.parametrize(
    ("source", "flags", "shown"),
    [
        (READY, {}, [BUTTONS, TABLE, LINK]),
        (ONE, {}, [BUTTONS, LIST, LINK]),
        (WITHIN, {"rappel": True}, [BUTTONS, LIST, LINK]),
        (WITHIN, {"rappel": False}, []),
        (ELSEWHERE, {"rappel": True}, [TABLE, BUTTONS]),  # else there would be no buttons without the reminder
        (ELSEWHERE, {"rappel": False}, [BUTTONS]),
        ("((boutons_réponse))\n\n((tableau_écoles))", {}, [BUTTONS, TABLE]),
        ("((tableau_écoles))", {}, [TABLE]),
        ("((boutons_réponse))", {}, [BUTTONS]),
    ],
)
def test_the_buttons_come_before_a_long_list(source, flags, shown):
    assert order(source, many=True, **flags) == shown


@pytest.mark.parametrize(("many", "shown"), [(False, [LIST, BUTTONS]), (True, [BUTTONS, TABLE, LINK])])
def test_a_short_list_comes_before_the_buttons_as_written(many, shown):
    assert order(READY, many=many) == shown
