"""The forms of a campaign's steps: their fields, their checks, and the changes they make."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any, ClassVar

from flask_security import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectChoice, StringField, TextAreaField, ValidationError
from wtforms.validators import Length

from outreach.campaigns import drafts, lifecycle
from outreach.campaigns.definitions import MOST_REMINDERS
from outreach.campaigns.drafts import DraftStep
from outreach.campaigns.letter.frozen import refuse_unfit, refuse_unreadable
from outreach.campaigns.models import AddedReminder, Campaign, Colour
from outreach.campaigns.schedule.moments import moment_of, refuse_far_away
from outreach.campaigns.schedule.planning import offsets
from outreach.days import BRUSSELS, parse_day
from outreach.delivery.models import MessageClass
from outreach.errors import InputError
from outreach.mail.addresses import Judgement
from outreach.text import whole_number
from outreach.tracking.models import TrackingMode
from outreach.web.campaigns.blueprint import CHANGED, sending
from outreach.web.ui.forms import tidy
from outreach.web.ui.frame import actor, database, judged, now

HOUR = re.compile(r"([0-9]{1,2})\s?(?:h|[h:]\s?([0-9]{2}))?", re.IGNORECASE)
CLASSES = [
    SelectChoice(MessageClass.AWARENESS, "Sensibilisation : chacun peut s’en désinscrire"),
    SelectChoice(MessageClass.STATUTORY, "Communication légale : sans désinscription"),
]


def _at_most(count: int) -> Length:
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
    circular = StringField("Circulaire (facultatif)", [_at_most(40)])
    circular_url = StringField(
        "Adresse de la circulaire (facultatif)", [_at_most(500)], description="Le pied du courriel y mène : https://…"
    )
    subject = StringField(
        "Objet du courriel",
        [_at_most(250)],
        description="Ce qu’il faut faire et pour quand, puis le sujet ; le numéro FASE en dernier. 90 caractères.",
    )
    preheader = StringField(
        "Texte d’aperçu (facultatif)",
        [_at_most(250)],
        description="Ce qu’une messagerie montre après l’objet, en 90 caractères. Les champs y sont permis.",
    )
    letter = SourceField(
        "Texte du courriel",
        description="Markdown : ## titre, **gras**, - puce, [texte](https://…). Les champs s’écrivent ((champ)).",
    )
    contact_name = StringField(
        "Personne de contact", [_at_most(200)], description="L’agent qui peut renseigner (décret du 22 décembre 1994)."
    )
    contact_service = StringField("Son service (facultatif)", [_at_most(200)])
    contact_phone = StringField("Son téléphone (facultatif)", [_at_most(40)])
    contact_email = StringField("Son adresse", [_at_most(320)], description="Les réponses au courriel lui arrivent.")
    sender_name = StringField(
        "Nom de l’expéditeur",
        [_at_most(200)],
        description="Par exemple : Fédération Wallonie-Bruxelles – votre service.",
    )
    sender_address = StringField("Adresse postale de l’expéditeur", [_at_most(300)])

    KEPT = (
        *("message_class", "colour", "tracking", "circular", "circular_url", "subject", "preheader", "letter"),
        *("contact_name", "contact_service", "contact_phone", "contact_email", "sender_name", "sender_address"),
    )

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
        _require(field, "Indiquez la personne de contact : tout courriel doit nommer l’agent qui peut renseigner.")

    def validate_sender_name(self, field: StringField) -> None:
        """A letter says who sends it."""
        _require(field, "Indiquez le nom de l’expéditeur.")

    def validate_sender_address(self, field: StringField) -> None:
        """A letter says where it comes from."""
        _require(field, "Indiquez l’adresse postale de l’expéditeur.")

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
        _require(field, "Indiquez l’objet du courriel.")
        _refuse(lambda: refuse_unreadable(field.data or "", "x", sending().schemes))

    def validate_preheader(self, field: StringField) -> None:
        """Its merge fields must be readable."""
        tidy(field)
        _refuse(lambda: refuse_unfit(field.data or "", ""))

    def validate_circular_url(self, field: StringField) -> None:
        """A whole address, as of a link in the letter."""
        tidy(field)
        _refuse(lambda: refuse_unfit("", field.data or "", sending().schemes))

    def validate_letter(self, field: TextAreaField) -> None:
        """A letter is required, and its markup must be readable."""
        _refuse(lambda: refuse_unreadable("x", field.data or "", sending().schemes))


def _require(field: StringField, sentence: str) -> None:
    if not (field.data or "").strip():
        raise ValidationError(sentence)
    tidy(field)


def _refuse(check: Callable[[], object]) -> None:
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


class ReminderForm(FlaskForm):
    """A reminder that is added to a campaign: its letter and its moment. `version` is its digest when it was shown."""

    version = HiddenField()
    subject = StringField("Objet du courriel", [_at_most(250)])
    letter = SourceField("Texte du courriel", description="Copié du courriel de la campagne : changez-le ici.")
    day = StringField("Jour de la relance", description="Une date fermée passe à la prochaine ouverte.")
    hour = StringField("Heure", description="Heure de Bruxelles, par exemple 9:30.")

    @classmethod
    def about(cls, letter: Campaign | AddedReminder, at: datetime, version: str = "") -> "ReminderForm":
        """The form with a letter and a moment."""
        words = {"subject": letter.subject, "letter": letter.letter, "version": version}
        return cls(formdata=None, data={**words, **_shown(at)})

    def changes(self) -> dict[str, Any]:
        """The form's values, by field of the reminder. Only for a valid form."""
        words = (self.letter.data or "").replace("\r\n", "\n")
        return {"subject": (self.subject.data or "").strip(), "letter": words, "asked_at": _moment(self)}

    validate_subject = LetterForm.validate_subject
    validate_letter = LetterForm.validate_letter

    def validate_day(self, field: StringField) -> None:
        """A day is required."""
        _require(field, "Indiquez le jour de la relance.")
        _refuse(lambda: parse_day(field.data or ""))

    def validate_hour(self, field: StringField) -> None:
        """A time of day. With the day, it must be in the future."""
        _require(field, "Indiquez l’heure de la relance.")
        _refuse(lambda: _hour(field.data or ""))
        if self.day.data and not self.day.errors and not field.errors:
            _refuse(lambda: refuse_far_away(self.changes()["asked_at"], now()))


