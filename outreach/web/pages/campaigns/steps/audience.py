"""Step 1, the audience: choose it, count it, and explain why an authority is or is not in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as Redirect

from outreach.access import form_drafts as drafts
from outreach.adherence import programmes
from outreach.campaigns import planning, review, segments
from outreach.campaigns.counting import Class
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import SegmentUse
from outreach.campaigns.results import account_of, behind
from outreach.campaigns.segments import (
    MOST_LEAVES,
    PARAMETER,
    Audience,
    Boxes,
    Choices,
    Concerns,
    CriteriaContext,
    Explanation,
    Names,
    Options,
    sentence_of,
    simplify_criterion,
    to_json,
)
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.models import Reason
from outreach.directory import authorities
from outreach.directory.authorities import LONGEST_SEARCH
from outreach.directory.models import Authority, Level
from outreach.directory.reference import NetworkCode
from outreach.web.pages.campaigns.blueprint import CHANGED, Step, pages, show, step_of, title_in_file
from outreach.web.pages.campaigns.steps.asked_audience import KEPT, AskedAudience, Whom, asked_of, stated_fields
from outreach.web.pages.campaigns.steps.offered_drafts import keep, on_return
from outreach.web.shared.beginning import left_out, offered_now, out_of_scope
from outreach.web.shared.conditions import (
    ConditionLine,
    known,
)
from outreach.web.shared.drafts import Fields, PageDrafts, of_page
from outreach.web.sign_in.form_recovery import recovers_form
from outreach.web.ui import exports
from outreach.web.ui.fields import posted
from outreach.web.ui.pager import member, words
from outreach.web.ui.request import actor, database, needs, now, reading

MOST_NAMED = 5
THEN = {"check": ".check", "list": ".index"}


@pages.get("/<number:number>/audience")
@needs(RoleName.READER)
def audience(number: int) -> str:
    with reading() as session:
        return saved_audience(session, number)


def saved_audience(session: Session, number: int) -> str:
    """The step's page of a campaign as it is saved, or as the address asks."""
    campaign = planning.campaign_numbered(session, number)
    step = step_of(session, "audience", campaign)
    shown = of_page()
    if "asked" not in request.args and PARAMETER not in request.args:
        shown = on_return(session, step, lambda typed: _changes(session, campaign, typed))
    given = shown.fields or request.args
    asked = asked_of(session, campaign, given)
    return _page(session, campaign, _in_turn(step, asked, given) if _is_live() else asked, shown, step=step)


def _in_turn(step: Step, asked: AskedAudience, given: MultiDict[str, str]) -> AskedAudience:
    """What a form asks while it is filled in, with its fault where the campaign has changed since it was opened."""
    is_late = not asked.fault and given.get("version") != step.version
    return replace(asked, fault=CHANGED) if is_late else asked


