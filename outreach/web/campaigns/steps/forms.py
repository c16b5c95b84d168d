"""The forms of a campaign's steps: their fields, their checks, and the changes they make."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectChoice, StringField, TextAreaField, ValidationError

from outreach import drafts
from outreach.campaigns import lifecycle, step_drafts
from outreach.campaigns.letter.frozen import refuse_unfit, refuse_unreadable
from outreach.campaigns.models import Campaign, Colour
from outreach.delivery.models import MessageClass
from outreach.mail.addresses import Judgement
from outreach.measuring.models import TrackingMode
from outreach.text import whole_number
from outreach.web.campaigns.blueprint import CHANGED, sending
from outreach.web.ui.fields import WORDS, chosen, fit, line, refusing
from outreach.web.ui.request import actor, database, judged, now

NUMBERS = re.compile(r"[^\s,;]+")
NO_SUBJECT = "Indiquez l’objet du courriel."
OFFERED = chosen("Choisissez un des choix proposés.")
CLASSES = [
    SelectChoice(MessageClass.AWARENESS, "Sensibilisation : chacun peut s’en désinscrire"),
    SelectChoice(MessageClass.STATUTORY, "Communication légale : sans désinscription"),
]


class StepForm(FlaskForm):
    """A step of a campaign; `version` is the digest of the campaign's content when the form was shown."""

    STEP: ClassVar[str]
    version = HiddenField()

    def changes(self) -> dict[str, Any]:
        """The form's values, by field of the campaign."""
        raise NotImplementedError

    @property
    def refusals(self) -> list[str]:
        """What was found against the form and its fields, a French sentence each."""
        return [*map(str, self.form_errors), *(str(error) for field in self for error in field.errors)]

    def is_current(self, version: str) -> bool:
        """Whether `version`, a campaign's digest, is the one that the form was shown with; if not, the form says so."""
        if self.version.data == version:
            return True
        self.form_errors, self.version.data = [CHANGED], version
        return False

    def save(self, number: int) -> bool:
        """Save the form in a campaign, if it is valid and the campaign has not changed since the form was shown.

        Returns whether it was saved. If not, the form holds the errors. Only the version is looked at while writing.
        """
        if not self.validate_on_submit():
            return False
        changes = self.changes()
        with database().writing() as session:
            campaign = lifecycle.in_turn(session, number)
            is_current = self.is_current(lifecycle.content_hash(campaign))
            if is_current:
                lifecycle.revise(session, campaign, changes, now=now(), actor=actor())
                drafts.discard(session, step_drafts.place_of(campaign, self.STEP, current_user.id))
        return is_current


class SourceField(TextAreaField):
    """A letter's source, whose passages come as values of this name, in order; together they are its lines."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Join the passages. One value is the whole source."""
        if valuelist:
            self.data = "\n".join(valuelist)


def readable_subject(typed: str) -> str:
    """A subject, whose merge fields are readable. Raises InputError."""
    refuse_unreadable(typed, "x", sending().schemes)
    return typed


def readable_letter(typed: str) -> str:
    """A letter's source, which is readable. Raises InputError."""
    refuse_unreadable("x", typed, sending().schemes)
    return typed


def _preheader(typed: str) -> str:
    refuse_unfit(typed, "")
    return typed


def _address(typed: str) -> str:
    refuse_unfit("", typed, sending().schemes)
    return typed


