"""The form of a note: filled from a draft, read as a request, with each fault under its field."""

from collections.abc import Sequence
from datetime import datetime

from flask_wtf import FlaskForm
from wtforms import Form, FormField, HiddenField, SelectMultipleField, StringField, TextAreaField

from outreach.adherence.models import Strand
from outreach.campaigns.planning import read_past
from outreach.core.text import french
from outreach.core.text.dates import BRUSSELS, parse_day
from outreach.core.text.typed import whole_number
from outreach.directory.models import Network
from outreach.reports.notes import LONGEST_QUESTION, HandFigure, NoteRequest, TableKind, day_of_figure
from outreach.web.ui.fields import telling
from outreach.web.ui.forms import NumberedRows

LEAST_ROWS = 2  # of figures given by hand; one more than those given is always free
FOLDED = ("title", "strands", "groupings", "text", "hand_figures", "known_at", "made_as")


class HandFigureForm(Form):
    """A figure given by hand; a row that is left empty is none."""

    label = StringField("Ce qui est compté")
    value = StringField("Chiffre")
    source = StringField("Source")
    dated = StringField("Date")


class NoteDecisionForm(FlaskForm):
    """What an approver says of a note: a function where it is approved, why where it is refused."""

    approved_as = StringField(
        "Votre fonction (facultatif)",
        description="Elle paraît dans les fichiers, sans votre nom. Vide : « validation ».",
        render_kw={"maxlength": 200},
    )
    reason = TextAreaField("Pourquoi vous la refusez", render_kw={"rows": 2, "maxlength": LONGEST_QUESTION})


class StandingForm(FlaskForm):
    """Why a note stays whose figures were revised."""

    why = TextAreaField("Pourquoi la note reste", render_kw={"rows": 2, "maxlength": LONGEST_QUESTION})


class SendBackForm(FlaskForm):
    """Why a question is sent back to who asked it."""

    reason = TextAreaField("Pourquoi vous la renvoyez", render_kw={"rows": 2, "maxlength": LONGEST_QUESTION})


