"""The values that fill a letter's fields: facts of a recipient and of a wave, tables, lists, buttons, names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from outreach.adherence.models import Status
from outreach.campaigns.letter._links import Links
from outreach.core.text.french import WIDE, plural, typeset
from outreach.delivery.letters import FONT, Pattern, Repeat, Rows, Value
from outreach.directory.models import School
from outreach.engagement.replies import Answer


@dataclass(frozen=True, slots=True)
class Shared:
    """The facts that are the same for all the letters of a wave."""

    circular: str
    deadline: date
    contact: str
    is_reminder: bool
    about: str = ""  # what the strand is called; letters frozen before did not say it


class Facts(NamedTuple):
    """The facts about one recipient when its letter is composed.

    `schools` are the schools the letter is about: (FASE, name, status), in the answer page's order. `eligible` and
    `joined` count the authority's schools in the strand, or those that the mailbox answers for. `federations` are
    (code, name).
    `written_directly` counts the authority's schools to whose own mailboxes letters of the wave go, for a mailbox that
    answers for all. `is_limited` holds for a mailbox that answers for some schools only, `on_paper` for a letter that
    is printed. `had_letter` holds for an authority that already had a letter of the campaign, `has_unconfirmed` for one
    of which an answer to the campaign waits to be confirmed, `asks_address` for the first letter to its mailbox in a
    school year.
    """

    fase: int
    name: str
    network: str
    municipality: str
    schools: Sequence[tuple[int, str, Status]]
    eligible: int
    joined: int
    federations: Sequence[tuple[str, str]]
    links: Links
    shared: Shared
    written_directly: int = 0
    is_limited: bool = False
    on_paper: bool = False
    had_letter: bool = True
    has_unconfirmed: bool = False
    asks_address: bool = False

    @property
    def is_reminded(self) -> bool:
        """Whether this letter reminds its recipient of an earlier one: a reminder may be somebody's first letter."""
        return self.shared.is_reminder and self.had_letter


def contact_of(name: str, service: str, email: str, phone: str) -> str:
    """The contact person on one line, without the parts that are empty."""
    return ", ".join(part for part in (name, service, email, phone) if part)


LISTED = 10  # schools that a letter lists: those with more answer on the page, which has them all
LINK = '<a href="{}" style="color:#303675">{}</a>'
PIXEL = '<img src="{}" width="1" height="1" alt="" style="display:block;border:0">'
EMPTY = Value("", "")
ANSWERS = tuple(answer for answer in Answer if answer.facts.is_in_letters)
DONE = next(answer for answer in Answer if answer.status is Status.JOINED)  # it stops the reminders

# A border without a colour has that of the words, which mail programs change where they darken a letter themselves.
_BUTTON = (
    '<a class="button" href="{0}" style="display:inline-block;width:156px;margin:0 8px 8px 0;border:1px solid;'
    'border-radius:4px;font-weight:bold;line-height:42px;text-align:center;text-decoration:none;{1}">{2}</a>'
)
# Outlook for Windows (Word) gives a link no width, height or corners: it shows a shape instead, and it alone.
_OUTLOOK_BUTTON = (
    f'<td width="166" bgcolor="#ffffff" style="padding:0 8px 8px 0;{FONT}"><v:roundrect '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:w="urn:schemas-microsoft-com:office:word" href="{0}" '
    'style="width:158px;height:44px;v-text-anchor:middle" arcsize="10%" strokecolor="#303675" fillcolor="{3}">'
    f'<w:anchorlock/><center style="{FONT};font-size:16px;font-weight:bold;{{1}}">{{2}}</center></v:roundrect></td>'
)
_BUTTONS = (
    '<!--[if mso]><table role="presentation" width="498" cellpadding="0" cellspacing="0" border="0"><tr>{0}</tr>'
    '</table><![endif]-->\n<!--[if !mso]><!--><p style="margin:0 0 8px">{1}</p><!--<![endif]-->\n'
)

