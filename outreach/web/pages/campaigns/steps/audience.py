"""Step 1, the audience: choose it, count it, and explain why an authority is or is not in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from outreach.access import form_drafts as drafts
from outreach.adherence.models import Strand
from outreach.adherence.programmes import programmes
from outreach.adherence.situation import sentences
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import audiences, lifecycle, segment_uses, wave_criteria
from outreach.campaigns.results import history
from outreach.campaigns.review import checks, other_programme
from outreach.campaigns.segments import audience as segment
from outreach.campaigns.segments import audience_counts, of_strand, presentation, saved
from outreach.campaigns.segments.audience import Audience, Boxes, Concerns
from outreach.campaigns.segments.criteria import Criterion, sentence, simplified
from outreach.campaigns.segments.criteria_json import MOST_LEAVES, PARAMETER, TooMany, from_json, to_json, within_limits
from outreach.campaigns.segments.presentation import Cell, Choices, Explanation
from outreach.campaigns.segments.scope import Names, Scope
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import line_of_words, whole_number
from outreach.delivery.models import Reason
from outreach.directory.authorities import search as directory
from outreach.directory.authorities import sheet
from outreach.directory.authorities.search import LONGEST_SEARCH
from outreach.directory.models import Authority, Level
from outreach.directory.reference import NetworkCode
from outreach.web.pages.campaigns.blueprint import CHANGED, Step, pages, show, step_of, title_in_file
from outreach.web.pages.campaigns.steps.forms import KeptSegmentForm
from outreach.web.pages.campaigns.steps.offered_drafts import keep, on_return
from outreach.web.shared.beginning import offered_now
from outreach.web.shared.conditions import (
    ConditionLine,
    changed,
    fault_of,
    fields_of,
    known,
    lines_of,
    read,
    without_strangers,
)
from outreach.web.shared.drafts import RESUMED, Fields, PageDrafts, of_page
from outreach.web.sign_in.form_recovery import recovers_form
from outreach.web.ui import exports
from outreach.web.ui.fields import posted
from outreach.web.ui.pager import words
from outreach.web.ui.request import actor, current_day, database, needs, now, reading

SHOWN = 10
LONGEST_TITLE = 200
LEVELS = (Level.NURSERY, Level.PRIMARY, Level.SECONDARY)


@dataclass(frozen=True, slots=True)
class AskedAudience:
    """The audience that a request states, and the campaign's name.

    `strand` is what it is about. `cells` are the ticked boxes of the matrix, `lines` the other conditions. `criterion`
    is what those of them mean that are complete. `concerns` says which schools count, `boxes` to which mailboxes it
    writes. `fault` says in French why it would not be saved, or ''. `is_kept` holds when the request could not be read,
    so that this is the campaign's own audience.
    """

    title: str
    strand: Strand
    criterion: Criterion
    cells: frozenset[Cell]
    lines: Sequence[ConditionLine]
    concerns: Concerns
    boxes: Boxes
    fault: str = ""
    is_kept: bool = False


@pages.get("/<number:number>/audience")
@needs(RoleName.READER)
def audience(number: int) -> str:
    with reading() as session:
        return saved_audience(session, number)


def saved_audience(session: Session, number: int, form: KeptSegmentForm | None = None) -> str:
    """The step's page of a campaign as it is saved, or as the address asks; `form`, of a segment, was refused."""
    campaign = lifecycle.campaign_numbered(session, number)
    step = step_of(session, "audience", campaign)
    shown = of_page()
    if "asked" not in request.args and PARAMETER not in request.args:
        shown = on_return(session, step, lambda typed: _changes(session, campaign, typed))
    given = shown.fields or request.args
    asked = asked_of(session, campaign, given)
    return _page(session, campaign, _in_turn(step, asked, given) if _is_live() else asked, shown, form)


def _in_turn(step: Step, asked: AskedAudience, given: MultiDict[str, str]) -> AskedAudience:
    """What a form asks while it is filled in, with its fault where the campaign has changed since it was opened."""
    is_late = not asked.fault and given.get("version") != step.version
    return replace(asked, fault=CHANGED) if is_late else asked


