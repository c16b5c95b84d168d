"""Forms of contacts, lists, statuses, calls and agreements, in French and checked on the server."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    FieldList,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Optional

from outreach.adherence.models import Status, Strand, Word
from outreach.core.text import french
from outreach.core.text.addresses import Judgement, SeveralAddresses
from outreach.core.text.errors import InputError
from outreach.core.text.typed import phone_number, whole_number
from outreach.directory.contacts import Particulars
from outreach.directory.models import LONGEST_NOTE, LONGEST_PERSON, CallKind, MailboxKind, School
from outreach.directory.reference import NETWORKS
from outreach.web.ui.fields import DAY, WORDS, a_day, chosen, fit, line, lines
from outreach.web.ui.request import judged

Sent = TypeVar("Sent")
SOURCES = ("Appel téléphonique", "Courriel reçu", "Formulaire", "Réunion")
KINDS = [
    SelectChoice(MailboxKind.IMPERSONAL, "Boîte de fonction (direction, secrétariat…)"),
    SelectChoice(MailboxKind.PERSONAL, "Boîte d’une personne"),
]
EVERY_SCHOOL = "all"
NUMBERS = re.compile(r"[^\s,;]+")


def _to_choose(offered: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """The choices of a list that opens with none of them chosen."""
    return [SelectChoice("", "Choisir…"), *(SelectChoice(value, label) for value, label in offered)]


class NumberedRows(FieldList):
    """Rows of fields that are numbered from 0: of more than `most` the others are not read, and `are_cut` says so.

    A form of 500 kB could else make ten thousand rows, which took 20 seconds.
    """

    are_cut = False

    def __init__(self, *about: Any, most: int = 100, **named: Any) -> None:
        super().__init__(*about, **named)
        self.most = most

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        for name in formdata:
            if not name.startswith(f"{prefix}-"):
                continue
            digits = name.removeprefix(f"{prefix}-").partition("-")[0]
            number = whole_number(digits)
            if number is not None and number < self.most:
                yield number
            elif digits.isdecimal():
                self.are_cut = True


class ContactForm(FlaskForm):
    """An address to add, or to replace another. `confirmed` holds the address as it was shown to be confirmed."""

    address = StringField("Adresse de courriel", description="Une seule adresse, par exemple direction@ecole.example.")
    name = StringField(
        "Nom (facultatif)", [line()], description="La personne ou le service qui relève cette boîte.", render_kw=WORDS
    )
    function = StringField("Fonction (facultatif)", [line()], render_kw=WORDS)
    phone = StringField("Téléphone (facultatif)", [fit(phone_number)], render_kw={"type": "tel"})
    kind = RadioField("Nature de la boîte", choices=KINDS, default=MailboxKind.IMPERSONAL)
    schools = StringField(
        "Écoles pour lesquelles cette boîte répond (facultatif)",
        description="Leurs numéros FASE, séparés par des espaces. Aucun numéro : toutes les écoles.",
    )
    usage = StringField(
        "Usage (facultatif)",
        [line()],
        description="À quoi sert cette boîte, par exemple « courrier officiel ».",
        render_kw=WORDS,
    )
    source = StringField(
        "Source (facultatif)", [line()], description="D’où le service tient cette adresse.", render_kw=WORDS
    )
    confirmed = HiddenField()
    meant = HiddenField()  # the button that takes the address that was probably meant

    judged: Judgement | None = None
    several: Sequence[str] = ()
    own: Mapping[int, School]
    chosen: Sequence[School] | None = None

    def offer(self, own: Mapping[int, School]) -> None:
        """Say which schools it may answer for, by FASE number: those of its authority."""
        self.own = own

    @property
    def particulars(self) -> Particulars:
        """Who reads the mailbox, as typed."""
        fields = (self.name, self.function, self.phone, self.usage, self.source)
        return Particulars(*(field.data or "" for field in fields))

    def ask_to_confirm(self) -> None:
        """Show the address as it was understood; sending the form once more confirms it."""
        if self.judged is None:
            return
        self.address.data = self.confirmed.data = self.judged.address
        self.name.data = self.name.data or self.judged.display_name

    def validate_address(self, field: StringField) -> None:
        """Judge the address; keep the judgement for the view."""
        field.data = self.meant.data or field.data
        try:
            self.judged = judged(field.data or "")
        except SeveralAddresses as error:
            self.several = error.addresses
            raise ValidationError(str(error)) from None
        except InputError as error:
            raise ValidationError(str(error)) from None

    def validate_schools(self, field: StringField) -> None:
        """FASE numbers of the authority's schools; none are all. Not sent at all: as before."""
        if not field.raw_data:
            return
        typed = NUMBERS.findall(field.data or "")
        foreign = [word for word in typed if (whole_number(word) or 0) not in self.own]
        if foreign:
            raise ValidationError(f"« {foreign[0][:20]} » n’est pas le numéro d’une école de ce pouvoir organisateur.")
        self.chosen = [self.own[number] for number in sorted({int(word) for word in typed})]


class NameForm(FlaskForm):
    """The name under which pages and letters show an authority or a school."""

    name = StringField(
        "Nom affiché",
        [line("Écrivez le nom.")],
        description="Les pages et les courriels le disent ainsi. Le nom du registre est gardé à côté.",
    )


