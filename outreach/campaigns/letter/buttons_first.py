"""Puts a letter's answer buttons before its list of schools, for recipients with more than five schools.

Who answers for many schools does not have to scroll past them. Where the author wrote the buttons, those recipients
find a link to the same page, so that the sentence before it still leads to an answer. It works on marked text: nothing
of it is done again for each recipient.
"""

from collections.abc import Mapping, Sequence

from outreach.campaigns.letter.passages import ONE, SEVERAL
from outreach.mail.marks import ELSE, END, FIRST_ELIF, FIRST_IF, MARKS, Condition, Marks, Slot

MANY = "nombreuses_écoles"  # the condition; an author cannot write it
FEW = 5  # schools that a list before the buttons may have
BUTTONS, LISTS = Slot("boutons_réponse"), (Slot("tableau_écoles"), Slot("liste_écoles"))
LINK = Slot("lien_réponse")
_KNOWN = {SEVERAL: True, ONE: False, MANY: True}  # what holds wherever MANY does

Branch = tuple[int, bool | None]
"""A branch of a choice: its own number, and whether it is used when there are many schools (None: for some only)."""


def moved(html: str, text: str, marks: Marks) -> tuple[str, str]:
    """A letter's HTML and text, with its buttons before its first list where there are many schools.

    They stay where they are when no list stands before them, or when a condition decides whether it is shown.
    """
    if BUTTONS not in marks.slots or not any(slot in marks.slots for slot in LISTS):
        return html, text
    paragraph = '<p style="margin:0 0 16px">{}</p>'
    return _moved(html, marks, paragraph, "\n"), _moved(text, marks, "{}", "\n\n")


def _moved(text: str, marks: Marks, paragraph: str, apart: str) -> str:
    buttons, lists = marks.slot(BUTTONS), {marks.slot(slot) for slot in LISTS if slot in marks.slots}
    seen: list[tuple[int, Sequence[Branch]]] = []
    edits: dict[int, tuple[str, str]] = {}
    for place, mark, branches in _walk(text, marks):
        if mark in lists:
            seen.append((place, branches))
        elif mark == buttons:
            first = next((at for at, inside in seen if _is_shown_with(inside, branches)), None)
            if first is not None and first not in edits:
                edits[first], edits[place] = ("list", text[first]), ("buttons", mark)
    many = marks.condition(("field", MANY), first=True) if edits else ""
    link = paragraph.format(marks.slot(LINK)) if edits else ""
    written = {
        "list": f"{many}{buttons}{apart}{END}{{}}",
        "buttons": f"{many}{link}{ELSE}{{}}{END}",
    }
    for place in sorted(edits, reverse=True):
        kind, mark = edits[place]
        text = text[:place] + written[kind].format(mark) + text[place + 1 :]
    return text


def _is_shown_with(inside: Sequence[Branch], around: Sequence[Branch]) -> bool:
    """Whether what stands `inside` some branches is shown, with many schools, wherever what stands `around` is."""
    return inside[: len(around)] == around and all(used for _, used in inside[len(around) :])


def _walk(text: str, marks: Marks) -> list[tuple[int, str, Sequence[Branch]]]:
    """Each slot's mark in order: its place, and the branches it stands in."""
    found: list[tuple[int, str, Sequence[Branch]]] = []
    inside: list[Branch] = []
    before: list[bool | None] = []  # of each open choice: whether a branch before this one is used
    for number, match in enumerate(MARKS.finditer(text)):
        mark, code = match[0], ord(match[0])
        if code < FIRST_IF:
            found.append((match.start(), mark, tuple(inside)))
        elif mark == END:
            inside.pop()
            before.pop()
        elif code < FIRST_ELIF:
            used = _holds(marks.conditions[code - FIRST_IF], _KNOWN)
            inside.append((number, used))
            before.append(used)
        else:
            condition = () if mark == ELSE else marks.conditions[code - FIRST_ELIF]
            used = _holds(condition, _KNOWN)
            earlier = before[-1]
            inside[-1] = (number, _both(_inverse(earlier), used))
            before[-1] = _inverse(_both(_inverse(earlier), _inverse(used)))
    return found


def _holds(condition: Condition, known: Mapping[str, bool]) -> bool | None:
    """Whether a condition holds; None when the fields that are known do not say."""
    match condition:
        case ():
            return True
        case ("field", name):
            return known.get(name)
        case ("not", inner):
            return _inverse(_holds(inner, known))
        case ("and", left, right):
            return _both(_holds(left, known), _holds(right, known))
        case ("or", left, right):
            return _inverse(_both(_inverse(_holds(left, known)), _inverse(_holds(right, known))))
    raise ValueError(f"not a condition: {condition!r}")


def _inverse(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True
