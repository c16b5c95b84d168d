"""One authority's campaigns: its letters, its answers, its suppressed addresses, the waves to come."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from outreach import french
from outreach.adherence.models import Strand
from outreach.adherence.programmes import NAME_AMONG_SEVERAL, called
from outreach.campaigns.audiences import planned_of, scope_of
from outreach.campaigns.models import UNDER_WAY, Campaign, CampaignState, ReceiptCopy, Wave, WaveState
from outreach.campaigns.replies.models import ServiceReply
from outreach.campaigns.results import openings
from outreach.campaigns.results.openings import LetterOpenings
from outreach.days import today
from outreach.db import Session
from outreach.delivery.ledger import listing
from outreach.delivery.models import (
    Mailing,
    Message,
    MessageState,
    Purpose,
    Reason,
    Suppression,
    SuppressionScope,
)
from outreach.directory.authority_sheet import Event
from outreach.directory.models import Authority, Contact
from outreach.erasures.digests import is_mark
from outreach.erasures.opening import CLOSED
from outreach.reach.answers import ways_of
from outreach.responses import actors, steps
from outreach.responses.models import Response
from outreach.segments.audience import ORDER
from outreach.segments.shown import explained

ON_THE_WAY = (MessageState.QUEUED, MessageState.HANDING)


@dataclass(frozen=True, slots=True)
class Planned:
    """A wave to come for an authority, as of now: the addresses it writes to, or why it leaves the authority out.

    `spared` are the addresses left out when another one is written to. `is_queued`: the letter is in the outbox.
    """

    wave: Wave
    addresses: Sequence[str] = ()
    left_out: Reason | None = None
    spared: Sequence[tuple[str, Reason]] = ()
    is_queued: bool = False


@dataclass(slots=True)
class CampaignEvent(Event):
    """An event between a campaign and an authority.

    `response` is the key of an answer that waits for the service. `letter` has the keys of a campaign and its letter.
    `is_measured`: the details of a letter say whether it was opened.
    """

    response: int | None = None
    letter: tuple[int, int] | None = None
    is_measured: bool = False


def letters(session: Session, authority: Authority, *, now: datetime) -> list[Event]:
    """What became of an authority's letters, opened or not where a mailbox is measured by itself.

    Letters that have not left yet are in `to_come`.
    """
    messages = listing.to_authority(session, authority)
    mailings = {message.mailing_id for message in messages}
    waves = _waves_of(session, mailings)
    confirming = select(Mailing.id).where(Mailing.id.in_(mailings), Mailing.purpose == Purpose.CONFIRMATION)
    confirmations = dict.fromkeys(session.scalars(confirming), "Confirmation de la réponse")
    copied = select(Message.mailing_id).join(ReceiptCopy, ReceiptCopy.copy_id == Message.id)
    copies = session.scalars(copied.where(Message.authority_id == authority.id))
    confirmations |= dict.fromkeys(copies, "Copie de la confirmation, demandée par la personne qui a répondu,")
    answering = select(ServiceReply).where(ServiceReply.message_id.in_([message.id for message in messages]))
    replies = [_open_reply(reply) for reply in session.scalars(answering.options(joinedload(ServiceReply.message)))]
    seen = openings.of_letters(session, [message.id for message in messages], now=now)
    told = [
        _letter(message, waves.get(message.mailing_id), confirmations, seen.get(message.id)) for message in messages
    ]
    return replies + [event for event in told if event is not None]


def _open_reply(reply: ServiceReply) -> Event:
    """What staff wrote, without its words where the address was erased since: administrators read them elsewhere."""
    event = _reply(reply)
    if is_mark(reply.message.address_key):
        event.details = [CLOSED]
    return event


def answered(session: Session, authority: Authority, entries: Iterable[Event]) -> list[Event]:
    """What an authority answered and what the service did with it: one event for each submitted form.

    `entries` are audit entries. Those with the same time and actor as an answer become its details; the others are
    returned unchanged.
    """
    given: dict[tuple[datetime, str], list[Response]] = {}
    address_of = actors.addresses(session, authority)  # records named mailboxes so before they named their numbers
    query = select(Response).options(joinedload(Response.message))
    for response in session.scalars(query.where(Response.authority_id == authority.id).order_by(Response.id)):
        given.setdefault((response.given_at, response.message.address), []).append(response)
    told: dict[tuple[datetime, str], list[str]] = {moment: [] for moment in given}
    others = []
    for entry in entries:
        moment = (entry.at, address_of.get(entry.actor, entry.actor))
        if moment in told:
            told[moment].append(entry.sentence)
        else:
            others.append(entry)
    waves = _waves_of(session, [response.message.mailing_id for several in given.values() for response in several])
    letters_of = {key: f" {said}, {wave.name}" for key, (wave, said) in waves.items()}
    ways = ways_of(session, [response.id for several in given.values() for response in several])
    return others + [_answer(moment, several, told[moment], letters_of, ways) for moment, several in given.items()]


def exclusions(session: Session, authority: Authority) -> list[Event]:
    """When addresses that an authority has or had were put on the suppression list, and removed from it."""
    theirs = select(Contact.address_key).where(Contact.authority_id == authority.id)
    query = select(Suppression).where(Suppression.address_key.in_(theirs)).order_by(Suppression.id)
    return [event for suppression in session.scalars(query) for event in _exclusion(suppression)]


def to_come(session: Session, authority: Authority, *, now: datetime) -> list[Planned]:
    """The waves to come for an authority, in order, of approved campaigns; a fixed number of statements each."""
    queued = _queued(session, authority)
    query = (
        select(Wave)
        .join(Campaign, Campaign.id == Wave.campaign_id)
        .options(joinedload(Wave.campaign).selectinload(Campaign.waves).joinedload(Wave.mailing))
        .where(Campaign.state == CampaignState.APPROVED, _may_write(queued))
        .order_by(Wave.due_at, Wave.id)
    )
    waves = session.scalars(query).all()
    planned = {_kind(wave): wave for wave in waves if wave.state is WaveState.PLANNED}
    prospects = {kind: _prospect(session, wave, authority, now) for kind, wave in planned.items()}
    coming = []
    for wave in waves:
        if wave.state is not WaveState.PLANNED:
            coming.append(Planned(wave, queued[wave.mailing_id or 0], is_queued=True))
        elif (prospect := prospects[_kind(wave)]) is not None:
            coming.append(replace(prospect, wave=wave))
    return coming


def _letter(
    message: Message,
    named: tuple[Wave, str] | None,
    confirmations: Mapping[int, str],
    seen: LetterOpenings | None,
) -> Event | None:
    (wave, title), is_to_come = named or (None, ""), message.state in ON_THE_WAY
    if (wave is None and message.mailing_id not in confirmations) or (wave is not None and is_to_come):
        return None
    outcome = listing.outcome_of(message)
    said = outcome.singular if message.reason is None else f"{outcome.singular}, {message.reason.label}"
    to = f" à {message.address}" if message.address else ""
    at = message.settled_at or message.dated_at
    if wave is None:
        return Event(at, "automatique", f"{confirmations[message.mailing_id]}{to} : {said}.")
    sentence = f"Courriel {title}, {wave.name}{to} : {said}."
    has_left = message.state is not MessageState.WITHDRAWN
    event = CampaignEvent(at, "automatique", sentence, letter=(wave.campaign_id, message.id) if has_left else None)
    if seen is not None:
        event.details, event.is_measured = [f"{french.initial(', '.join(seen.told))}."], True
    return event


def _reply(reply: ServiceReply) -> Event:
    """What staff wrote to an authority about its answer, at the moment at which they sent it."""
    message = reply.message
    outcome = listing.outcome_of(message)
    said = outcome.singular if message.reason is None else f"{outcome.singular}, {message.reason.label}"
    lines = [line for line in reply.text.splitlines() if line.strip()]
    details = [f"Objet : {reply.subject}", *lines]
    kind = "en réponse" if reply.letter_id is None else "du service"
    return Event(reply.sent_at, reply.sent_by, f"Courriel {kind}, à {message.address} : {said}.", details)


def _waves_of(session: Session, mailings: Collection[int]) -> dict[int, tuple[Wave, str]]:
    """The wave of each mailing, and what its campaign is called with its strand where there are several programmes."""
    query = select(Wave, NAME_AMONG_SEVERAL, Strand.number).join(Wave.campaign).join(Campaign.strand)
    query = query.join(Strand.programme).options(contains_eager(Wave.campaign)).where(Wave.mailing_id.in_(mailings))
    return {
        wave.mailing_id or 0: (wave, f"« {wave.campaign.title} »{f', {called(name, number)}' if name else ''}")
        for wave, name, number in session.execute(query)
    }


def _answer(
    moment: tuple[datetime, str],
    given: Sequence[Response],
    told: Sequence[str],
    letters_of: Mapping[int, str],
    ways: Mapping[int, str],
) -> CampaignEvent:
    at, actor = moment
    first = given[0]
    way = ways.get(first.id, "au courriel")
    event = CampaignEvent(
        at, actor, f"Réponse {way}{letters_of.get(first.message.mailing_id, '')}.", list(reversed(told))
    )
    if first.comment and not any(first.comment in line for line in told):
        event.details.append(f"Commentaire : {first.comment}")
    event.details += [
        f"Adresse proposée : {response.proposed_address}" for response in given if response.proposed_address
    ]
    event.details += [_handling(response) for response in given if response.answer.awaits_staff]
    event.response = next((response.id for response in given if response.handled_at is None), None)
    return event


def _handling(response: Response) -> str:
    if response.handled_at is None:
        followed = f", suivie par {response.owner}" if response.owner else ""
        return f"« {response.answer.label} » attend le service{followed}."
    on = f"le {today(response.handled_at):%d/%m/%Y}"
    if response.outcome == steps.REPLACED:
        return f"« {response.answer.label} » : {response.outcome}, {on}."
    return f"« {response.answer.label} » : traitée {on} par {response.handled_by} ({response.outcome})."


def _exclusion(suppression: Suppression) -> list[Event]:
    only = ", pour la sensibilisation seulement" if suppression.scope is SuppressionScope.AWARENESS else ""
    sentence = f"Adresse {suppression.address_key} sur la liste d’exclusion ({suppression.reason.label}){only}."
    events = [
        Event(
            suppression.created_at, suppression.created_by, sentence, [suppression.detail] if suppression.detail else []
        )
    ]
    if suppression.lifted_at:
        lifted = f"Adresse {suppression.address_key} retirée de la liste d’exclusion ({suppression.reason.label})."
        events.append(
            Event(
                suppression.lifted_at,
                suppression.lifted_by or "",
                lifted,
                [suppression.lifted_because] if suppression.lifted_because else [],
            )
        )
    return events


def _queued(session: Session, authority: Authority) -> dict[int, list[str]]:
    """The addresses of the authority's letters that are queued or being handed over, by mailing."""
    is_theirs = Message.authority_id == authority.id
    query = select(Message.mailing_id, Message.address).where(is_theirs, Message.state.in_(ON_THE_WAY))
    queued: dict[int, list[str]] = {}
    for mailing, address in session.execute(query.order_by(Message.id)):
        queued.setdefault(mailing, []).append(address)
    return queued


def _may_write(queued: Mapping[int, Sequence[str]]) -> ColumnElement[bool]:
    under_way = and_(Wave.state.in_(UNDER_WAY), Wave.mailing_id.in_(list(queued)))
    return or_(Wave.state == WaveState.PLANNED, under_way)


def _kind(wave: Wave) -> tuple[int, bool, int | None]:
    """What the waves of a campaign with the same audience have in common: added reminders and departures differ."""
    return wave.campaign_id, wave.added_reminder_id is not None, wave.departure


def _prospect(session: Session, wave: Wave, authority: Authority, now: datetime) -> Planned | None:
    """What a wave, and any like it, would do with an authority today; None when it is not for it."""
    asked = planned_of(wave, now=now), scope_of(session, wave.campaign, now=now)
    told = explained.explain(session, *asked, authority)
    reasons = [reason for _, reason in told.mailboxes if reason is not None]
    addresses = [address for address, reason in told.mailboxes if reason is None]
    if not told.mailboxes:
        return None
    if not addresses:
        return Planned(wave, left_out=min(reasons, key=ORDER.index))
    spared = [(address, reason) for address, reason in told.mailboxes if reason is not None]
    return Planned(wave, addresses, spared=spared)
