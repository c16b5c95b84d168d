"""What the editor of a letter shows, of a campaign or of one authority: its text as passages, the fields by group."""

from collections.abc import Collection, Mapping
from typing import Any

from flask import request
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import TextAreaField

from outreach.campaigns.correspondence import FIELDS_WITHOUT_CAMPAIGN
from outreach.campaigns.letter import CHIPS, FIELDS, GROUPS, Passage, add_variant, field_chip, split_passages
from outreach.directory.models import Authority
from outreach.web.ui.fields import posted_all, posted_number, pressed

MARKUP = "**gras**, - puce, [texte](https://…) ; les champs entre doubles parenthèses."


class SourceField(TextAreaField):
    """A letter's source, whose passages come as values of this name, in order; together they are its lines."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Join the passages. One value is the whole source."""
        if valuelist:
            self.data = "\n".join(valuelist)


def shown(source: str | None, samples: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the template of the editor asks for, for a letter's source.

    The examples of its fields are the values of one letter, `samples`: a mixture of authorities would be nobody's.
    """
    whole, source = _is_whole(), (source or "").replace("\r\n", "\n")
    passages = [Passage((source,), 0)] if whole else split_passages(source)
    return _offered(FIELDS, samples) | {"whole": whole, "passages": passages}


def shown_to_one(
    source: str | None, authority: Authority | None = None, fields: Collection[str] = FIELDS_WITHOUT_CAMPAIGN
) -> dict[str, Any]:
    """The same for a letter to one authority, or for a text that is prepared for any: it has no passages."""
    samples = None
    if authority:
        samples = {
            "nom_po": authority.display_name,
            "fase_po": str(authority.fase),
            "réseau": authority.network.label,
            "commune": authority.municipality,
            "contact": f"{current_user.name}, {current_user.email}",
        }
    passages = [Passage(((source or "").replace("\r\n", "\n"),), 0)]
    return _offered(fields, samples) | {"whole": False, "passages": passages}


def _offered(names: Collection[str], samples: Mapping[str, str] | None) -> dict[str, Any]:
    groups = {group: [name for name in members if name in names] for group, members in GROUPS.items()}
    chips = {name: field_chip(name, samples)._asdict() for name in CHIPS}
    return {"fields": FIELDS, "groups": {group: held for group, held in groups.items() if held}, "chips": chips}


def vary(form: FlaskForm) -> None:
    """Add the passage that the request asks for, if it does, to a form's letter."""
    if pressed("vary"):
        place = posted_number("vary", digits=3)
        form["letter"].data = add_variant(posted_all("letter"), -1 if place is None else place)


def _is_whole() -> bool:
    """Whether the source is asked for as one text, conditions and all."""
    return request.values.getlist("whole")[-1:] == ["1"]