class NoteForm(FlaskForm):
    """What is asked of a note. No strand or network ticked means all of them."""

    title = StringField("Titre (facultatif)", description="Vide : « Situation au », et le jour.")
    as_of = StringField("Situation à la fin du")
    compare = StringField("Comparée au (facultatif)")
    known_at = StringField(
        "D’après ce qui était enregistré le (facultatif)",
        description="Vide : tout ce qui est connu quand la note est figée.",
    )
    strands = SelectMultipleField("Volets", validate_choice=False)
    networks = SelectMultipleField("Réseaux", validate_choice=False)
    groupings = SelectMultipleField("Tableaux en plus de celui par réseau", validate_choice=False)
    question = TextAreaField("La question, dans ses mots")
    text = TextAreaField(
        "Complément (facultatif)",
        description="Vos paragraphes, en Markdown : **gras**, ## titre, - puce. Ils ne paraissent pas sur la page "
        "publique.",
    )
    hand_figures = NumberedRows(FormField(HandFigureForm), "Chiffres donnés à la main (facultatif)")
    made_as = StringField(
        "Votre fonction (facultatif)",
        description="Elle paraît dans les fichiers, sans votre nom. Vide : « rédaction ».",
    )
    programme = HiddenField()  # its code
    corrects = HiddenField()
    effect = StringField("Avec l’effet du courriel, tel qu’il est figé")  # the number of its campaign
    answers = HiddenField()  # the key of the question that the note answers
    seen = HiddenField()  # the version of the draft that was changed
    reason = TextAreaField("Pourquoi la note est corrigée")

    def offer(self, strands: Sequence[Strand], networks: Sequence[Network]) -> None:
        """Give the boxes to tick their values and labels."""
        self.strands.choices = [(str(strand.number), f"{strand.number}. {strand.name}") for strand in strands]
        self.networks.choices = [(network.code, network.label) for network in networks]
        kinds = [kind for kind in TableKind if kind is not TableKind.NETWORK]
        self.groupings.choices = [(kind.value, f"Par {kind.label.lower()}") for kind in kinds]
        free = max(LEAST_ROWS - len(self.hand_figures), 1 if self._is_filled() else 0)
        for _ in range(free):
            self.hand_figures.append_entry()

    def note_request(self, *, now: datetime) -> NoteRequest | None:
        """The request that the form states, or None: then each field that cannot be read has its error."""
        day, known_at, compare = None, None, None
        with telling(self.as_of):
            day = parse_day(self.as_of.data or "")
        with telling(self.compare):
            compare = parse_day(self.compare.data or "") if (self.compare.data or "").strip() else None
        with telling(self.known_at):
            known_at = read_past(self.known_at.data, now=now) if (self.known_at.data or "").strip() else None
        if day is None or self.known_at.errors or self.compare.errors:
            return None
        return NoteRequest(
            day,
            (self.title.data or "").strip() or f"Situation au {french.day(day)}",
            programme=(self.programme.data or "").strip(),
            known_at=known_at,
            strands=tuple(whole_number(number, digits=2) or 0 for number in self.strands.data or ()),
            networks=tuple(self.networks.data or ()),
            groupings=tuple(TableKind(kind) for kind in self.groupings.data or () if kind in set(TableKind)),
            question=_lines(self.question.data),
            text=_lines(self.text.data),
            hand_figures=tuple(figure for row in self.hand_figures if (figure := _figure(row.data)) is not None),
            made_as=(self.made_as.data or "").strip(),
            corrects=(self.corrects.data or "").strip(),
            reason=_lines(self.reason.data),
            answers=whole_number(self.answers.data or "") or 0,
            compare=compare,
            effect=whole_number(self.effect.data or "") or 0,
        )

    @property
    def has_folded_fault(self) -> bool:
        """Whether what the page folds away has a fault: then it is shown."""
        return any(self[name].errors for name in FOLDED)

    @property
    def has_folded_text(self) -> bool:
        """Whether something was said in what the page folds away."""
        said = any(self[name].data for name in FOLDED if name not in {"title", "hand_figures"})
        return said or any(any(row.data.values()) for row in self.hand_figures)

    def show(self, faults: dict[str, str]) -> None:
        """Put each fault under its field."""
        for name, fault in faults.items():
            self[name].errors = [fault]

    def _is_filled(self) -> bool:
        return bool(len(self.hand_figures)) and _figure(self.hand_figures[-1].data) is not None


def filled(asked: NoteRequest) -> NoteForm:
    """The form of a request, to be changed."""
    return NoteForm(
        formdata=None,
        data={
            "title": asked.title,
            "programme": asked.programme,
            "as_of": asked.as_of.isoformat(),
            "known_at": asked.known_at.astimezone(BRUSSELS).strftime("%Y-%m-%dT%H:%M") if asked.known_at else "",
            "strands": [str(number) for number in asked.strands],
            "networks": list(asked.networks),
            "groupings": [kind.value for kind in asked.groupings],
            "question": asked.question,
            "text": asked.text,
            "hand_figures": [
                {"label": one.label, "value": one.value, "source": one.source, "dated": one.dated}
                for one in asked.hand_figures
            ],
            "made_as": asked.made_as,
            "corrects": asked.corrects,
            "reason": asked.reason,
            "answers": str(asked.answers or ""),
            "compare": asked.compare.isoformat() if asked.compare else "",
            "effect": str(asked.effect or ""),
        },
    )


def _figure(row: dict[str, str | None]) -> HandFigure | None:
    """The figure of a row, its day as ISO has it where it can be read; None of an empty row."""
    words = {name: " ".join((row.get(name) or "").split()) for name in ("label", "value", "source", "dated")}
    if not any(words.values()):
        return None
    return HandFigure(**{**words, "dated": day_of_figure(words["dated"])})


def _lines(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()