class LetterForm(StepForm):
    """The letter, its sender and its contact person."""

    STEP = "letter"

    message_class = RadioField("Type de message", [OFFERED], choices=CLASSES, validate_choice=False)
    colour = RadioField(
        "Couleur", [OFFERED], choices=[SelectChoice(colour, colour.label) for colour in Colour], validate_choice=False
    )
    tracking = RadioField(
        "Mesure des ouvertures et des clics",
        [OFFERED],
        choices=[SelectChoice(mode, mode.label) for mode in TrackingMode],
        validate_choice=False,
        description="Le pied du courriel le dit. Ce qui compte, ce sont les réponses et les adhésions.",
    )
    circular = StringField("Circulaire (facultatif)", [line(most=40)])
    circular_url = StringField(
        "Adresse de la circulaire (facultatif)",
        [line(most=500), fit(_address)],
        description="Le pied du courriel y mène : https://…",
    )
    subject = StringField(
        "Objet du courriel",
        [line(NO_SUBJECT, 250), fit(readable_subject)],
        description="Ce qu’il faut faire et pour quand, puis le sujet ; le numéro FASE en dernier. 90 caractères.",
    )
    preheader = StringField(
        "Texte d’aperçu (facultatif)",
        [line(most=250), fit(_preheader)],
        description="Ce qu’une messagerie montre après l’objet, en 90 caractères. Les champs y sont permis.",
    )
    letter = SourceField(
        "Texte du courriel",
        [fit(readable_letter)],
        description="Markdown : ## titre, **gras**, - puce, [texte](https://…). Les champs s’écrivent ((champ)).",
    )
    contact_name = StringField(
        "Personne de contact",
        # Decree of 22 December 1994, article 2.
        [line("Indiquez la personne de contact : tout courriel doit nommer l’agent qui peut renseigner.")],
        description="L’agent qui peut renseigner (décret du 22 décembre 1994).",
    )
    contact_service = StringField("Son service (facultatif)", [line()])
    contact_phone = StringField("Son téléphone (facultatif)", [line(most=40)])
    contact_email = StringField(
        "Son adresse",
        [line(most=320)],
        description="Les réponses au courriel lui arrivent, là où le service ne les lit pas.",
    )
    sender_name = StringField(
        "Nom de l’expéditeur",
        [line("Indiquez le nom de l’expéditeur.")],
        description="Par exemple : Fédération Wallonie-Bruxelles – votre service.",
    )
    sender_address = StringField(
        "Adresse postale de l’expéditeur", [line("Indiquez l’adresse postale de l’expéditeur.", 300)]
    )

    KEPT = step_drafts.CONTENT[STEP]
    mended: Sequence[str] = ()

    def validate_contact_email(self, field: StringField) -> None:
        """One address; what was mended in it is kept, to be said."""
        read = refusing(lambda: judged(field.data or ""))
        field.data, self.mended = read.address, read.notes

    @classmethod
    def about(cls, campaign: Campaign) -> "LetterForm":
        """The form as a campaign stands."""
        return cls(formdata=None, data={name: getattr(campaign, name) for name in cls.KEPT})

    def withhold(self, *modes: TrackingMode) -> None:
        """Do not offer these ways of measuring, but that of the campaign."""
        hidden = set(modes) - {self.tracking.data}
        self.tracking.choices = [choice for choice in self.tracking.choices if choice.value not in hidden]

    def changes(self) -> dict[str, Any]:
        """The form's values, by field of the campaign. An unknown or missing choice becomes its default."""
        values = {name: (self[name].data or "").strip() for name in self.KEPT}
        values["letter"] = (self.letter.data or "").replace("\r\n", "\n")
        chosen, colour = values["message_class"], values["colour"]
        values["message_class"] = MessageClass(chosen) if chosen in set(MessageClass) else MessageClass.AWARENESS
        values["colour"] = Colour(colour) if colour in set(Colour) else Colour.GREY
        mode = values["tracking"]
        values["tracking"] = TrackingMode(mode) if mode in set(TrackingMode) else TrackingMode.AGGREGATE
        return values


class KeptSegmentForm(FlaskForm):
    """The name under which a campaign's audience is saved."""

    name = StringField("Enregistrer le public de cette campagne sous le nom", id="segment-name")


class CalmForm(FlaskForm):
    """Why a campaign may write to mailboxes that were written to often."""

    why = StringField(id="calm", description="Votre nom et votre raison restent avec la campagne.")


class ExceptionForm(FlaskForm):
    """Authorities to leave out of a campaign, and why."""

    fases = StringField("Numéros FASE des PO à écarter", description="Séparés par des espaces.")
    because = StringField(
        "Pourquoi",
        [line("Dites pourquoi.", 500)],
        description="La personne qui a validé la campagne le lira.",
        render_kw=WORDS,
    )

    numbers: Sequence[int] = ()

    def validate_fases(self, field: StringField) -> None:
        """FASE numbers, one at least."""
        typed = NUMBERS.findall(field.data or "")
        numbers = [whole_number(word) for word in typed]
        if not typed or None in numbers:
            raise ValidationError("Donnez des numéros FASE, séparés par des espaces.")
        self.numbers = [number for number in numbers if number is not None]


class TestLetterForm(FlaskForm):
    """The address for a test letter."""

    to = StringField(
        "Adresse de l’essai",
        description="Votre adresse, ou celle d’un autre compte : le courriel affiché y part, marqué [TEST].",
    )
    judged: Judgement | None = None

    def validate_to(self, field: StringField) -> None:
        """One address."""
        self.judged = refusing(lambda: judged(field.data or ""))
