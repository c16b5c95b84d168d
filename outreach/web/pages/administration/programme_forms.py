"""The form of a programme: a row a strand, with what it demands, read as a file states them; each fault in its row."""

from collections.abc import Collection
from datetime import date

from flask_wtf import FlaskForm
from pydantic import ValidationError
from wtforms import Field, Form, FormField, HiddenField, SelectChoice, SelectMultipleField, StringField

from outreach.adherence.programmes import PrerequisiteFile, ProgrammeFile, StrandFile, fault_of, page_address
from outreach.core.text.dates import parse_day
from outreach.core.text.errors import InputError
from outreach.core.text.typed import whole_number
from outreach.directory.models import Level
from outreach.web.ui.fields import fit, line
from outreach.web.ui.forms import NumberedRows

MOST_STRANDS = 40  # in a form; a file may state more
MOST_RULES = 20  # of a strand in a form; a file may state more
LAST_NUMBER = 99  # of a strand
TOO_MANY = (
    f"Un volet a ici {MOST_RULES} conditions au plus, et rien n’est enregistré : changez le fichier du programme, qui "
    "en prend davantage."
)
LABELS = {  # of the columns, as faults repeat them
    "name": "Nom",
    "circular": "Circulaire",
    "opened_on": "Ouvert le",
    "closed_on": "Ferme le",
    "levels": "Écoles concernées",
    "requires": "Demande d’abord",
    "since": "à partir du",
    "until": "jusqu’au",
}


class RuleForm(Form):
    """What a strand demands: another one first, from a day on; one that is left empty is none."""

    requires = StringField(LABELS["requires"])
    since = StringField(LABELS["since"])
    until = StringField(LABELS["until"])

    @property
    def is_empty(self) -> bool:
        """Whether nothing is typed in it."""
        return not any((field.data or "").strip() for field in self)


class StrandForm(Form):
    """A strand; `number` is what the page gave it."""

    number = HiddenField()
    name = StringField(LABELS["name"], [line("Donnez un nom à ce volet.")])
    circular = StringField(LABELS["circular"], [line(most=40)])
    opened_on = StringField(LABELS["opened_on"])
    closed_on = StringField(LABELS["closed_on"])
    levels = SelectMultipleField(
        LABELS["levels"],
        choices=[SelectChoice(level.value, level.label.capitalize()) for level in Level],
        validate_choice=False,
    )
    rules = NumberedRows(FormField(RuleForm), LABELS["requires"], most=MOST_RULES)


