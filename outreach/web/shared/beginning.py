"""How a campaign begins: a page asks « Quel programme, quel volet ? » and its name, and says how many would get it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from flask import redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as Redirect
from wtforms import RadioField, SelectChoice, StringField

from outreach.access import accounts
from outreach.adherence import situation
from outreach.adherence.models import Programme, Strand
from outreach.adherence.programmes import all_programmes, strand_in_words
from outreach.campaigns import planning, results, review
from outreach.campaigns.counting import Class
from outreach.campaigns.planning import Definition
from outreach.campaigns.results import Account, WrittenList
from outreach.campaigns.segments import Concerns
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError, Refused
from outreach.web.ui.fields import WORDS, chosen, line, posted, pressed, telling
from outreach.web.ui.request import actor, current_day, database, now, reading, settings

LONGEST_TITLE = 200
NO_STRAND = "Choisissez le programme et le volet : aucun n’est choisi d’office."
STEPS = {"audience": "le public", "letter": "le courriel", "check": "vérifier"}


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a campaign begins from.

    `name` is proposed for it, and `like` gives the campaign that it takes after about a strand, the only programme or
    not. `strand` is the key of the strand that what it begins from is about. `written` is the list that it is for.
    `model` says what it takes after, `of` is the key of the programme for which that was written. `kept` are the fields
    by which its form states all this again, to `action`.
    """

    name: str
    like: Callable[[Programme, Strand, bool], Definition]
    strand: int | None = None
    written: WrittenList | None = None
    model: str = ""
    of: int | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    action: str = ""


def ready_made(session: Session) -> Mapping[str, Definition]:
    """The ready-made campaigns to begin with, by name."""
    return planning.offered_definitions(session, settings().mode)


def blank(
    ready: Mapping[str, Definition], title: str, programme: Programme, strand: Strand, *, is_only: bool
) -> Definition:
    """A campaign with nothing in it yet about a strand, signed as the ready-made ones of its programme are."""
    models = list(ready.values())
    fitting = (
        one for one in models for each in programme.strands if planning.is_for(one, programme, each, is_only=is_only)
    )
    sender = next(fitting, models[0]).sender
    return planning.blank_definition(title, strand.number, sender, programme.code)


def like(stated: Definition, was: Strand | None, programme: Programme, strand: Strand, is_only: bool) -> Definition:
    """A campaign about a strand that takes after another, which `was` about its own where that is sure: a
    `Beginning.like` once these two are given."""
    return planning.definition_about(stated, programme, strand, is_only=is_only, was=was)


class BeginningForm(FlaskForm):
    """The strand of a new campaign, and its name."""

    strand = RadioField("Quel programme, quel volet ?", [chosen(NO_STRAND)], validate_choice=False)
    title = StringField(
        "Nom de la campagne",
        [line("Donnez un nom à la campagne.", LONGEST_TITLE)],
        description="Pour vos collègues : personne d’autre ne le lit.",
        render_kw=WORDS,
    )


@dataclass(frozen=True, slots=True)
class Offered:
    """The strands that a campaign may be about, by programme; those of programmes without an open one are apart."""

    programmes: Sequence[Programme]
    day: date

    @property
    def open(self) -> list[Programme]:
        """The programmes of which a strand is open; all of them where none is."""
        return [one for one in self.programmes if self._open_of(one)] or list(self.programmes)

    @property
    def others(self) -> list[Programme]:
        """The other programmes."""
        return [one for one in self.programmes if one not in self.open]

    @property
    def is_only(self) -> bool:
        """Whether there is one programme."""
        return len(self.programmes) == 1

    @property
    def alone(self) -> Strand | None:
        """The only strand that is open, of the only programme; None where there is a choice."""
        found = self._open_of(self.programmes[0]) if self.is_only else []
        return found[0] if len(found) == 1 else None

    def _open_of(self, programme: Programme) -> list[Strand]:
        return [strand for strand in programme.open_on(self.day) if not strand.is_closed(self.day)]

    def pairs(self) -> dict[str, tuple[Programme, Strand]]:
        """Each programme and strand, by what a form calls it."""
        return {f"{one.code}/{strand.number}": (one, strand) for one in self.programmes for strand in one.strands}

    def code_of_key(self, key: int | None) -> str:
        """What a form calls the strand with this key; '' for none."""
        return next((code for code, (_, strand) in self.pairs().items() if strand.id == key), "")

    def strand_in_words(self, strand: Strand) -> str:
        """What is said of a strand under its name: circular, schools, since when it is open."""
        opened = french.day(strand.opened_on)
        when = f"ouvert depuis le {opened}" if strand.is_open(self.day) else f"s’ouvre le {opened}"
        if strand.closed_on and strand.is_closed(self.day):
            when = f"fermé depuis le {french.day(strand.closed_on)}"
        circular = f"Circulaire {strand.circular}" if strand.circular else ""
        return " · ".join(filter(None, (circular, f"écoles {situation.kinds_of_schools(strand.levels)}", when)))