class HoursForm(FlaskForm):
    """A moment outside the sending hours for one wave, and why."""

    day = StringField("Jour du départ")
    hour = StringField("Heure", description="Heure de Bruxelles, par exemple 18:30.")
    reason = StringField("Pourquoi", [_at_most(500)], description="Par exemple : correction urgente avant lundi.")

    @classmethod
    def at(cls, moment: datetime) -> "HoursForm":
        """The form with a moment."""
        return cls(formdata=None, data=_shown(moment))

    def moment(self) -> datetime:
        """The moment that is asked for. Only for a valid form."""
        return _moment(self)

    validate_day = ReminderForm.validate_day

    def validate_hour(self, field: StringField) -> None:
        """A time of day."""
        _refuse(lambda: _hour(field.data or ""))

    def validate_reason(self, field: StringField) -> None:
        """A reason is required: it stays."""
        _require(field, "Dites pourquoi : cette raison reste avec la campagne.")


class DatesForm(StepForm):
    """The first wave's date, the reminders, the deadline in letters, and the last day of sending."""

    STEP = DraftStep.DATES

    class Meta(FlaskForm.Meta):
        """The token comes with the button that saves: the same form is sent as a query, without a token."""

        csrf = False

    day = StringField("Jour de la première vague", description="Par exemple 18/05/2021.")
    hour = StringField("Heure", description="Heure de Bruxelles, par exemple 9:30.")
    reminders = StringField(
        "Relances (facultatif)",
        [_at_most(100)],
        description="Le nombre de jours après la première vague, par exemple 14, 24. Elles s’arrêtent dès l’adhésion.",
    )
    deadline_days = StringField("Délai de réponse, en jours", description="La date limite citée dans chaque vague.")
    stops_on = StringField("Dernier jour d’envoi (facultatif)", description="Aucune relance ne part après ce jour.")

    @classmethod
    def about(cls, campaign: Campaign) -> "DatesForm":
        """The form as a campaign stands."""
        return cls(
            formdata=None,
            data={
                **(_shown(campaign.starts_at) if campaign.starts_at else {"day": "", "hour": "09:30"}),
                "reminders": ", ".join(map(str, offsets(campaign))),
                "deadline_days": str(campaign.deadline_days),
                "stops_on": campaign.stops_on.isoformat() if campaign.stops_on else "",
            },
        )

    def changes(self) -> dict[str, Any]:
        """The form's values, by field of the campaign. Only for a valid form."""
        return {
            "starts_at": _moment(self),
            "reminders": " ".join(map(str, _numbers(self.reminders.data or ""))),
            "deadline_days": int(self.deadline_days.data or 0),
            "stops_on": parse_day(self.stops_on.data) if (self.stops_on.data or "").strip() else None,
        }

    def validate_day(self, field: StringField) -> None:
        """Today or a later day, at most two years ahead."""
        _require(field, "Indiquez le jour de la première vague.")
        _refuse(lambda: parse_day(field.data or ""))
        last = datetime.combine(parse_day(field.data or ""), time(23, 59), UTC)
        _refuse(lambda: refuse_far_away(last, now()))

    def validate_hour(self, field: StringField) -> None:
        """A time of day. With the first wave's day, it must be in the future."""
        _require(field, "Indiquez l’heure de la première vague.")
        _refuse(lambda: _hour(field.data or ""))
        if self.day.data and not self.day.errors:
            _refuse(lambda: refuse_far_away(_moment(self), now()))

    def validate_reminders(self, field: StringField) -> None:
        """At most `MOST_REMINDERS` numbers of days, each from 1 to 365."""
        _refuse(lambda: _numbers(field.data or ""))

    def validate_deadline_days(self, field: StringField) -> None:
        """A number of days from 1 to 366."""
        if not 1 <= (whole_number((field.data or "").strip(), digits=3) or 0) <= 366:
            raise ValidationError("Indiquez un nombre de jours entre 1 et 366.")

    def validate_stops_on(self, field: StringField) -> None:
        """The day of the first wave, a later one, or nothing."""
        if not (field.data or "").strip():
            return
        _refuse(lambda: parse_day(field.data or ""))
        if self.day.data and not self.day.errors and parse_day(field.data or "") < parse_day(self.day.data):
            raise ValidationError("Le dernier jour d’envoi précède la première vague.")


