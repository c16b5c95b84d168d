"""The audience that a request states: all, some by networks and conditions, a list, or those of a past letter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from werkzeug.datastructures import MultiDict

from outreach.adherence import situation
from outreach.adherence.models import Strand
from outreach.campaigns import planning, segments
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import SegmentUse
from outreach.campaigns.segments import (
    PARAMETER,
    AmongAuthorities,
    Boxes,
    Choices,
    Concerns,
    CriteriaContext,
    Criterion,
    TooMany,
    from_json,
    simplify_criterion,
    to_json,
    within_limits,
)
from outreach.core.db import Session
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.typed import line_of_words, whole_number
from outreach.directory.models import Level
from outreach.directory.reference import NetworkCode
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
from outreach.web.ui.request import current_day, now

LONGEST_TITLE = 200
KEPT = "kept"
NO_CHOICES = Choices()


class Whom(StrEnum):
    """How a form says whom a campaign is for."""

    ALL = "all"
    SOME = "some"
    LISTED = "listed"  # a saved segment, or a list
    PAST = "past"  # those of a letter that left


@dataclass(frozen=True, slots=True)
class AskedAudience:
    """The audience that a request states, and the campaign's name.

    `strand` is what it is about. `criterion` is what the choices mean that are complete: `whom` says which ones count,
    and `chosen` holds those; `lines` are its conditions as lines. `concerns` says which schools count, `boxes` to which
    mailboxes it writes. `fault` says in French why it would not be saved, or ''. `is_kept` holds when the request could
    not be read, so that this is the campaign's own audience.
    """

    title: str
    strand: Strand
    criterion: Criterion
    chosen: "Chosen"
    concerns: Concerns
    boxes: Boxes
    fault: str = ""
    is_kept: bool = False

    @property
    def lines(self) -> Sequence[ConditionLine]:
        """The conditions as lines."""
        return self.chosen.lines


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a form says of whom: networks and levels, conditions as lines.

    `listed` is « segment:3 » or « list:12 », or KEPT: a segment as it was taken, which has changed since. `past` is the
    key of a mailing, and what came of it.
    """

    whom: Whom
    choices: Choices = NO_CHOICES
    lines: Sequence[ConditionLine] = ()
    listed: str = ""
    past: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, criterion: Criterion, strand: Strand, use: SegmentUse | None) -> "Chosen":
        """How a form says a criterion."""
        choices = Choices.of(criterion)
        own = choices, lines_of(choices)
        if use and to_json(simplify_criterion(criterion)) == use.version.criteria:
            return cls(Whom.LISTED, *own, listed=KEPT if use.has_changed else f"segment:{use.segment.id}")
        match choices.conditions:
            case () if not choices.networks and choices.levels in (frozenset(), frozenset(strand.levels)):
                return cls(Whom.ALL, choices)
            case (AmongAuthorities(list=int(number), fase=None),) if not choices.networks | choices.levels:
                return cls(Whom.LISTED, *own, listed=f"list:{number}")
            case (leaf,) if leaf.word in segments.OF_LETTERS and not choices.networks | choices.levels:
                _, values = segments.values_of(leaf)  # type: ignore[arg-type]
                said = {name: given for name, given in values.items() if given}
                if said.keys() == {"what", "mailings"} and len(said["mailings"]) == 1:
                    return cls(Whom.PAST, *own, past=(said["mailings"][0], said["what"][0]))
        return cls(Whom.SOME, *own)


def asked_of(session: Session, campaign: Campaign, given: MultiDict[str, str]) -> AskedAudience:
    """The audience in a query or a form; without either, or when it is invalid, the campaign's own."""
    kept, title = planning.criterion_of(campaign), given.get("title", campaign.title)
    _, strand = offered_now(session).pairs().get(given.get("strand", ""), (None, campaign.strand))
    context = planning.context_of(session, campaign, now=now(), strand=strand)
    try:
        concerns = Concerns(given.get("concerns", campaign.concerns))
        boxes = Boxes(given.get("boxes", campaign.boxes))
        if PARAMETER in given or "asked" not in given:
            criterion = _stated(given[PARAMETER]) if PARAMETER in given else kept
            chosen = Chosen.of(criterion, strand, planning.use_of(session, campaign))
        else:
            criterion, chosen = _read(session, given, context, strand, kept)
        is_unknown = strand.id != campaign.strand_id and segments.strand_numbers(criterion) - context.strands.keys()
        if "follow" in given or is_unknown:  # the new programme has no strand of that number
            criterion, chosen = _followed(criterion, chosen, strand, campaign.strand)
        criterion = within_limits(criterion)
        criterion.where(context)
    except (InputError, ValueError) as error:
        said = str(error) if isinstance(error, InputError) else "Un de ces choix n’existe pas."
        own = Chosen.of(kept, campaign.strand, planning.use_of(session, campaign))
        own_choice = (Concerns(campaign.concerns), Boxes(campaign.boxes))
        return AskedAudience(title, campaign.strand, kept, own, *own_choice, said, is_kept=True)
    fault = _fault_of(title) or fault_of(chosen.lines)
    if not fault and planning.lacks_letter(concerns, criterion):
        fault = f"{planning.LACKS_LETTER[:-1]}, ou choisissez d’autres écoles plus bas."
    if not fault:
        fault = planning.corrects_another_strand(session, concerns, criterion, strand)
    if not fault and strand.id != campaign.strand_id and campaign.mailing_keys:
        fault = "Un courriel de cette campagne est déjà parti : son volet ne se change plus."
    if not fault and (strand.id, concerns) != (campaign.strand_id, campaign.concerns):
        closed = planning.closed_to(session, concerns, strand, current_day())
        fault = situation.closing_in_words(closed) if closed else ""
    return AskedAudience(title, strand, criterion, chosen, concerns, boxes, fault)


