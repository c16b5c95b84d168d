"""The forms of a campaign's steps: their fields, their checks, and the changes they make."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectChoice, StringField, TextAreaField, ValidationError
from wtforms.validators import Length

from outreach.campaigns import drafts, lifecycle
from outreach.campaigns.drafts import DraftStep
from outreach.campaigns.letter.frozen import refuse_unfit, refuse_unreadable
from outreach.campaigns.models import Campaign, Colour
from outreach.delivery.models import MessageClass
from outreach.errors import InputError
from outreach.mail.addresses import Judgement
from outreach.measuring.models import TrackingMode
from outreach.web.campaigns.blueprint import CHANGED, sending
from outreach.web.ui.forms import tidy
from outreach.web.ui.request import actor, database, judged, now

CLASSES = [
    SelectChoice(MessageClass.AWARENESS, "Sensibilisation : chacun peut s’en désinscrire"),
    SelectChoice(MessageClass.STATUTORY, "Communication légale : sans désinscription"),
]


def at_most(count: int) -> Length:
    """A check that a text has so many characters at most."""
    return Length(max=count, message=f"{count} caractères au plus.")


class StepForm(FlaskForm):
    """A step of a campaign; `version` is the digest of the campaign's content when the form was shown."""

    STEP: ClassVar[DraftStep]
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
                drafts.discard(session, number, current_user.id, self.STEP)
        return is_current


class SourceField(TextAreaField):
    """A letter's source, whose passages come as values of this name, in order; together they are its lines."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Join the passages. One value is the whole source."""
        if valuelist:
            self.data = "\n".join(valuelist)


class LetterForm(StepForm):
    """The letter, its sender and its contact person."""

    STEP = DraftStep.LETTER

    message_class = RadioField("Type de message", choices=CLASSES, validate_choice=False)
    colour = RadioField(
        "Couleur", choices=[SelectChoice(colour, colour.label) for colour in Colour], validate_choice=False
    )
    tracking = RadioField(
        "Mesure des ouvertures et des clics",
        choices=[SelectChoice(mode, mode.label) for mode in TrackingMode],
        validate_choice=False,
        description="Le pied du courriel le dit. Ce qui compte, ce sont les réponses et les adhésions.",
    )
    circular = StringField("Circulaire (facultatif)", [at_most(40)])
    circular_url = StringField(
        "Adresse de la circulaire (facultatif)", [at_most(500)], description="Le pied du courriel y mène : https://…"
    )
    subject = StringField(
        "Objet du courriel",
        [at_most(250)],
        description="Ce qu’il faut faire et pour quand, puis le sujet ; le numéro FASE en dernier. 90 caractères.",
    )
    preheader = StringField(
        "Texte d’aperçu (facultatif)",
        [at_most(250)],
        description="Ce qu’une messagerie montre après l’objet, en 90 caractères. Les champs y sont permis.",
    )
    letter = SourceField(
        "Texte du courriel",
        description="Markdown : ## titre, **gras**, - puce, [texte](https://…). Les champs s’écrivent ((champ)).",
    )
    contact_name = StringField(
        "Personne de contact", [at_most(200)], description="L’agent qui peut renseigner (décret du 22 décembre 1994)."
    )
    contact_service = StringField("Son service (facultatif)", [at_most(200)])
    contact_phone = StringField("Son téléphone (facultatif)", [at_most(40)])
    contact_email = StringField("Son adresse", [at_most(320)], description="Les réponses au courriel lui arrivent.")
    sender_name = StringField(
        "Nom de l’expéditeur",
        [at_most(200)],
        description="Par exemple : Fédération Wallonie-Bruxelles – votre service.",
    )
    sender_address = StringField("Adresse postale de l’expéditeur", [at_most(300)])

    KEPT = drafts.CONTENT[DraftStep.LETTER]

    @classmethod
    def about(cls, campaign: Campaign) -> "LetterForm":
        """The form as a campaign stands."""
        return cls(formdata=None, data={name: getattr(campaign, name) for name in cls.KEPT})

    def withhold_individual(self) -> None:
        """Do not offer to measure mailboxes one by one, unless the campaign does so already."""
        if self.tracking.data != TrackingMode.INDIVIDUAL:
            offered = [choice for choice in self.tracking.choices if choice.value != TrackingMode.INDIVIDUAL]
            self.tracking.choices = offered

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

    def validate_message_class(self, field: RadioField) -> None:
        """The value must be one of the field's choices."""
        if field.data not in {choice.value for choice in field.choices}:
            raise ValidationError("Choisissez un des choix proposés.")

    validate_colour = validate_message_class
    validate_tracking = validate_message_class

    def validate_contact_name(self, field: StringField) -> None:
        """Every letter names the agent who can inform (decree of 22 December 1994, article 2)."""
        require(field, "Indiquez la personne de contact : tout courriel doit nommer l’agent qui peut renseigner.")

    def validate_sender_name(self, field: StringField) -> None:
        """A letter says who sends it."""
        require(field, "Indiquez le nom de l’expéditeur.")

    def validate_sender_address(self, field: StringField) -> None:
        """A letter says where it comes from."""
        require(field, "Indiquez l’adresse postale de l’expéditeur.")

    def validate_contact_email(self, field: StringField) -> None:
        """Replies need a valid address."""
        try:
            field.data = judged(field.data or "").address
        except InputError as error:
            raise ValidationError(str(error)) from None

    def validate_contact_service(self, field: StringField) -> None:
        """One line of words, without characters that a header or a database may refuse."""
        tidy(field)

    validate_contact_phone = validate_contact_service
    validate_circular = validate_contact_service

    def validate_subject(self, field: StringField) -> None:
        """A subject is required, and its merge fields must be readable."""
        require(field, "Indiquez l’objet du courriel.")
        refusing(lambda: refuse_unreadable(field.data or "", "x", sending().schemes))

    def validate_preheader(self, field: StringField) -> None:
        """Its merge fields must be readable."""
        tidy(field)
        refusing(lambda: refuse_unfit(field.data or "", ""))

    def validate_circular_url(self, field: StringField) -> None:
        """A whole address, as of a link in the letter."""
        tidy(field)
        refusing(lambda: refuse_unfit("", field.data or "", sending().schemes))

    def validate_letter(self, field: TextAreaField) -> None:
        """A letter is required, and its markup must be readable."""
        refusing(lambda: refuse_unreadable("x", field.data or "", sending().schemes))


def require(field: StringField, sentence: str) -> None:
    """Tidy what is typed. Raises ValidationError with the sentence when it is nothing."""
    if not (field.data or "").strip():
        raise ValidationError(sentence)
    tidy(field)


def refusing(check: Callable[[], object]) -> None:
    """Let a check of the domain refuse a field. Raises ValidationError for its InputError."""
    try:
        check()
    except InputError as error:
        raise ValidationError(str(error)) from None


class TestLetterForm(FlaskForm):
    """The address for a test letter."""

    to = StringField(
        "Adresse de l’essai",
        description="Votre adresse, ou celle d’un autre compte : le courriel affiché y part, marqué [TEST].",
    )
    judged: Judgement | None = None

    def validate_to(self, field: StringField) -> None:
        """One address."""
        try:
            self.judged = judged(field.data or "")
        except InputError as error:
            raise ValidationError(str(error)) from None