def _is_live() -> bool:
    """Whether a form asks while it is filled in. A page that is gone back to states the version of an older form."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _told(given: MultiDict[str, str], arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    with reading() as session:
        asked = asked_of(session, planning.campaign_numbered(session, arguments["number"]), given)
        said = asked.fault or planning.criterion_sentence(session, asked.criterion)
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
        campaign = planning.campaign_numbered(session, number)
        asked = asked_of(session, campaign, request.form)
        if asked.is_kept:
            return _page(session, campaign, asked), 422
        code = offered_now(session).code_of_key(asked.strand.id)
    fields = stated_fields(asked, posted("version"), code)
    page, at = keep(number, "audience", fields), _place_of(asked, request.form)
    if _is_live():
        with reading() as session:
            campaign = planning.campaign_numbered(session, number)
            kept = MultiDict(fields)
            asked = _in_turn(step_of(session, "audience", campaign), asked_of(session, campaign, kept), kept)
            return _page(session, campaign, asked, replace(of_page(is_kept=True), fields=kept), at=at)
    shown: dict[str, Any] = {name: posted(name) for name in ("find", "why") if posted(name)}
    return redirect(url_for(".audience", number=number, draft=page, at=at, **shown), 303)


def _place_of(asked: AskedAudience, given: MultiDict[str, str]) -> str:
    """The id of what takes the focus after a button: the condition added, the one after that removed, or the button."""
    if "add" in given and asked.lines:
        return f"words-{asked.lines[-1].number}"
    if "remove" in given:
        after = min(whole_number(given["remove"], digits=4) or 1, len(asked.lines))
        return f"words-{after}" if after else "adding"
    if given.get("why"):
        return "why"
    return "find" if "search" in given else "foreign" if "follow" in given else "recount"


@pages.post("/<number:number>/audience")
@needs(RoleName.AUTHOR)
@recovers_form(_told)
def save_audience(number: int) -> Redirect | tuple[str, int]:
    with reading() as session:
        asked = asked_of(session, planning.campaign_numbered(session, number), request.form)
    if not asked.fault and not _saved(number, asked, posted("version")):
        asked = replace(asked, fault=CHANGED)
    if asked.fault:
        with reading() as session:
            return _page(session, planning.campaign_numbered(session, number), asked), 422
    flash("Le public est enregistré.", "success")
    then = THEN.get(request.args.get("then", ""), ".letter")
    return redirect(url_for(then, number=None if then == ".index" else number))


def _saved(number: int, asked: AskedAudience, version: str) -> bool:
    """Save an audience in a campaign, if that is still the version that was shown; whether it was saved."""
    changes = {
        "title": asked.title,
        "criteria": to_json(simplify_criterion(asked.criterion)),
        "concerns": asked.concerns,
        "boxes": asked.boxes,
    }
    with database().writing() as session:
        campaign = planning.in_turn(session, number)
        is_same = version == planning.content_hash(campaign)
        if is_same:
            about = planning.changes_about(campaign, asked.strand) if asked.strand.id != campaign.strand_id else {}
            planning.revise_campaign(session, campaign, {**changes, **about}, now=now(), actor=actor())
            kind, _, key = asked.chosen.listed.partition(":")
            if kind == "segment":
                taken = segments.segment_numbered(session, int(key))
                planning.take_segment(session, campaign, taken, now=now(), actor=actor())
            drafts.discard(session, planning.place_of(campaign, "audience", current_user.id))
    return is_same


@pages.get("/<number:number>/audience.<any(xlsx, csv):kind>")
@needs(RoleName.READER)
def export_audience(number: int, kind: str) -> Response:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        asked = asked_of(session, campaign, request.args)
        if asked.fault:
            raise InputError(asked.fault)
        meant, part = meant_by(session, campaign, asked), part_of(request.args) if "part" in request.args else None
        table = (behind(session, *meant, part) if part else segments.list_audience_mailboxes(session, *meant)).table()
        return exports.download(table, kind, f"public-campagne-{number}", campaign=title_in_file(session, campaign))


def part_of(given: Mapping[str, str]) -> Class | Reason:
    """Behind which number of the account a list is asked for; else behind that of those who receive."""
    return member(Class, given.get("part")) or member(Reason, given.get("part")) or Class.TO_COME


def meant_by(session: Session, campaign: Campaign, asked: AskedAudience) -> tuple[Audience, CriteriaContext]:
    """The audience that a request states, and the context in which it is asked."""
    own = planning.audience_of(campaign)
    meant = replace(own, criterion=asked.criterion, strand=asked.strand, concerns=asked.concerns, boxes=asked.boxes)
    return meant, planning.context_of(session, campaign, now=now(), strand=asked.strand)


def _changes(session: Session, campaign: Campaign, fields: Fields) -> list[str]:
    """What an audience that was typed would change of the campaign's own, in French; nothing if it cannot be read."""
    own, typed = asked_of(session, campaign, MultiDict()), asked_of(session, campaign, fields)
    if typed.is_kept:
        return []
    names = planning.criteria_names(session, [own.criterion, typed.criterion])
    before, after = ([_words_of(line, names) for line in one.lines] for one in (own, typed))
    told = [f"nom « {typed.title} »"] if typed.title != own.title else []
    told += [programmes.strand_names(session)[typed.strand.id]] if typed.strand.id != own.strand.id else []
    told += ["réseaux et niveaux"] if _boxes_of(typed) != _boxes_of(own) else []
    told += [f"condition ajoutée, « {words} »" for words in after if words not in before]
    told += [f"condition retirée, « {words} »" for words in before if words not in after]
    told += [f"écoles, « {typed.concerns.label} »"] if typed.concerns != own.concerns else []
    told += [f"écrire, « {typed.boxes.label} »"] if typed.boxes != own.boxes else []
    counts = [segments.count_audience(session, *meant_by(session, campaign, one)).written for one in (own, typed)]
    return [f"{french.number(counts[0])} → {french.plural(counts[1], 'PO', 'PO')}", *told] if told else []


def _boxes_of(asked: AskedAudience) -> tuple[frozenset[NetworkCode], frozenset[Level]]:
    choices = Choices.of(asked.criterion)
    return choices.networks, choices.levels


def _words_of(line: ConditionLine, names: Names) -> str:
    return line.criterion.words(names) if line.criterion else f"{segments.title_of(line.word)} (à compléter)"