def _shown(at: datetime) -> dict[str, str]:
    """A moment as the fields of a form: its day and hour in Brussels."""
    wall = at.astimezone(BRUSSELS)
    return {"day": wall.date().isoformat(), "hour": f"{wall:%H:%M}"}


def _moment(form: "ReminderForm | HoursForm | DatesForm") -> datetime:
    """The moment that a form's day and hour say. Raises InputError."""
    return moment_of(datetime.combine(parse_day(form.day.data or ""), _hour(form.hour.data or ""))).at


def _hour(text: str) -> time:
    """A time of day as people write it: 8, 8h, 8 h 30, 8:30. Raises InputError."""
    match = HOUR.fullmatch(text.strip())
    if match and int(match[1]) < 24 and int(match[2] or 0) < 60:
        return time(int(match[1]), int(match[2] or 0))
    raise InputError(f"« {text[:20]} » n’est pas une heure : écrivez 9:30.")


def _numbers(text: str) -> list[int]:
    words = text.replace(",", " ").replace(";", " ").split()
    if len(words) > MOST_REMINDERS:
        raise InputError(f"{MOST_REMINDERS} relances au plus.")
    numbers = {whole_number(word, digits=3) or 0 for word in words}
    if not all(1 <= number <= 365 for number in numbers):
        raise InputError("Indiquez des nombres de jours entre 1 et 365, par exemple 14, 24.")
    return sorted(numbers)
