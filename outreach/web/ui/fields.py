"""How pages read a form: rules that judge its fields in French, and what a request says beside the fields of a form."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from flask import request
from wtforms import Field, Form
from wtforms.validators import StopValidation

from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError, OutreachError, Refused
from outreach.core.text.french import plural
from outreach.core.text.typed import CONTROLS, line_of_words, whole_number

Result = TypeVar("Result")
Rule = Callable[[Form, Field], None]
FORBIDDEN = "Le texte contient un caractère interdit."
LONGEST_REMARK = 500
WORDS, SHORT, DAY = {"spellcheck": True}, {"short": True}, {"type": "date"}  # how a page shows a field


def refusing(check: Callable[[], Result]) -> Result:
    """What a check of the domain returns. Raises StopValidation, which refuses a field, for its InputError."""
    try:
        return check()
    except InputError as error:
        raise StopValidation(str(error)) from None


@contextmanager
def telling(of: Form | Field) -> Iterator[None]:
    """Tell in the form what its block refuses: a wrong value beside a field; above a whole form a wrong moment, too."""
    is_field = isinstance(of, Field)
    told: tuple[type[OutreachError], ...] = (InputError,) if is_field else (InputError, Refused)
    try:
        yield
    except told as error:
        setattr(of, "errors" if is_field else "form_errors", [str(error)])


def fit(read: Callable[[str], str]) -> Rule:
    """A rule of the domain: the field holds what `read` makes of what is typed."""

    def judge(_form: Form, field: Field) -> None:
        field.data = refusing(lambda: read(field.data or ""))

    return judge


def line(required: str = "", most: int = 200) -> Rule:
    """One line of words, so many characters at most. `required` is the sentence for an empty one."""
    return _words(line_of_words, required, most)


def lines(required: str = "", most: int = 2000) -> Rule:
    """A text of several lines. Their ends become one character before it is measured, as browsers send two."""
    return _words(_without_controls, required, most)


def remark(required: str = "", most: int = LONGEST_REMARK) -> Rule:
    """A remark that is kept on one line, however it was typed."""
    return _words(lambda text: line_of_words(" ".join(text.split())), required, most)


def a_day(_form: Form, field: Field) -> None:
    """A readable date."""
    refusing(lambda: parse_day(field.data or ""))


def chosen(sentence: str) -> Rule:
    """One of the choices that the field offers, which may be known only for the request."""

    def judge(_form: Form, field: Field) -> None:
        if field.data not in {choice.value for choice in field.choices} - {""}:
            raise StopValidation(sentence)

    return judge


def _words(read: Callable[[str], str], required: str, most: int) -> Rule:
    judge = fit(read)

    def measure(form: Form, field: Field) -> None:
        judge(form, field)
        if required and not field.data:
            raise StopValidation(required)
        if (excess := len(field.data) - most) > 0:
            name = field.label.text.removesuffix(" (facultatif)")
            raise StopValidation(f"« {name} » dépasse {plural(most, 'caractère')} de {excess} : raccourcissez.")

    return measure


def _without_controls(text: str) -> str:
    kept = "\n".join(text.splitlines()).strip()
    if CONTROLS.search(kept):
        raise InputError(FORBIDDEN)
    return kept


def posted(name: str) -> str:
    """What the page itself put into the form under a name: a version, a key, the choice of a button; '' without it."""
    return request.form.get(name, "").replace("\0", "")  # which PostgreSQL takes in no text


def posted_all(name: str) -> list[str]:
    """Everything that the form has under a name."""
    return request.form.getlist(name)


def posted_number(name: str, *, digits: int = 9) -> int | None:
    """The whole number that the form has under a name; None for anything else."""
    return whole_number(posted(name).strip(), digits=digits)


def posted_numbers(name: str) -> list[int]:
    """The whole numbers that the form has under a name, as of rows that are ticked."""
    return [one for text in posted_all(name) if (one := whole_number(text)) is not None]


def pressed(name: str) -> bool:
    """Whether a button of this name was pressed, or a box ticked."""
    return name in request.form


def remarked(name: str) -> str:
    """A remark typed beside a button, on one line, cut where its field ends."""
    return " ".join(CONTROLS.sub(" ", posted(name)).split())[:LONGEST_REMARK]