def _is_live() -> bool:
    """Whether a form asks while it is filled in. A page that is gone back to states the version of an older form."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _told(given: MultiDict[str, str], arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    with reading() as session:
        asked = asked_of(session, lifecycle.campaign_numbered(session, arguments["number"]), given)
        said = asked.fault or wave_criteria.sentence(session, asked.criterion)
        said_of = programmes.strand_names(session)[asked.strand.id]
    return [
        ("Nom de la campagne", asked.title),
        ("Programme et volet", said_of),
        ("Public", said),
        ("Écoles dont parle le courriel", asked.concerns.label),
        ("Écrire", asked.boxes.label),
    ]


@pages.post("/<number:number>/audience/choices")
@needs(RoleName.AUTHOR)
@recovers_form(_told, button="Reprendre ces choix")
def change_audience(number: int) -> Redirect | str | tuple[str, int]:
    """Keep what is chosen, with what the button pressed changes of it, and show it; nothing is saved.

    A script gets the page at once: two of its requests may be kept in either order, and each shows what it asked.
    """
    with reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        asked = asked_of(session, campaign, request.form)
        if asked.is_kept:
            return _page(session, campaign, asked), 422
        code = offered_now(session).code_of_key(asked.strand.id)
    fields = _fields_of(asked, posted("version"), code)
    page, at = keep(number, "audience", fields), _place_of(asked, request.form)
    if _is_live():
        with reading() as session:
            campaign = lifecycle.campaign_numbered(session, number)
            kept = MultiDict(fields)
            asked = _in_turn(step_of(session, "audience", campaign), asked_of(session, campaign, kept), kept)
            return _page(session, campaign, asked, replace(of_page(is_kept=True), fields=kept), at=at)
    shown: dict[str, Any] = {name: posted(name) for name in ("find", "why") if posted(name)}
    return redirect(url_for(".audience", number=number, draft=page, at=at, **shown), 303)


def _fields_of(asked: AskedAudience, version: str, strand: str) -> list[tuple[str, str]]:
    """The fields by which the step's form states an audience."""
    chosen = [("title", asked.title), ("strand", strand)]
    chosen += [("concerns", asked.concerns.value), ("boxes", asked.boxes.value)]
    cells = [("cell", f"{network}|{level}") for network, level in sorted(asked.cells)]
    return [("asked", "1"), ("version", version), *chosen, *cells, *fields_of(asked.lines)]


def _place_of(asked: AskedAudience, given: MultiDict[str, str]) -> str:
    """The id of what takes the focus after a button: the condition added, the one after that removed, or the button."""
    if "add" in given and asked.lines:
        return f"words-{asked.lines[-1].number}"
    if "remove" in given:
        after = min(whole_number(given["remove"], digits=4) or 1, len(asked.lines))
        return f"words-{after}" if after else "adding"
    if "only" in given:
        return f"only-{given['only'].replace(' ', '-')}"
    return "find" if "search" in given else "foreign" if "follow" in given else "recount"


@pages.post("/<number:number>/audience")
@needs(RoleName.AUTHOR)
@recovers_form(_told)
def save_audience(number: int) -> Redirect | tuple[str, int]:
    with reading() as session:
        asked = asked_of(session, lifecycle.campaign_numbered(session, number), request.form)
    if not asked.fault and not _saved(number, asked, posted("version")):
        asked = replace(asked, fault=CHANGED)
    if asked.fault:
        with reading() as session:
            return _page(session, lifecycle.campaign_numbered(session, number), asked), 422
    flash("Le public est enregistré.", "success")
    return redirect(url_for(".check" if request.args.get("then") == "check" else ".letter", number=number))


def _saved(number: int, asked: AskedAudience, version: str) -> bool:
    """Save an audience in a campaign, if that is still the version that was shown; whether it was saved."""
    changes = {
        "title": asked.title,
        "criteria": to_json(simplified(asked.criterion)),
        "concerns": asked.concerns,
        "boxes": asked.boxes,
    }
    with database().writing() as session:
        campaign = lifecycle.in_turn(session, number)
        is_same = version == lifecycle.content_hash(campaign)
        if is_same:
            about = lifecycle.about(campaign, asked.strand) if asked.strand.id != campaign.strand_id else {}
            lifecycle.revise(session, campaign, {**changes, **about}, now=now(), actor=actor())
            drafts.discard(session, lifecycle.place_of(campaign, "audience", current_user.id))
    return is_same