class UploadForm(FlaskForm):
    """A list to upload."""

    file = FileField("Fichier", description="CSV, XLSX ou ODS, entier, 16 Mo au plus.")

    def validate_file(self, field: FileField) -> None:
        """A browser sends an empty part when no file was chosen."""
        if not field.data:
            raise ValidationError("Choisissez un fichier.")

    def opened(self, read: Callable[[bytes], Sent]) -> Sent | None:
        """What `read` makes of the file of a valid form; None where it refuses the file, and the form says why."""
        try:
            return read(self.file.data.read())
        except InputError as error:
            self.file.errors = [str(error)]
            return None


class JoiningListForm(UploadForm):
    """A list of joinings to upload, of a programme, which may be said to have all joinings of networks until a day."""

    programme = StringField("Programme")  # its code

    complete_until = StringField(
        "Complète jusqu’au (facultatif)",
        [Optional(), a_day],
        description="Le dernier jour dont la liste donne toutes les adhésions. L’effet d’un tirage au sort l’attend.",
        render_kw=DAY,
    )
    covers = SelectMultipleField("Réseaux pour lesquels elle est complète", validate_choice=False)

    def __init__(self) -> None:
        super().__init__()
        self.covers.choices = [*NETWORKS.items()]


class ContactListForm(UploadForm):
    """A list of contacts to upload."""

    complete = BooleanField("Cette liste est complète : retirer les adresses qu’elle ne nomme pas")


class StatusForm(FlaskForm):
    """A status to record after a call, a letter, a visit: for one school, or for all of an authority.

    It opens with nothing chosen but the day, so that no status is recorded that nobody chose.
    """

    strand = RadioField("Volet", [chosen("Choisissez un volet.")], validate_choice=False)
    school = SelectField(
        "École", [chosen("Choisissez une école de ce pouvoir organisateur, ou toutes.")], validate_choice=False
    )
    status = SelectField(
        "Statut",
        [chosen("Choisissez un statut.")],
        choices=_to_choose((status, status.label) for status in Status),
        validate_choice=False,
    )
    word = RadioField(
        "Sur la parole de qui",
        [chosen("Dites qui affirme ce statut : le service, ou le pouvoir organisateur.")],
        choices=[
            SelectChoice(Word.CONFIRMED, "Confirmé par le service"),
            SelectChoice(Word.DECLARED, "Déclaré par le pouvoir organisateur, à confirmer"),
        ],
        validate_choice=False,
    )
    day = StringField(
        "Date", [a_day], description="Le jour où ce statut a commencé, par exemple 30/06/2021.", render_kw=DAY
    )
    source = SelectField(
        "Source",
        [chosen("Choisissez la source.")],
        choices=_to_choose((source, source) for source in SOURCES),
        validate_choice=False,
    )
    person = StringField("Personne jointe (facultatif)", [line(most=150)], render_kw=WORDS)
    note = TextAreaField("Note ou motif (facultatif)", [lines()])

    def offer(self, strands: Sequence[Strand], schools: Sequence[School], day: date) -> None:
        """Fill the choices that depend on the authority; a strand that has closed by a day says since when."""
        self.strand.choices = [
            SelectChoice(str(strand.number), f"Volet {strand.number} : {strand.name}{_over(strand, day)}")
            for strand in strands
        ]
        every = [(EVERY_SCHOOL, f"Toutes les écoles concernées ({len(schools)})")] if len(schools) > 1 else []
        self.school.choices = _to_choose([*every, *((str(s.fase), f"{s.display_name} ({s.fase})") for s in schools)])


def _over(strand: Strand, day: date) -> str:
    """What follows the name of a strand that has closed; '' of any other."""
    return f" (fermé depuis le {french.day(strand.closed_on)})" if strand.closed_on and strand.is_closed(day) else ""


class AboutSchoolsForm(FlaskForm):
    """An answer that somebody told a colleague, and the schools that it is about."""

    schools = SelectMultipleField(
        "Écoles dont parle la réponse",
        description="Aucune cochée : toutes celles qui en attendent une.",
        choices=(),
        validate_choice=False,
    )

    def offer(self, schools: Iterable[School]) -> None:
        """The schools that may be ticked."""
        self.schools.choices = [(str(one.fase), f"{one.display_name} (FASE {one.fase})") for one in schools]


class CallForm(FlaskForm):
    """A note of a call or another contact with an authority."""

    kind = RadioField(
        "Nature",
        [chosen("Choisissez la nature de l’échange.")],
        choices=[SelectChoice(call_kind, call_kind.label) for call_kind in CallKind],
        validate_choice=False,
    )
    day = StringField("Date", [a_day], description="Le jour de l’échange, par exemple 30/06/2021.", render_kw=DAY)
    person = StringField("Personne jointe (facultatif)", [line(most=LONGEST_PERSON)], render_kw=WORDS)
    note = TextAreaField(
        "Ce qui a été dit", [lines("Écrivez ce qui a été dit.", LONGEST_NOTE)], description="2 000 caractères au plus."
    )


class RecallForm(FlaskForm):
    """The day on which to come back to somebody."""

    day = StringField("À rappeler le", [a_day])

    @classmethod
    def at(cls, day: date | None) -> "RecallForm":
        """The form with the day that is set, if one is."""
        return cls(formdata=None, data={"day": day.isoformat() if day else ""})