class ProgrammeForm(FlaskForm):
    """A programme and its strands. `code` is typed once, for a new one."""

    code = StringField(
        "Code", description="Son nom court, dans les fichiers et pour les logiciels, par exemple « plan-lecture »."
    )
    name = StringField(
        "Nom du programme", [line("Donnez un nom au programme.")], render_kw={"spellcheck": True, "maxlength": 200}
    )
    page = StringField(
        "Page du programme (facultatif)",
        [fit(page_address), line(most=500)],
        description="Les courriels y mènent.",
        render_kw={"type": "url", "maxlength": 500},
    )
    words = StringField(
        "Mots du programme (facultatif)",
        [line(most=500)],
        description="Comment les courriels l’appellent encore, entre virgules. « Vérifier » signale un courriel d’un "
        "autre programme qui les emploie.",
        render_kw={"maxlength": 500},
    )
    strands = NumberedRows(FormField(StrandForm), "Volets")

    def add_strand(self) -> None:
        """One row more, for the next strand."""
        taken = self._numbers()
        self.strands.append_entry({"number": str(next(one for one in range(1, LAST_NUMBER + 1) if one not in taken))})

    def remove_strand(self, number: int, used: Collection[int]) -> None:
        """A row less: of a strand that nothing stands on."""
        if number not in used:
            self.strands.entries = [row for row in self.strands if _number(row.form.number) != number]

    def free_rules(self) -> None:
        """Room for one condition more in each row that takes one."""
        for rules in (row.form.rules for row in self.strands):
            if not len(rules) or (len(rules) < MOST_RULES and not rules[-1].form.is_empty):
                rules.append_entry()

    @property
    def are_cut(self) -> bool:
        """Whether a strand states more conditions than are read."""
        return any(row.form.rules.are_cut for row in self.strands)

    def stated(self) -> ProgrammeFile | None:
        """The programme that the form states, or None: then each field that cannot be read has its error."""
        self.validate_on_submit()
        strands = [self._strand(row.form) for row in self.strands]
        rules = [
            self._rule(row.form, rule.form) for row in self.strands for rule in row.form.rules if not rule.form.is_empty
        ]
        if self.are_cut:
            self.form_errors.append(TOO_MANY)
        if not strands:
            self.form_errors.append("Un programme a au moins un volet : ajoutez-en un.")
        if self.faults():
            return None
        try:
            return ProgrammeFile.model_validate(
                {**{one.name: one.data for one in self._own()}, "strands": strands, "prerequisites": rules}
            )
        except ValidationError as error:
            if error.errors()[0]["loc"] == ("code",):
                self.code.errors = ["Écrivez le code en minuscules, chiffres et tirets, 60 signes au plus."]
            else:
                self.form_errors.append(f"Programme refusé, {fault_of(error)}.")
            return None

    def faults(self) -> list[tuple[str, str]]:
        """Each fault with the id of its field; that of a row names the row and the column."""
        told = [("", sentence) for sentence in self.form_errors]
        told += [(field.id, sentence) for field in self._own() for sentence in field.errors]
        for row in self.strands:
            told += _in_row(f"Volet {row.form.number.data}", row.form)
            for place, rule in enumerate(row.form.rules, 1):
                told += _in_row(f"Volet {row.form.number.data}, condition {place}", rule.form)
        return told

    def _own(self) -> tuple[Field, ...]:
        return self.code, self.name, self.page, self.words

    def _numbers(self) -> list[int]:
        return [_number(row.form.number) for row in self.strands]

    def _strand(self, row: StrandForm) -> StrandFile | None:
        opened, closed = _day(row.opened_on), _day(row.closed_on, required=False)
        if not _number(row.number):
            row.number.errors = [f"Un volet a un numéro de 1 à {LAST_NUMBER}."]
        if opened and closed and closed < opened:
            row.closed_on.errors = ["Il ferme avant d’avoir ouvert."]
        if not row.levels.data or not set(Level).issuperset(row.levels.data):
            row.levels.errors = ["Cochez au moins un niveau."]
        if opened is None or any(field.errors for field in row):
            return None
        return StrandFile(
            number=_number(row.number),
            name=row.name.data or "",
            circular=row.circular.data or "",
            opened_on=opened,
            closed_on=closed,
            levels=tuple(map(Level, row.levels.data)),
        )

    def _rule(self, strand: StrandForm, row: RuleForm) -> PrerequisiteFile | None:
        others = set(self._numbers()) - {_number(strand.number)}
        if _number(row.requires) not in others:
            row.requires.errors = [f"Choisissez un autre volet de ce programme : {_listed(others) or 'ajoutez-en un'}."]
        since, until = _day(row.since), _day(row.until, required=False)
        if since and until and until <= since:
            row.until.errors = ["La condition finit avant d’avoir commencé."]
        if since is None or any(field.errors for field in row):
            return None
        return PrerequisiteFile(strand=_number(strand.number), requires=_number(row.requires), since=since, until=until)


def filled(stated: ProgrammeFile) -> ProgrammeForm:
    """The form of a programme, to be changed."""
    return ProgrammeForm(
        formdata=None,
        data={
            "code": stated.code,
            "name": stated.name,
            "page": stated.page,
            "words": stated.words,
            "strands": [
                {
                    "number": str(one.number),
                    "name": one.name,
                    "circular": one.circular,
                    "opened_on": _spelt(one.opened_on),
                    "closed_on": _spelt(one.closed_on),
                    "levels": [level.value for level in one.levels],
                    "rules": [
                        {
                            "requires": str(rule.requires),
                            "since": _spelt(rule.since),
                            "until": _spelt(rule.until),
                        }
                        for rule in stated.prerequisites
                        if rule.strand == one.number
                    ],
                }
                for one in stated.strands
            ],
        },
    )


def _in_row(where: str, row: Form) -> list[tuple[str, str]]:
    return [(field.id, f"{where}, « {field.label.text} » : {error}") for field in row for error in field.errors]


def _day(field: Field, *, required: bool = True) -> date | None:
    """The day typed in a field, which then has it as it was typed, and its fault where it is none."""
    if not required and not (field.data or "").strip():
        return None
    try:
        return parse_day(field.data or "")
    except InputError as error:
        field.errors = [str(error)]
        return None


def _number(field: Field) -> int:
    return whole_number((field.data or "").strip(), digits=2) or 0


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers))


def _spelt(day: date | None) -> str:
    """A day as forms have it: « 30/06/2021 »."""
    return f"{day:%d/%m/%Y}" if day else ""