@pages.get("/<number:number>/audience.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_audience(number: int, kind: str) -> Response:
    with reading() as session:
        campaign = lifecycle.campaign_numbered(session, number)
        asked = asked_of(session, campaign, request.args)
        if asked.fault:
            raise InputError(asked.fault)
        table = segment.mailboxes(session, *_meant(session, campaign, asked)).table()
        return exports.download(table, kind, f"public-campagne-{number}", campaign=title_in_file(session, campaign))


def asked_of(session: Session, campaign: Campaign, given: MultiDict[str, str]) -> AskedAudience:
    """The audience in a query or a form; without either, or when it is invalid, the campaign's own."""
    kept, title = audiences.criterion_of(campaign), given.get("title", campaign.title)
    _, strand = offered_now(session).pairs().get(given.get("strand", ""), (None, campaign.strand))
    scope = audiences.scope_of(session, campaign, now=now(), strand=strand)
    try:
        concerns = Concerns(given.get("concerns", campaign.concerns))
        boxes = Boxes(given.get("boxes", campaign.boxes))
        choices, lines = _chosen(session, given, kept, scope)
        is_unknown = strand.id != campaign.strand_id and of_strand.numbers(choices.criterion()) - scope.strands.keys()
        if "follow" in given or is_unknown:  # the new programme has no strand of that number
            choices, lines = _followed(choices, lines, strand, campaign.strand)
        criterion = within_limits(choices.criterion())
        criterion.where(scope)
    except (InputError, ValueError) as error:
        said = str(error) if isinstance(error, InputError) else "Un de ces choix n’existe pas."
        own = Choices.of(kept)
        own_choice = (Concerns(campaign.concerns), Boxes(campaign.boxes))
        return AskedAudience(title, campaign.strand, kept, own.cells, lines_of(own), *own_choice, said, is_kept=True)
    fault = _fault_of(title) or fault_of(lines)
    if not fault and audiences.lacks_letter(concerns, criterion):
        fault = f"{audiences.LACKS_LETTER[:-1]}, ou choisissez d’autres écoles plus bas."
    if not fault:
        fault = audiences.corrects_another_strand(session, concerns, criterion, strand)
    if not fault and strand.id != campaign.strand_id and campaign.mailing_keys:
        fault = "Un courriel de cette campagne est déjà parti : son volet ne se change plus."
    if not fault and (strand.id, concerns) != (campaign.strand_id, campaign.concerns):
        closed = audiences.closed_to(session, concerns, strand, current_day())
        fault = sentences.closing(closed) if closed else ""
    return AskedAudience(title, strand, criterion, choices.cells, lines, concerns, boxes, fault)


def _fault_of(title: str) -> str:
    try:
        is_fit = 0 < len(line_of_words(title)) <= LONGEST_TITLE
    except InputError as error:
        return str(error)
    return "" if is_fit else f"Indiquez le nom de la campagne, en {LONGEST_TITLE} caractères au plus."


def _chosen(
    session: Session, given: MultiDict[str, str], kept: Criterion, scope: Scope
) -> tuple[Choices, Sequence[ConditionLine]]:
    """The choices and the lines of a request: those of a criterion written as JSON, or those of the form.

    Raises ValueError on an unknown box, InputError on what cannot be read.
    """
    if PARAMETER in given or "asked" not in given:
        stated = Choices.of(_stated(given[PARAMETER]) if PARAMETER in given else kept)
        return stated, lines_of(stated)
    offered = presentation.offers(known(session, scope)) if "add" in given else {}
    lines = without_strangers(session, read(given, offered))
    ticked = [cell.partition("|") for cell in given.getlist("cell")]
    cells = frozenset((NetworkCode(network), Level(level)) for network, _, level in ticked)
    choices = Choices(cells, tuple(line.criterion for line in lines if line.criterion is not None))
    return (choices.only(NetworkCode(given["only"])) if given.get("only") else choices), lines


def _followed(
    choices: Choices, lines: Sequence[ConditionLine], strand: Strand, was: Strand
) -> tuple[Choices, Sequence[ConditionLine]]:
    """The same choices and lines, of which those conditions are about the strand that were about another."""

    def brought(criterion: Criterion) -> Criterion:
        return of_strand.brought(criterion, strand, was=was)

    cells = Choices.of(brought(Choices(choices.cells).criterion())).cells
    return Choices(cells, tuple(map(brought, choices.conditions))), changed(lines, brought)


def _stated(text: str) -> Criterion:
    try:
        return from_json(text)
    except TooMany:
        raise
    except InputError:
        raise InputError("Ce public n’existe pas : l’adresse de la page est incomplète ou abîmée.") from None


def _meant(session: Session, campaign: Campaign, asked: AskedAudience) -> tuple[Audience, Scope]:
    own = audiences.audience_of(campaign)
    meant = replace(own, criterion=asked.criterion, strand=asked.strand, concerns=asked.concerns, boxes=asked.boxes)
    return meant, audiences.scope_of(session, campaign, now=now(), strand=asked.strand)


def _changes(session: Session, campaign: Campaign, fields: Fields) -> list[str]:
    """What an audience that was typed would change of the campaign's own, in French; nothing if it cannot be read."""
    own, typed = asked_of(session, campaign, MultiDict()), asked_of(session, campaign, fields)
    if typed.is_kept:
        return []
    names = wave_criteria.names(session, [own.criterion, typed.criterion])
    before, after = ([_words_of(line, names) for line in one.lines] for one in (own, typed))
    told = [f"nom « {typed.title} »"] if typed.title != own.title else []
    told += [programmes.strand_names(session)[typed.strand.id]] if typed.strand.id != own.strand.id else []
    told += ["réseaux et niveaux"] if typed.cells != own.cells else []
    told += [f"condition ajoutée, « {words} »" for words in after if words not in before]
    told += [f"condition retirée, « {words} »" for words in before if words not in after]
    told += [f"écoles, « {typed.concerns.label} »"] if typed.concerns != own.concerns else []
    told += [f"écrire, « {typed.boxes.label} »"] if typed.boxes != own.boxes else []
    counts = [audience_counts.count(session, *_meant(session, campaign, one)).written for one in (own, typed)]
    return [f"{french.number(counts[0])} → {french.plural(counts[1], 'PO', 'PO')}", *told] if told else []


def _words_of(line: ConditionLine, names: Names) -> str:
    return line.criterion.words(names) if line.criterion else f"{presentation.title_of(line.word)} (à compléter)"


def _page(
    session: Session,
    campaign: Campaign,
    asked: AskedAudience,
    drafts: PageDrafts | None = None,
    form: KeptSegmentForm | None = None,
    at: str = "",
) -> str:
    drafts = drafts or of_page()
    meant, scope = _meant(session, campaign, asked)
    reason, search = request.args.get("reason", ""), words(request.values, "find", LONGEST_SEARCH)
    left_out = Reason(reason) if reason in set(segment.ORDER) else None
    rows = audience_counts.first(session, meant, scope, SHOWN, reason=left_out)
    kinds, called = presentation.offers(known(session, scope)), wave_criteria.names(session, [asked.criterion])
    offered = offered_now(session)
    return show(
        "audience",
        step_of(session, "audience", campaign),
        version=drafts.fields["version"] if drafts.fields else "",  # of the content to which a draft was begun
        drafts=drafts,
        form=form or KeptSegmentForm(),
        at=at or request.args.get("at", ""),
        criteria=to_json(asked.criterion),
        shown=_shown(asked, offered.code_of_key(asked.strand.id)),
        offered=offered,
        chosen_strand=offered.code_of_key(asked.strand.id),
        about=programmes.strand_names(session)[asked.strand.id],
        foreign=[
            *other_programme.remarks(session, campaign, asked.strand),
            *other_programme.of_sender(session, campaign, asked.strand),
            *other_programme.strand_remarks(session, asked.criterion, asked.strand, was=campaign.strand),
        ],
        may_follow=bool(of_strand.foreign(asked.criterion, asked.strand, was=campaign.strand)),
        most_conditions=MOST_LEAVES,
        asked=asked,
        said=sentence(asked.criterion, called),
        names=called,
        use=segment_uses.use_of(session, campaign),
        segments=[(segment.id, segment.name) for segment, _ in saved.every(session)],
        offers=kinds,
        search=search,
        suggestions=presentation.found(kinds, search),
        counts=audience_counts.count(session, meant, scope),
        rows=rows,
        received=history.letters_received_by(session, [row.Authority.id for row in rows], now=now()),
        received_told=history.told,
        left_out=left_out,
        why=_why(session, meant, scope),
        networks=directory.networks(session),
        levels=LEVELS,
        concerns=_offered(asked),
        boxes=list(Boxes),
        is_ready=campaign.starts_at is not None and not checks.unfinished(campaign),
    )


def _shown(asked: AskedAudience, strand: str) -> dict[str, str]:
    """What in an address shows this audience again: the person's draft, or what it means."""
    if RESUMED in request.args:
        return {RESUMED: "1"}
    return {
        PARAMETER: to_json(asked.criterion),
        "strand": strand,
        "concerns": asked.concerns.value,
        "boxes": asked.boxes.value,
    }


def _offered(asked: AskedAudience) -> list[Concerns]:
    """The schools that the letter may be about: those of an earlier letter where the audience names one."""
    may_correct = asked.concerns is Concerns.LISTED or segment.corrected(asked.criterion)
    return [option for option in Concerns if may_correct or option is not Concerns.LISTED]


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """The answer to why one authority is or is not in the audience.

    `fase` is what was typed. Either `fault` says why there is no answer, or `authority` and `told` give the answer.
    """

    fase: str
    fault: str = ""
    authority: Authority | None = None
    told: Explanation | None = None


def _why(session: Session, meant: Audience, scope: Scope) -> WhyAnswer | None:
    """The explanation for the authority in the request's `why` parameter; None without one."""
    fase = request.values.get("why", "").strip()
    if not fase:
        return None
    number = whole_number(fase)
    if number is None:
        return WhyAnswer(fase, "Un numéro FASE ne compte que des chiffres.")
    try:
        authority = sheet.authority_by_fase(session, number)
    except NotFound as error:
        return WhyAnswer(fase, str(error))
    return WhyAnswer(fase, authority=authority, told=presentation.explain(session, meant, scope, authority))
