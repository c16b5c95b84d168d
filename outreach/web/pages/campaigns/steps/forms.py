"""The forms of a campaign's steps and of its moments: fields, checks, and the changes they make."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any, ClassVar

from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    Form,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    ValidationError,
)

from outreach.access import form_drafts
from outreach.campaigns import planning
from outreach.campaigns.evidence import LADDER, RungWhen, stored_steps, write_steps
from outreach.campaigns.experiments import GAPS
from outreach.campaigns.letter import refuse_unfit, refuse_unreadable
from outreach.campaigns.models import AddedReminder, Campaign, Colour
from outreach.campaigns.planning import MOST_REMINDERS, moment_of, refuse_far_away, reminder_offsets
from outreach.core.text.addresses import Judgement
from outreach.core.text.dates import BRUSSELS, parse_day
from outreach.core.text.errors import InputError
from outreach.core.text.typed import whole_number
from outreach.delivery.models import MessageClass
from outreach.engagement.tracking import TrackingMode
from outreach.web.pages.campaigns.blueprint import CHANGED, sending
from outreach.web.shared.letter_editor import SourceField
from outreach.web.ui.fields import DAY, SHORT, WORDS, a_day, chosen, fit, line, refusing, remark
from outreach.web.ui.request import actor, current_day, database, judged, now

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
            campaign = planning.in_turn(session, number)
            is_current = self.is_current(planning.content_hash(campaign))
            if is_current:
                planning.revise_campaign(session, campaign, changes, now=now(), actor=actor())
                form_drafts.discard(session, planning.place_of(campaign, self.STEP, current_user.id))
        return is_current


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

    KEPT = planning.DRAFT_CONTENT[STEP]
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


SAID = {"no": ("Non", False), "yes": ("Oui", True)}
LOT = "Étaler en trois départs tirés au sort, à {} jours d’intervalle"
EXAMPLE = "Heure de Bruxelles, par exemple 9:30."
HOUR = re.compile(r"([0-9]{1,2})\s?(?:h|[h:]\s?([0-9]{2}))?", re.IGNORECASE)


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


def _an_hour(_form: Form, field: Field) -> None:
    refusing(lambda: _hour(field.data or ""))


def _a_course(_form: Form, field: Field) -> None:
    """At most `MOST_REMINDERS` numbers of days, each from 1 to 365."""
    refusing(lambda: _numbers(field.data or ""))


class ReminderForm(FlaskForm):
    """A reminder that is added to a campaign: its letter and its moment. `version` is its digest when it was shown."""

    version = HiddenField()
    subject = StringField("Objet du courriel", [line(NO_SUBJECT, 250), fit(readable_subject)])
    letter = SourceField(
        "Texte du courriel", [fit(readable_letter)], description="Copié du courriel de la campagne : changez-le ici."
    )
    day = StringField(
        "Jour de la relance",
        [line("Indiquez le jour de la relance."), a_day],
        description="Une date fermée passe à la prochaine ouverte.",
    )
    hour = StringField("Heure", [line("Indiquez l’heure de la relance."), _an_hour], description=EXAMPLE)

    @classmethod
    def about(cls, letter: Campaign | AddedReminder, at: datetime, version: str = "") -> "ReminderForm":
        """The form with a letter and a moment."""
        words = {"subject": letter.subject, "letter": letter.letter, "version": version}
        return cls(formdata=None, data={**words, **_shown(at)})

    def changes(self) -> dict[str, Any]:
        """The form's values, by field of the reminder. Only for a valid form."""
        words = (self.letter.data or "").replace("\r\n", "\n")
        return {"subject": (self.subject.data or "").strip(), "letter": words, "asked_at": _moment(self)}

    def validate_hour(self, field: StringField) -> None:
        """With the day, it must be in the future."""
        if self.day.data and not self.day.errors and not field.errors:
            refusing(lambda: refuse_far_away(self.changes()["asked_at"], now()))