def _fault_of(title: str) -> str:
    try:
        is_fit = 0 < len(line_of_words(title)) <= LONGEST_TITLE
    except InputError as error:
        return str(error)
    return "" if is_fit else f"Indiquez le nom de la campagne, en {LONGEST_TITLE} caractères au plus."


def _read(
    session: Session, given: MultiDict[str, str], context: CriteriaContext, strand: Strand, kept: Criterion
) -> tuple[Criterion, Chosen]:
    """What a form means; `kept` is the campaign's own. Raises ValueError on an unknown choice, InputError on others."""
    networks = frozenset(map(NetworkCode, given.getlist("network")))
    levels = frozenset(map(Level, given.getlist("level")))
    offered = segments.list_offers(known(session, context)) if "add" in given else {}
    lines = without_strangers(session, read(given, offered))
    whom = Whom(given.get("whom") or (Whom.SOME if networks or lines else Whom.ALL))
    if "add" in given:
        whom = Whom.SOME
    if whom in {Whom.LISTED, Whom.PAST}:
        listed, past = given.get("listed", ""), (given.get("past", ""), given.get("reaction", "received"))
        if whom is Whom.PAST:
            criterion: Criterion = segments.make_leaf(segments.LETTERS, {"mailings": [past[0]], "what": [past[1]]})
        else:
            criterion = kept if listed == KEPT else _of_list(session, listed)
        choices = Choices.of(criterion)
        return criterion, Chosen(whom, choices, lines_of(choices), listed, past)
    if whom is Whom.ALL:
        # The strand says which schools are concerned: its own levels, where the campaign names them, change nobody.
        choices = Choices(levels=levels if levels == frozenset(strand.levels) else frozenset())
        return choices.criterion(), Chosen(whom, choices)
    complete = tuple(line.criterion for line in lines if line.criterion is not None)
    return Choices(networks, levels, complete).criterion(), Chosen(whom, Choices(networks, levels), lines)


def _of_list(session: Session, listed: str) -> Criterion:
    """The criterion of a saved segment or of a list. Raises InputError, NotFound."""
    kind, _, key = listed.partition(":")
    number = whole_number(key, digits=9)
    if number is None or kind not in {"segment", "list"}:
        raise InputError("Choisissez un segment ou une liste.")
    if kind == "list":
        return AmongAuthorities(list=number)
    try:
        return segments.latest_version(session, segments.segment_numbered(session, number)).criterion
    except NotFound as error:
        raise InputError(str(error)) from None


def _followed(criterion: Criterion, chosen: Chosen, strand: Strand, was: Strand) -> tuple[Criterion, Chosen]:
    """The same, of which those conditions are about the strand that were about another."""

    def brought(of: Criterion) -> Criterion:
        return segments.bring_to_strand(of, strand, was=was)

    if chosen.whom is not Whom.SOME:
        return brought(criterion), Chosen.of(brought(criterion), strand, None)
    choices = Choices.of(brought(Choices(chosen.choices.networks, chosen.choices.levels).criterion()))
    return brought(criterion), replace(chosen, choices=choices, lines=changed(chosen.lines, brought))


def _stated(text: str) -> Criterion:
    try:
        return from_json(text)
    except TooMany:
        raise
    except InputError:
        raise InputError("Ce public n’existe pas : l’adresse de la page est incomplète ou abîmée.") from None


def stated_fields(asked: AskedAudience, version: str, strand: str) -> list[tuple[str, str]]:
    """The fields by which the step's form states an audience."""
    chosen, choices = asked.chosen, asked.chosen.choices
    fields = [("asked", "1"), ("version", version), ("title", asked.title), ("strand", strand)]
    fields += [("concerns", asked.concerns.value), ("boxes", asked.boxes.value), ("whom", chosen.whom.value)]
    fields += [("network", code) for code in sorted(choices.networks)]
    fields += [("level", level) for level in sorted(choices.levels)]
    fields += [("listed", chosen.listed)] if chosen.listed else []
    fields += zip(("past", "reaction"), chosen.past, strict=True) if chosen.past[0] else []
    return [*fields, *fields_of(asked.lines)]