_CELL = '<td class="cell" style="padding:6px 8px;border-bottom:1px solid #babbc1;text-align:left;{}">{}</td>'
_ROW = _CELL.format("", "{0}") + _CELL.format("white-space:nowrap", "{1}") + _CELL.format("white-space:nowrap", "{2}")
_HEAD = _ROW.replace("<td", '<th scope="col"').replace("</td", "</th").format("École", "FASE", "Situation")
_STYLE = "border-collapse:collapse;margin:0 0 16px"
_CELL_2 = (
    f'<td class="cell" bgcolor="#ffffff" style="padding:6px 4px;border-bottom:1px solid #babbc1;{FONT};'
    'font-size:15px{}">{}</td>'
)
_ROW_2 = _CELL_2.format(";overflow-wrap:anywhere", "{0}") + _CELL_2.format("", "{1}") + _CELL_2.format("", "{2}")
_HEAD_2 = "".join(
    _CELL_2.format("", words).replace("<td", f'<th scope="col" align="left" width="{width}%"').replace("</td", "</th")
    for words, width in (("École", 55), ("FASE", 15), ("Situation", 30))
)
# Of a sent letter only the cells are stored, so a pattern never changes. Another look is a new pattern beside it.
TABLE = Pattern(
    "table-1",
    html=Repeat(
        f'<table width="100%" cellpadding="0" cellspacing="0" border="0" style="{_STYLE}">\n<tr>{_HEAD}</tr>\n',
        row=f"<tr>{_ROW}</tr>",
        between="\n",
        foot="\n</table>",
    ),
    text=Repeat("", row=f"- {{0}} (FASE{WIDE}{{1}}){WIDE}: {{3}}", between="\n", foot=""),
)
LIST = Pattern(
    "list-1",
    html=Repeat(
        '<ul style="margin:0 0 16px;padding:0 0 0 24px">\n',
        row=f'<li style="margin:0 0 6px">{{0}} (FASE{WIDE}{{1}})</li>',
        between="\n",
        foot="\n</ul>",
    ),
    text=Repeat("", row=f"- {{0}} (FASE{WIDE}{{1}})", between="\n", foot=""),
)
TABLE_2 = Pattern(
    "table-2",
    html=Repeat(
        f'<table width="100%" cellpadding="0" cellspacing="0" border="0" style="{_STYLE}">\n<tr>{_HEAD_2}</tr>\n',
        row=f"<tr>{_ROW_2}</tr>",
        between="\n",
        foot="\n</table>",
    ),
    text=TABLE.text,
)
LIST_2 = Pattern(
    "list-2",
    html=Repeat(
        '<ul style="margin:0 0 16px 24px;padding:0">\n',
        row=f'<li style="margin:0 0 6px">{{0}} (FASE{WIDE}{{1}})</li>',
        between="\n",
        foot="\n</ul>",
    ),
    text=LIST.text,
)
PATTERNS = {pattern.name: pattern for pattern in (TABLE, LIST, TABLE_2, LIST_2)}
# « Sans réponse » would reproach an authority that nobody asked before.
_SAID = {status: status.label for status in Status} | {Status.NONE: "Pas encore de réponse"}
_LABELS = {status: (said, said.lower()) for status, said in _SAID.items()}


def link(address: str, words: str) -> Value:
    """A link to an address, with these words; empty when the address is ''."""
    plain = Value.plain(address)
    return Value(LINK.format(plain.html, words), f"{words}{WIDE}: {address}") if address else EMPTY


def pixel(address: str) -> Value:
    """The image whose download counts as an opening; empty when its address is ''."""
    return Value(PIXEL.format(Value.plain(address).html), "") if address else EMPTY


def table(facts: Facts) -> Rows:
    """A table of the first ten schools with the status of each, and a link to the others."""
    rows = [(name, str(fase), *_LABELS[status]) for fase, name, status in facts.schools[:LISTED]]
    return Rows(TABLE_2, rows, _more(facts))


def listing(facts: Facts) -> Rows:
    """A list of the first ten schools, and a link to the others."""
    return Rows(LIST_2, [(name, str(fase)) for fase, name, _ in facts.schools[:LISTED]], _more(facts))


def already_done(facts: Facts) -> Value:
    """A link to the page of answers on which the answer that means "already done" is chosen."""
    return link(_answering(facts, DONE), "Dites-le-nous")