class HoursForm(FlaskForm):
    """A moment outside the sending hours for one wave, and why."""

    day = StringField("Jour de la vague", [a_day], render_kw=DAY)
    hour = StringField("Heure", [_an_hour], description="Heure de Bruxelles, par exemple 18:30.", render_kw=SHORT)
    reason = StringField(
        "Pourquoi",
        [remark("Dites pourquoi : cette raison reste avec la campagne.")],
        description="Par exemple : correction urgente avant lundi.",
        render_kw=WORDS,
    )

    @classmethod
    def at(cls, moment: datetime) -> "HoursForm":
        """The form with a moment."""
        return cls(formdata=None, data=_shown(moment))

    def moment(self) -> datetime:
        """The moment that is asked for. Only for a valid form."""
        return _moment(self)


class DatesForm(StepForm):
    """The first wave's date, the reminders, the deadline in letters, and the last day of sending."""

    STEP = "dates"

    class Meta(FlaskForm.Meta):
        """The token comes with the button that saves: the same form is sent as a query, without a token."""

        csrf = False

    day = StringField(
        "Jour de la première vague",
        [line("Indiquez le jour de la première vague."), a_day],
        description="Par exemple 18/05/2021.",
        render_kw=DAY,
    )
    hour = StringField(
        "Heure", [line("Indiquez l’heure de la première vague."), _an_hour], description=EXAMPLE, render_kw=SHORT
    )
    reminders = StringField(
        "Relances (facultatif)",
        [line(most=100), _a_course],
        description="Le nombre de jours après la première vague, par exemple 14, 24. Elles s’arrêtent dès l’adhésion.",
        render_kw=SHORT,
    )
    stops_on = StringField(
        "Dernier jour d’envoi (facultatif)", description="Aucune relance ne part après ce jour.", render_kw=DAY
    )
    deadline_on = StringField(
        "Répondre au plus tard le (facultatif)",
        description="La même date limite pour toutes les vagues. Vide : un délai, ci-dessous.",
        render_kw=DAY,
    )
    deadline_days = StringField(
        "Délai de réponse, en jours",
        description="La date limite de chaque vague, comptée depuis son départ, s’il n’y a pas de date plus haut. Un "
        "jour fermé passe au prochain jour ouvrable.",
        render_kw=SHORT,
    )
    departures = SelectField(
        "Départs",
        choices=[SelectChoice("0", "En un seul départ"), *(SelectChoice(str(gap), LOT.format(gap)) for gap in GAPS)],
        default="0",
    )
    first_come = SelectField(
        "Des places ou des moyens sont-ils attribués dans l’ordre des demandes ?",
        description="Il faut le dire pour un tirage : le premier départ serait servi avant les autres.",
        choices=[SelectChoice("", "À dire"), *(SelectChoice(value, words) for value, (words, _) in SAID.items())],
        default="",
    )

    @classmethod
    def about(cls, campaign: Campaign) -> "DatesForm":
        """The form as a campaign stands."""
        return cls(
            formdata=None,
            data={
                **(_shown(campaign.starts_at) if campaign.starts_at else {"day": "", "hour": "09:30"}),
                "reminders": ", ".join(map(str, reminder_offsets(campaign))),
                "deadline_days": str(campaign.deadline_days),
                "deadline_on": campaign.deadline_on.isoformat() if campaign.deadline_on else "",
                "stops_on": campaign.stops_on.isoformat() if campaign.stops_on else "",
                "departures": str(campaign.departure_gap),
                "first_come": next((value for value, (_, is_so) in SAID.items() if is_so is campaign.first_come), ""),
                **{rung.channel.value: str(rung.days) for rung in stored_steps(campaign.ladder)},
                **{f"{rung.channel}_when": rung.when.value for rung in stored_steps(campaign.ladder)},
            },
        )

    def changes(self) -> dict[str, Any]:
        """The form's values, by field of the campaign. Only for a valid form."""
        gap, days = int(self.departures.data or 0), (self.deadline_days.data or "").strip()
        return {
            "starts_at": _moment(self),
            "reminders": " ".join(map(str, _numbers(self.reminders.data or ""))),
            **({"deadline_days": int(days)} if days else {}),
            "deadline_on": parse_day(self.deadline_on.data or "") if self._has_date else None,
            "stops_on": parse_day(self.stops_on.data) if (self.stops_on.data or "").strip() else None,
            "departure_gap": gap,
            "first_come": SAID[said][1] if gap and (said := self.first_come.data) else None,
            "ladder": self.ladder(),
        }

    @property
    def rungs(self) -> list[Field]:
        """The fields of the ladder: of each channel its days, and when it is due where that is asked."""
        return [self[name] for channel in LADDER for name in (channel.value, f"{channel}_when") if name in self]

    def ladder(self) -> str:
        """The rungs as a campaign keeps them. Raises InputError."""
        asked = [
            (channel, (self[channel.value].data or "").strip(), _when(self, f"{channel}_when")) for channel in LADDER
        ]
        return write_steps(
            [(channel, whole_number(days, digits=3) or 0, when) for channel, days, when in asked if days]
        )

    def validate_day(self, field: StringField) -> None:
        """Today or a later day, at most two years ahead."""
        last = datetime.combine(parse_day(field.data or ""), time(23, 59), UTC)
        refusing(lambda: refuse_far_away(last, now()))

    def validate_hour(self, _field: StringField) -> None:
        """With the first wave's day, it must be in the future."""
        if self.day.data and not self.day.errors:
            refusing(lambda: refuse_far_away(_moment(self), now()))

    def validate_deadline_days(self, field: StringField) -> None:
        """A number of days from 1 to 366; none where there is a date."""
        if self._has_date and not (field.data or "").strip():
            return
        if not 1 <= (whole_number((field.data or "").strip(), digits=3) or 0) <= 366:
            raise ValidationError("Indiquez un nombre de jours entre 1 et 366.")

    @property
    def _has_date(self) -> bool:
        return bool((self.deadline_on.data or "").strip())

    def validate_deadline_on(self, field: StringField) -> None:
        """Nothing, or a day from the first wave's on, at most two years ahead."""
        if not self._has_date:
            return
        day = refusing(lambda: parse_day(field.data or ""))
        if self.day.data and not self.day.errors and day < parse_day(self.day.data):
            raise ValidationError("La date limite de réponse précède la première vague.")
        if day > current_day().replace(day=1, year=current_day().year + 2):
            raise ValidationError("Choisissez une date limite dans les deux ans.")

    def validate_stops_on(self, field: StringField) -> None:
        """The day of the first wave, a later one, or nothing."""
        if not (field.data or "").strip():
            return
        refusing(lambda: parse_day(field.data or ""))
        if self.day.data and not self.day.errors and parse_day(field.data or "") < parse_day(self.day.data):
            raise ValidationError("Le dernier jour d’envoi précède la première vague.")