def _page(
    session: Session,
    campaign: Campaign,
    asked: AskedAudience,
    drafts: PageDrafts | None = None,
    *,
    at: str = "",
    step: Step | None = None,
) -> str:
    drafts = drafts or of_page()
    meant, context = meant_by(session, campaign, asked)
    search = words(request.values, "find", LONGEST_SEARCH)
    options = known(session, context)
    kinds, called = segments.list_offers(options), planning.criteria_names(session, [asked.criterion])
    offered = offered_now(session)
    account, use = account_of(session, meant, context), planning.use_of(session, campaign)
    return show(
        "audience",
        step or step_of(session, "audience", campaign),
        version=drafts.fields["version"] if drafts.fields else "",  # of the content to which a draft was begun
        drafts=drafts,
        at=at or request.args.get("at", ""),
        shown=stated_in_address(session, asked),
        offered=offered,
        chosen_strand=offered.code_of_key(asked.strand.id),
        about=programmes.strand_names(session)[asked.strand.id],
        foreign=[
            *review.programme_remarks(session, campaign, asked.strand),
            *review.of_sender(session, campaign, asked.strand),
            *review.strand_remarks(session, asked.criterion, asked.strand, was=campaign.strand),
        ],
        may_follow=bool(segments.foreign_leaves(asked.criterion, asked.strand, was=campaign.strand)),
        most_conditions=MOST_LEAVES,
        asked=asked,
        Whom=Whom,
        said=sentence_of(asked.criterion, called),
        names=called,
        use=use,
        lists=_lists(session, asked, options["list"], called, use),
        sent=options["mailings"],
        reactions=segments.WHAT_PART.options,
        offers=kinds,
        search=search,
        suggestions=segments.find_offers(kinds, search),
        account=account,
        counts=account.letters,
        out_of_scope=out_of_scope(asked.strand, asked.concerns),
        left_out=left_out(account),
        why=_why(session, meant, context),
        networks=authorities.list_networks(session),
        concerns=_offered(asked),
        boxes=list(Boxes),
        is_ready=campaign.starts_at is not None and not review.unfinished_parts(campaign),
    )


def _lists(session: Session, asked: AskedAudience, lists: Options, called: Names, use: SegmentUse | None) -> Options:
    """The segments and the lists to choose from; an older list that is chosen has its name, too."""
    found = [(f"segment:{one.id}", one.name) for one, _ in segments.all_segments(session)]
    if asked.chosen.listed == KEPT and use:
        found.insert(0, (KEPT, f"{use.segment.name}, version {use.version.number}"))
    found += [(f"list:{key}", name) for key, name in lists]
    kind, _, key = asked.chosen.listed.partition(":")
    if kind == "list" and asked.chosen.listed not in dict(found):
        found.append((asked.chosen.listed, french.initial(called.of_list(int(key)))))
    return found


def stated_in_address(session: Session, asked: AskedAudience) -> dict[str, str]:
    """What in an address means this audience."""
    return {
        PARAMETER: to_json(asked.criterion),
        "strand": offered_now(session).code_of_key(asked.strand.id),
        "concerns": asked.concerns.value,
        "boxes": asked.boxes.value,
    }


def _offered(asked: AskedAudience) -> list[Concerns]:
    """The schools that the letter may be about: those of an earlier letter where the audience names one."""
    may_correct = asked.concerns is Concerns.LISTED or segments.corrected_mailings(asked.criterion)
    return [option for option in Concerns if may_correct or option is not Concerns.LISTED]


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """The answer to why one authority is or is not in the audience.

    `typed` is what was typed. Either `fault` says why there is no answer, or `authority` and `explanation` give it.
    """

    typed: str
    fault: str = ""
    authority: Authority | None = None
    explanation: Explanation | None = None


def _why(session: Session, meant: Audience, context: CriteriaContext) -> WhyAnswer | None:
    """The explanation for the authority in the request's `why` parameter; None without one."""
    typed = words(request.values, "why", LONGEST_SEARCH)
    if not typed:
        return None
    number = whole_number(typed)
    try:
        authority = authorities.authority_by_fase(session, _fase_of(session, typed) if number is None else number)
    except (InputError, NotFound) as error:
        return WhyAnswer(typed, str(error))
    return WhyAnswer(
        typed, authority=authority, explanation=segments.explain_authority(session, meant, context, authority)
    )


def _fase_of(session: Session, typed: str) -> int:
    """The FASE number of the authority that is called so. Raises InputError, which names those that could be meant."""
    found = authorities.authorities_called(session, typed, MOST_NAMED + 1)
    if not found:
        raise InputError("Aucun pouvoir organisateur ne s’appelle ainsi : tapez un mot de son nom, ou son numéro FASE.")
    if len(found) > 1:
        named = ", ".join(f"{one.display_name} ({one.fase})" for one in found[:MOST_NAMED])
        more = " et d’autres" if len(found) > MOST_NAMED else ""
        raise InputError(f"Plusieurs s’appellent ainsi, tapez le numéro FASE : {named}{more}.")
    return found[0].fase
