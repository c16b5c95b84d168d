"""Forms of contacts, lists, statuses, calls and agreements, in French and checked on the server."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import Length

from outreach.adherence.models import Status, Strand, Word
from outreach.days import parse_day
from outreach.directory.calls import LONGEST_NOTE, LONGEST_PERSON, CallKind
from outreach.directory.contacts import Particulars
from outreach.directory.models import MailboxKind, School
from outreach.errors import InputError
from outreach.mail.addresses import Judgement, SeveralAddresses
from outreach.measuring.bases import LONGEST_LINE, LONGEST_WORDING
from outreach.text import CONTROLS, line_of_words, phone_number, whole_number
from outreach.web.ui.request import judged

Sent = TypeVar("Sent")
SOURCES = ("Appel téléphonique", "Courriel reçu", "Formulaire", "Réunion")
KINDS = [
    SelectChoice(MailboxKind.IMPERSONAL, "Boîte de fonction (direction, secrétariat…)"),
    SelectChoice(MailboxKind.PERSONAL, "Boîte d’une personne"),
]
EVERY_SCHOOL = "all"
NUMBERS = re.compile(r"[^\s,;]+")


def tidy(field: StringField) -> None:
    """Clean what was typed to one line of words. Raises ValidationError with a sentence when it is unfit."""
    try:
        field.data = line_of_words(field.data or "")
    except InputError as error:
        raise ValidationError(str(error)) from None


def _to_choose(offered: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """The choices of a list that opens with none of them chosen."""
    return [SelectChoice("", "Choisir…"), *(SelectChoice(value, label) for value, label in offered)]


def _refuse_unchosen(field: RadioField | SelectField, sentence: str) -> None:
    """Raise ValidationError with a sentence unless one of the choices offered was made."""
    if field.data not in {choice.value for choice in field.choices} - {""}:
        raise ValidationError(sentence)


class ContactForm(FlaskForm):
    """An address to add, or to replace another. `confirmed` holds the address as it was shown to be confirmed."""

    address = StringField("Adresse de courriel", description="Une seule adresse, par exemple direction@ecole.example.")
    name = StringField(
        "Nom (facultatif)",
        [Length(max=200, message="Le nom dépasse 200 caractères.")],
        description="La personne ou le service qui relève cette boîte.",
    )
    function = StringField("Fonction (facultatif)", [Length(max=200, message="La fonction dépasse 200 caractères.")])
    phone = StringField("Téléphone (facultatif)")
    kind = RadioField("Nature de la boîte", choices=KINDS, default=MailboxKind.IMPERSONAL)
    schools = StringField(
        "Écoles pour lesquelles cette boîte répond (facultatif)",
        description="Leurs numéros FASE, séparés par des espaces. Aucun numéro : toutes les écoles.",
    )
    usage = StringField(
        "Usage (facultatif)",
        [Length(max=200, message="L’usage dépasse 200 caractères.")],
        description="À quoi sert cette boîte, par exemple « courrier officiel ».",
    )
    source = StringField(
        "Source (facultatif)",
        [Length(max=200, message="La source dépasse 200 caractères.")],
        description="D’où le service tient cette adresse.",
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

    def validate_name(self, field: StringField) -> None:
        """A line of words."""
        tidy(field)

    validate_function = validate_usage = validate_source = validate_name

    def validate_phone(self, field: StringField) -> None:
        """A phone number, or nothing."""
        try:
            field.data = phone_number(field.data or "")
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
        [Length(max=200, message="Le nom dépasse 200 caractères.")],
        description="Les pages et les courriels le disent ainsi. Le nom du registre est gardé à côté.",
    )

    def validate_name(self, field: StringField) -> None:
        """Required, on one line of words."""
        tidy(field)
        if not field.data:
            raise ValidationError("Écrivez le nom.")


class UploadForm(FlaskForm):
    """A list to upload."""

    file = FileField("Fichier", description="CSV, XLSX ou ODS, 16 Mo au plus.")

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


class ContactListForm(UploadForm):
    """A list of contacts to upload."""

    complete = BooleanField("Cette liste est complète : retirer les adresses qu’elle ne nomme pas")


class StatusForm(FlaskForm):
    """A status to record after a call, a letter, a visit: for one school, or for all of an authority.

    It opens with nothing chosen but the day, so that no status is recorded that nobody chose.
    """

    strand = RadioField("Volet", validate_choice=False)
    school = SelectField("École", validate_choice=False)
    status = SelectField(
        "Statut", choices=_to_choose((status, status.label) for status in Status), validate_choice=False
    )
    word = RadioField(
        "Sur la parole de qui",
        choices=[
            SelectChoice(Word.CONFIRMED, "Confirmé par le service"),
            SelectChoice(Word.DECLARED, "Déclaré par le pouvoir organisateur, à confirmer"),
        ],
        validate_choice=False,
    )
    day = StringField("Date", description="Le jour où ce statut a commencé, par exemple 30/06/2021.")
    source = SelectField("Source", choices=_to_choose((source, source) for source in SOURCES), validate_choice=False)
    person = StringField("Personne jointe (facultatif)", [Length(max=150, message="150 caractères au plus.")])
    note = TextAreaField("Note ou motif (facultatif)", [Length(max=2000, message="2000 caractères au plus.")])

    def offer(self, strands: Sequence[Strand], schools: Sequence[School]) -> None:
        """Fill the choices that depend on the authority."""
        self.strand.choices = [SelectChoice(str(s.number), f"Volet {s.number} : {s.name}") for s in strands]
        every = [(EVERY_SCHOOL, f"Toutes les écoles concernées ({len(schools)})")] if len(schools) > 1 else []
        self.school.choices = _to_choose([*every, *((str(s.fase), f"{s.display_name} ({s.fase})") for s in schools)])

    def validate_person(self, field: StringField) -> None:
        """A line of words."""
        tidy(field)

    def validate_note(self, field: TextAreaField) -> None:
        """No control characters, as a database may refuse them."""
        if CONTROLS.search(field.data or ""):
            raise ValidationError("Le texte contient un caractère interdit.")

    def validate_strand(self, field: RadioField) -> None:
        """The strand must be one of those offered."""
        _refuse_unchosen(field, "Choisissez un volet.")

    def validate_school(self, field: SelectField) -> None:
        """The school must be one of those offered, or all of them."""
        _refuse_unchosen(field, "Choisissez une école de ce pouvoir organisateur, ou toutes.")

    def validate_status(self, field: SelectField) -> None:
        """A status must be chosen."""
        _refuse_unchosen(field, "Choisissez un statut.")

    def validate_word(self, field: RadioField) -> None:
        """It must be said on whose word the status is known."""
        _refuse_unchosen(field, "Dites qui affirme ce statut : le service, ou le pouvoir organisateur.")

    def validate_source(self, field: SelectField) -> None:
        """A source must be chosen."""
        _refuse_unchosen(field, "Choisissez la source.")

    def validate_day(self, field: StringField) -> None:
        """The day must be readable."""
        try:
            parse_day(field.data or "")
        except InputError as error:
            raise ValidationError(str(error)) from None


class CallForm(FlaskForm):
    """A note of a call or another contact with an authority."""

    kind = RadioField(
        "Nature", choices=[SelectChoice(call_kind, call_kind.label) for call_kind in CallKind], validate_choice=False
    )
    day = StringField("Date", description="Le jour de l’échange, par exemple 30/06/2021.")
    person = StringField(
        "Personne jointe (facultatif)",
        [Length(max=LONGEST_PERSON, message="Le nom dépasse 200 caractères.")],
    )
    note = TextAreaField("Ce qui a été dit", description="2 000 caractères au plus.")

    validate_day = StatusForm.validate_day
    validate_person = StatusForm.validate_person

    def validate_kind(self, field: RadioField) -> None:
        """The kind must be one of those offered."""
        if field.data not in set(CallKind):
            raise ValidationError("Choisissez la nature de l’échange.")

    def validate_note(self, field: TextAreaField) -> None:
        """A note is required. Line ends become one character before it is measured, as browsers send two."""
        field.data = "\n".join((field.data or "").splitlines())
        if not field.data.strip():
            raise ValidationError("Écrivez ce qui a été dit.")
        if len(field.data) > LONGEST_NOTE:
            excess = len(field.data) - LONGEST_NOTE
            raise ValidationError(f"La note dépasse 2 000 caractères de {excess} : raccourcissez-la.")
        if CONTROLS.search(field.data):
            raise ValidationError("Le texte contient un caractère interdit.")


class ConsentForm(FlaskForm):
    """The agreement of a mailbox's holder to be measured: who, when, to which words, by which channel."""

    given_by = StringField("Qui l’a donné", description="Le nom et la fonction de la personne qui relève cette boîte.")
    day = StringField("Date", description="Le jour où l’accord a été donné, par exemple 30/06/2021.")
    channel = SelectField("Par quel moyen", choices=[SelectChoice(source.lower(), source) for source in SOURCES])
    wording = TextAreaField(
        "À quels mots", description="Le texte exact auquel la personne a dit oui, 2 000 caractères au plus."
    )

    validate_day = StatusForm.validate_day

    def validate_given_by(self, field: StringField) -> None:
        """Required, on one line of words."""
        tidy(field)
        if not field.data:
            raise ValidationError("Indiquez qui l’a donné.")
        if len(field.data) > LONGEST_LINE:
            raise ValidationError("200 caractères au plus.")

    def validate_wording(self, field: TextAreaField) -> None:
        """Required. Line ends become one character before it is measured, as browsers send two."""
        field.data = "\n".join((field.data or "").splitlines()).strip()
        if not field.data:
            raise ValidationError("Écrivez les mots auxquels la personne a dit oui.")
        if len(field.data) > LONGEST_WORDING:
            raise ValidationError("Le texte dépasse 2 000 caractères : raccourcissez-le.")
        if CONTROLS.search(field.data):
            raise ValidationError("Le texte contient un caractère interdit.")


class DecisionForm(FlaskForm):
    """The data protection officer's decision about a function's mailbox."""

    reference = StringField("Référence de la décision", description="Le numéro ou le nom du document qui la contient.")
    given_by = StringField("Qui l’a prise", description="Le délégué à la protection des données, par son nom.")
    day = StringField("Date", description="Le jour de la décision, par exemple 30/06/2021.")

    validate_day = StatusForm.validate_day
    validate_given_by = ConsentForm.validate_given_by

    def validate_reference(self, field: StringField) -> None:
        """Required, on one line of words."""
        tidy(field)
        if not field.data:
            raise ValidationError("Indiquez la référence de la décision.")
        if len(field.data) > LONGEST_LINE:
            raise ValidationError("200 caractères au plus.")