def _when(form: DatesForm, name: str) -> RungWhen:
    """What a field says of when a rung is due. Raises InputError on what it does not offer."""
    asked = form[name].data if name in form else None
    if asked and asked not in {choice.value for choice in form[name].choices}:
        raise InputError("Choisissez une des conditions proposées.")
    return RungWhen(asked or RungWhen.FAILED)


def _a_ladder(form: DatesForm, _field: Field) -> None:
    """With the other rungs: each delay once, within the limit."""
    refusing(form.ladder)


for _channel in LADDER:
    _facts, _rules = _channel.facts, [_a_ladder] if _channel is LADDER[-1] else []
    _days = StringField(f"{_facts.field}, après (jours)", _rules, description=_facts.help, render_kw=SHORT)
    setattr(DatesForm, _channel.value, _days)
    if _facts.asks_when:
        _choices = [SelectChoice(when.value, when.label) for when in _facts.whens]
        setattr(DatesForm, f"{_channel}_when", SelectField(_facts.asks_when, choices=_choices, default=RungWhen.FAILED))


def _shown(at: datetime) -> dict[str, str]:
    """A moment as the fields of a form: its day and hour in Brussels."""
    wall = at.astimezone(BRUSSELS)
    return {"day": wall.date().isoformat(), "hour": f"{wall:%H:%M}"}


def _moment(form: "ReminderForm | HoursForm | DatesForm") -> datetime:
    """The moment that a form's day and hour say. Raises InputError."""
    return moment_of(datetime.combine(parse_day(form.day.data or ""), _hour(form.hour.data or ""))).at
