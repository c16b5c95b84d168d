"""What the editor of a letter shows, of a campaign or a reminder: its text as passages, and the fields by group."""

from typing import Any

from flask import request

from outreach.campaigns.letter import CHIPS, FIELDS, GROUPS, Passage, add_variant, field_chip, split_passages
from outreach.campaigns.review import PreviewedLetter
from outreach.web.pages.campaigns.steps.forms import LetterForm, ReminderForm
from outreach.web.ui.fields import posted_all, posted_number, pressed


def shown(source: str, letter: PreviewedLetter | None = None) -> dict[str, Any]:
    """What the template of the editor asks for, for a letter's source.

    The examples of its fields are the values of one `letter`: a mixture of authorities would be nobody's.
    """
    whole, source = _is_whole(), source.replace("\r\n", "\n")
    parts = [Passage((source,), 0)] if whole else split_passages(source)
    samples = letter.samples if letter else None
    chips = {name: field_chip(name, samples)._asdict() for name in CHIPS}
    return {"fields": FIELDS, "groups": GROUPS, "chips": chips, "whole": whole, "passages": parts}


def vary(form: LetterForm | ReminderForm) -> None:
    """Add the passage that the request asks for, if it does, to a form's letter."""
    if pressed("vary"):
        place = posted_number("vary", digits=3)
        form.letter.data = add_variant(posted_all("letter"), -1 if place is None else place)


def typed(form: LetterForm) -> list[tuple[str, str]]:
    """The fields of a letter's form as they are kept: its letter as one text, nothing that only the page needs."""
    kept = {**{name: form[name].data or "" for name in LetterForm.KEPT}, "version": form.version.data or ""}
    return list(kept.items())


def _is_whole() -> bool:
    """Whether the source is asked for as one text, conditions and all."""
    return request.values.getlist("whole")[-1:] == ["1"]
