"""Exceptions: authorities left out of a campaign with a reason. Its content and its approval stay; people are told."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, select, type_coerce

from outreach.access import approvals
from outreach.access.approvals import Content, DecisionKind, Extent, Thing
from outreach.campaigns import planning
from outreach.campaigns.models import ENDED, AudienceException, Campaign, ExceptedAuthority
from outreach.core import audit
from outreach.core.db import Session
from outreach.core.db.bulk import among
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import plural
from outreach.core.text.typed import line_of_words
from outreach.delivery import outbox
from outreach.delivery.models import Message, MessageState, Reason
from outreach.directory.models import Authority

LONGEST, MOST_NAMED = 500, 5


@dataclass(frozen=True, slots=True)
class ListedException:
    """An exception with the authorities that it leaves out, by name."""

    made: AudienceException
    authorities: Sequence[Authority]


def leave_out(
    session: Session, campaign: Campaign, authorities: Collection[int], because: str, *, now: datetime, actor: str
) -> AudienceException:
    """Leave the authorities with these keys out of what a campaign has not sent yet; letters that wait are withdrawn.

    Call it in the campaign's turn. Raises InputError without a reason or authorities, or where the campaign does not
    mean one; Refused once it has ended, or where all are left out already.
    """
    why = line_of_words(because).rstrip(".")
    if not why or len(why) > LONGEST:
        raise InputError(
            f"Dites pourquoi, en {LONGEST} caractères au plus : la personne qui a validé la campagne le lira."
        )
    if campaign.state in ENDED:
        raise Refused("Cette campagne est terminée : elle n’écrit plus à personne.")
    new = set(authorities) - set(session.scalars(planning.excepted_of(campaign)))
    if authorities and not new:
        raise Refused("Ces pouvoirs organisateurs sont déjà écartés de cette campagne.")
    letters = _letters(session, campaign, new, now)
    made = AudienceException(campaign_id=campaign.id, at=now, actor=actor, reason=why)
    session.add(made)
    session.flush()
    session.add_all(ExceptedAuthority(exception_id=made.id, authority_id=key, letters=letters[key]) for key in new)
    waiting = select(Message.id).where(
        Message.mailing_id.in_(campaign.mailing_keys),
        among(type_coerce(Message.authority_id, Integer), new),
        Message.state == MessageState.QUEUED,
    )
    outbox.withdraw_letters(session, session.scalars(waiting).all(), Reason.LEFT_OUT, now=now)
    _tell(session, campaign, made, DecisionKind.WRITTEN, now, actor)
    return made


def take_back(session: Session, campaign: Campaign, number: int, *, now: datetime, actor: str) -> None:
    """Take an exception back: what leaves from now on goes to its authorities again. Letters withdrawn stay so.

    Call it in the campaign's turn. Raises NotFound, or Refused where it was taken back already.
    """
    made = session.get(AudienceException, number)
    if made is None or made.campaign_id != campaign.id:
        raise NotFound("Cette campagne n’a pas cette exception.")
    if made.withdrawn_at is not None:
        raise Refused("Cette exception est déjà retirée.")
    made.withdrawn_at, made.withdrawn_by = now, actor
    session.flush()
    _tell(session, campaign, made, DecisionKind.WITHDRAWN, now, actor)


def exceptions_of(session: Session, campaign: Campaign) -> Sequence[ListedException]:
    """The exceptions of a campaign that stand, in order, with their authorities."""
    query = (
        select(AudienceException, Authority)
        .join(ExceptedAuthority, ExceptedAuthority.exception_id == AudienceException.id)
        .join(Authority, Authority.id == ExceptedAuthority.authority_id)
        .where(AudienceException.campaign_id == campaign.id, AudienceException.withdrawn_at.is_(None))
        .order_by(AudienceException.id, Authority.folded, Authority.fase)
    )
    found: dict[AudienceException, list[Authority]] = {}
    for made, authority in session.execute(query):
        found.setdefault(made, []).append(authority)
    return [ListedException(made, authorities) for made, authorities in found.items()]


def keys_of(session: Session, fases: Collection[int]) -> set[int]:
    """The keys of the authorities with these FASE numbers. Raises InputError, naming those that nobody has."""
    rows = dict(session.execute(select(Authority.fase, Authority.id).where(among(Authority.fase, fases))).all())
    unknown = sorted(set(fases) - set(rows))
    if unknown:
        raise InputError(f"Aucun pouvoir organisateur ne porte {_numbers(unknown)}.")
    return set(rows.values())


def _letters(session: Session, campaign: Campaign, keys: Collection[int], now: datetime) -> dict[int, int]:
    """How many letters of the next wave each of these authorities would get. Raises InputError for one not meant."""
    if not keys:
        raise InputError("Donnez le numéro FASE d’un pouvoir organisateur au moins.")
    letters: dict[int, int] = {}
    for one in planning.addressees_among(session, campaign, sorted(keys), now=now):
        if one.authority_id is not None:
            letters[one.authority_id] = letters.get(one.authority_id, 0) + (one.reason is None)
    if foreign := set(keys) - set(letters):
        fases = session.scalars(select(Authority.fase).where(among(Authority.id, foreign)).order_by(Authority.fase))
        raise InputError(f"Cette campagne ne vise pas {_numbers(fases.all())} : il n’y a rien à écarter.")
    return letters


def _tell(
    session: Session,
    campaign: Campaign,
    made: AudienceException,
    kind: DecisionKind,
    now: datetime,
    actor: str,
) -> None:
    """Keep what was done where people are told of it, and in the campaign's journal."""
    members = session.scalars(select(ExceptedAuthority).where(ExceptedAuthority.exception_id == made.id)).all()
    content = Content(Thing.EXCEPTION.subject(made.id), "", campaign.title, "")
    extent = Extent(len(members), None)
    approvals.record_decision(session, content, kind, "", now=now, actor=actor, reason=made.reason, extent=extent)
    done = ("écarté", "écartés") if kind is DecisionKind.WRITTEN else ("remis", "remis")
    said = f"Campagne « {campaign.title} », exception : {plural(len(members), f'PO {done[0]}', f'PO {done[1]}')}"
    said = f"{said} ({made.reason})."
    audit.record_entry(session, now, actor, said, planning.subject_of(campaign))


def _numbers(fases: Sequence[int]) -> str:
    """« le numéro FASE 9001 », or the first of several and how many more."""
    if len(fases) == 1:
        return f"le numéro FASE {fases[0]}"
    more = len(fases) - MOST_NAMED
    named = ", ".join(map(str, fases[:MOST_NAMED]))
    rest = f" et {plural(more, 'autre')}" if more > 0 else ""
    return f"les numéros FASE {named}{rest}"
