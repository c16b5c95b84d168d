"""Calls that somebody asks for from a list: « Appeler ces 24 PO ». They join the work list of a campaign."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from outreach import audit, french
from outreach.campaigns import audiences
from outreach.campaigns.ladder import judging
from outreach.campaigns.models import ENDED, Campaign, CampaignState, Wave
from outreach.db import Session, take_turns
from outreach.db.in_list import among
from outreach.delivery.models import Mailing
from outreach.errors import InputError, Refused
from outreach.reach import steps
from outreach.reach.ladder import rungs
from outreach.reach.models import OPEN, ReachChannel, ReachStep, StepReason

MOST = 300  # calls asked for at once: a team makes some dozens a day
MOST_CAMPAIGNS = 20


@dataclass(frozen=True, slots=True)
class AskedCalls:
    """What asking for calls did: how many are new, how many wait already (a letter on paper as well), and how many of
    the list are not to be called: nothing was written to them, or they answered, joined or asked for no more."""

    added: int
    waiting: int
    left_out: int

    @property
    def told(self) -> str:
        """The counts in French."""
        more = [
            f"{french.number(count)} {words}"
            for count, words in (
                (self.waiting, "en cours déjà"),
                (self.left_out, "pas à appeler (rien ne leur a été écrit, ou c’est réglé)"),
            )
            if count
        ]
        return (
            f"{french.plural(self.added, 'PO ajouté', 'PO ajoutés')} aux appels{''.join(f', {one}' for one in more)}."
        )


def campaigns_to_call_for(session: Session) -> dict[int, str]:
    """The titles of the campaigns for which somebody may be called, by number: approved ones whose letters left, the
    newest first.
    """
    begun = select(Wave.campaign_id).join(Mailing, Mailing.id == Wave.mailing_id).where(Mailing.filled_at.is_not(None))
    query = select(Campaign.id, Campaign.title).where(Campaign.state == CampaignState.APPROVED, Campaign.id.in_(begun))
    return dict(session.execute(query.order_by(Campaign.id.desc()).limit(MOST_CAMPAIGNS)).all())


def ask(session: Session, campaign: Campaign, authorities: Collection[int], *, now: datetime, actor: str) -> AskedCalls:
    """Have these authorities be called for a campaign of `lifecycle.in_turn`, each about the last letter to it.

    Raises Refused where the campaign has ended or no letter of it left, InputError for nobody or for more than `MOST`.
    """
    if not authorities or len(authorities) > MOST:
        raise InputError(f"Choisissez de 1 à {MOST} PO à appeler : filtrez la liste.")
    mailings = audiences.launched(campaign)
    if campaign.state in ENDED or not mailings:
        raise Refused("On appelle pour une campagne dont des courriels sont partis et qui n’est pas terminée.")
    take_turns(session, "calls", campaign.id)
    waiting = _waiting(session, mailings, authorities)
    left, added = set(authorities) - waiting, 0
    for mailing in reversed(mailings):
        judged = judging.judge(session, campaign, mailing, left, now=now)
        for key in sorted(judged.mail.keys() & left):
            left.discard(key)
            mail = judged.mail[key]
            if key in judged.stops or key in judged.reacted or mail.is_on_the_way:
                continue
            of = {"mailing_id": mailing, "authority_id": key, "message_id": mail.message_id}
            rung = _next_rung(session, campaign, mailing, key)
            why = mail.failed or StepReason.SILENT
            steps.open_step(session, **of, rung=rung, channel=ReachChannel.CALL, reason=why, now=now, actor=actor)
            added += 1
    if added:
        said = f"Appels demandés à partir d’une liste : {french.plural(added, 'PO', 'PO')}."
        audit.record(session, now, actor, said, f"campaign:{campaign.id}")
    return AskedCalls(added, len(waiting), len(set(authorities)) - len(waiting) - added)


def _waiting(session: Session, mailings: Sequence[int], authorities: Collection[int]) -> set[int]:
    """Those of these authorities for whom a step of the campaign is open."""
    query = select(ReachStep.authority_id).where(ReachStep.mailing_id.in_(mailings), ReachStep.state.in_(OPEN))
    return set(session.scalars(query.where(among(ReachStep.authority_id, authorities))))


def _next_rung(session: Session, campaign: Campaign, mailing: int, authority: int) -> int:
    """A number that no step of this wave and authority has: after the ladder's own."""
    of = ReachStep.mailing_id == mailing, ReachStep.authority_id == authority
    last = session.scalar(select(func.max(ReachStep.rung)).where(*of))
    return max(last or 0, len(rungs(campaign.ladder))) + 1