def offered_now(session: Session) -> Offered:
    """The strands that may be chosen today."""
    return Offered(all_programmes(session), current_day())


def begin(beginning: Beginning) -> Redirect | str | tuple[str, int]:
    """Ask for the strand and the name; once « Continuer » is pressed, create the draft and lead to its next step."""
    is_sent = request.method == "POST" and not pressed("count")
    form = BeginningForm()
    with reading() as session:
        offered = offered_now(session)
        _fill(form, beginning, offered)
        if not (is_sent and form.validate()):
            return _page(session, beginning, form, offered), 422 if is_sent else 200
        about = beginning.like(*offered.pairs()[form.strand.data], offered.is_only)
    step, title = posted("then") if posted("then") in STEPS else "audience", form.title.data or ""
    made = 0
    with telling(form), database().writing() as session:
        made = _create(session, about, beginning.written, title)
    if made:
        return redirect(url_for(f"campaigns.{step}", number=made))
    with reading() as session:
        return _page(session, beginning, form, offered_now(session)), 422


def _fill(form: BeginningForm, beginning: Beginning, offered: Offered) -> None:
    """Offer the strands; what the request does not state is as it is proposed."""
    form.strand.choices = [SelectChoice(code, strand.name) for code, (_, strand) in offered.pairs().items()]
    if form.strand.name not in request.form:
        alone = offered.alone.id if offered.alone else None
        form.strand.data = offered.code_of_key(beginning.strand or alone)
    if form.title.name not in request.form:
        form.title.data = beginning.name


def _create(session: Session, about: Definition, written: WrittenList | None, title: str) -> int:
    author, named = accounts.user_named(session, actor()), about.model_copy(update={"title": title})
    if written is None:
        return planning.create_campaign(session, named, now=now(), author=author).id
    return results.begin_from_list(session, written, named, now=now(), author=author, title=title).id


def _page(session: Session, beginning: Beginning, form: BeginningForm, offered: Offered) -> str:
    programme, strand = offered.pairs().get(form.strand.data or "", (None, None))
    about, account, fault = None, None, ""
    if programme and strand:
        about = beginning.like(programme, strand, offered.is_only)
        try:
            author = accounts.user_named(session, current_user.email)
            account = results.account_for(session, about, beginning.written, now=now(), author=author)
        except (InputError, Refused) as error:
            fault = str(error)
    return render_template(
        "pages/campaigns/begin.html",
        beginning=beginning,
        form=form,
        offered=offered,
        strand=strand,
        foreign=_foreign(beginning, programme, strand, offered),
        account=account,
        said=planning.criterion_sentence(session, planning.read_criterion(session, about.segment.criteria))
        if about and account and not beginning.written
        else "",
        out_of_scope=out_of_scope(strand, about.concerns) if strand and about else "",
        left_out=left_out(account) if account else [],
        fault=fault,
        steps=[(name, STEPS[name]) for name in _next_steps(beginning, about)],
        listed=len(beginning.written.authorities) if beginning.written and not beginning.written.rule else 0,
    )


def _foreign(beginning: Beginning, programme: Programme | None, strand: Strand | None, offered: Offered) -> str:
    """What is said where the model was written for another programme than the one chosen; '' otherwise."""
    written = next((one for one in offered.programmes if one.id == beginning.of), None)
    if written is None or programme is None or strand is None or programme.id == written.id:
        return ""
    about = strand_in_words(programme.name, strand.number)
    return (
        f"Ce courriel est écrit pour « {written.name} », et la campagne porterait sur « {about} » : son texte et "
        "son expéditeur restent tels quels. Changez-les ensuite ; « Vérifier » dit où il parle encore de l’autre "
        "programme."
    )


def _next_steps(beginning: Beginning, about: Definition | None) -> list[str]:
    """Where « Continuer » may lead, first the usual one: a list has its audience, and a ready-made letter its text."""
    if beginning.written is None:
        return ["audience"]
    return ["check", "letter"] if about and not review.unfinished_parts(about) else ["letter"]


def out_of_scope(strand: Strand, concerns: Concerns) -> str:
    """Why an authority is not concerned, in French."""
    return {
        Concerns.OPEN: f"sans école {situation.kinds_of_schools(strand.levels, 1)} concernée",
        Concerns.JOINED: "sans école qui a adhéré",
        Concerns.LISTED: "sans école que citait le courriel à corriger",
    }[concerns]


def left_out(account: Account) -> list[tuple[str, int, str]]:
    """Why those concerned would not receive it, in French, how many, and what the list behind it is called."""
    found = account.authorities
    joined = [("toutes leurs écoles ont adhéré ou le déclarent", found["already_joined"], Class.ALREADY_JOINED.value)]
    others = [
        (why.label if why else "pour une autre raison", count, why.value if why else "")
        for why, count in found.reasons.items()
    ]
    return [one for one in [*joined, *others] if one[1]]