def buttons(facts: Facts) -> Value:
    """A button for each of the three most common answers, and a link to the page with all answers."""
    links, shapes, texts = [], [], []
    for place, answer in enumerate(ANSWERS):
        address, words = _answering(facts, answer), answer.label
        fill, colour = ("#ffffff", "color:#303675") if place else ("#303675", "color:#ffffff")
        style = colour if place else f"border-color:{fill};background-color:{fill};{colour}"
        links.append(_BUTTON.format(address, style, words))
        shapes.append(_OUTLOOK_BUTTON.format(address, colour, words, fill))
        texts.append(f"- {words}{WIDE}: {address}")
    other = LINK.format(facts.links.answer, "Toutes les réponses possibles")
    texts.append(f"- Toutes les réponses possibles{WIDE}: {facts.links.answer}")
    html = _BUTTONS.format("".join(shapes), "\n".join(links))
    return Value(f'{html}<p style="margin:0 0 16px">{other}</p>', "\n".join(texts))


def federations(facts: Facts) -> Value:
    """A paragraph that names the bodies that represent the authority; empty when there are none."""
    if not facts.federations:
        return EMPTY
    named = ", ".join(f"{name} ({code})" for code, name in facts.federations)
    bodies = "Vos organes de représentation et de coordination peuvent"
    if len(facts.federations) == 1:
        bodies = "Votre organe de représentation et de coordination peut"
    said = Value.plain(f"{bodies} aussi vous conseiller{WIDE}: {named}.")
    return Value(f'<p style="margin:0 0 16px">{said.html}</p>', said.text)


def written_directly(facts: Facts) -> Value:
    """A paragraph, after another, that says how many schools were written to directly; empty when there is none."""
    direct, schools = facts.written_directly, len(facts.schools)
    if not direct:
        return EMPTY
    those = "cette école" if schools == 1 else f"ces {direct}{WIDE}écoles"
    whom = f"à {those}" if direct >= schools else f"à {direct if direct > 1 else 'une'} de ces écoles"
    said = Value.plain(f"Nous avons aussi écrit directement {whom}.")
    return Value(f'\n<p style="margin:0 0 16px">{said.html}</p>', f"\n\n{said.text}")


UNCONFIRMED = (
    "Une réponse est arrivée sans confirmation : elle n’est pas enregistrée. Si elle est de vous, donnez-la de nouveau "
    "et confirmez-la."
)


def unconfirmed(facts: Facts) -> Value:
    """A paragraph, after another, that says that an answer came which no person confirmed; empty when none did."""
    if not facts.has_unconfirmed:
        return EMPTY
    said = Value.plain(typeset(UNCONFIRMED))
    return Value(f'\n<p style="margin:0 0 16px">{said.html}</p>', f"\n\n{said.text}")


def right_address(facts: Facts) -> Value:
    """A paragraph that asks whether the mailbox is the right one, once in a school year; empty otherwise."""
    if not facts.asks_address:
        return EMPTY
    said = link(facts.links.address, typeset("C’est toujours la bonne adresse ?"))
    return Value(f"<p>{said.html}</p>", said.text)


def _answering(facts: Facts, choice: Answer) -> str:
    """The address of the page of answers with an answer chosen; opening it answers nothing."""
    return f"{facts.links.answer}?choice={choice}"


def _more(facts: Facts) -> Value:
    more = len(facts.schools) - LISTED
    if more <= 0:
        return EMPTY
    words = f"et {more} autre{'s' if more > 1 else ''}{WIDE}: "
    seen = link(facts.links.answer, "voir la liste")
    return Value(f'\n<p style="margin:0 0 16px">{words}{seen.html}</p>', f"\n{words}{facts.links.answer}")


PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def escape_letter_words(words: str) -> str:
    """Words in which the language of letters reads no markup and no field."""
    return PUNCTUATION.sub(r"\\\1", " ".join(words.split()))


def schools_in_letter(schools: Sequence[School], most: int) -> str:
    """A list of schools with their FASE numbers, in the language of letters; beyond `most` they are counted."""
    lines = [f"- {escape_letter_words(school.display_name)} (FASE {school.fase})" for school in schools[:most]]
    more = len(schools) - len(lines)
    return "\n".join([*lines, f"- et {plural(more, 'autre école', 'autres écoles')}"] if more else lines)
