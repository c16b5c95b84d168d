"""What happened to campaigns, waves and added reminders that somebody should know, whom it concerns, in a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, exists, or_, select

from outreach import french
from outreach.accounts import colleagues
from outreach.accounts.colleagues import Colleague
from outreach.campaigns import lifecycle
from outreach.campaigns.lifecycle import EXTENT_CONFIRMED, SENT_BACK
from outreach.campaigns.models import (
    CLOCK,
    AddedReminder,
    AddedReminderTransition,
    Campaign,
    CampaignState,
    CampaignTransition,
    ReminderState,
    Wave,
    WaveState,
    WaveTransition,
)
from outreach.campaigns.schedule.moments import spelt_moment
from outreach.campaigns.waves import added_reminders
from outreach.campaigns.waves.auto_pause import AUTO_PAUSE
from outreach.campaigns.waves.drift import BACK
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.outbox import Tally
from outreach.roles import RoleName
from outreach.staff_mail.models import NoticeStart, StaffNotice

LOOKED_BACK = timedelta(days=7)  # what nobody was told for so long, because nothing ran, is no longer news
TOLD_STATES = (WaveState.PAUSED, WaveState.FINISHED, WaveState.MISSED, WaveState.CANCELLED)
BY_ITSELF = {AUTO_PAUSE, CLOCK}
HAS_DRIFTED = and_(WaveTransition.state == WaveState.PLANNED, WaveTransition.actor == CLOCK)  # drift.note


@dataclass(frozen=True, slots=True)
class News:
    """A transition that somebody should know: of a campaign, of one of its waves, or of a reminder added to it."""

    campaign: Campaign
    transition: CampaignTransition | WaveTransition | AddedReminderTransition
    wave: Wave | None = None
    reminder: AddedReminder | None = None

    @property
    def key(self) -> tuple[int | None, int | None, int | None]:
        """The transition as a notice stores it: of a campaign, of a wave, of a reminder; two of the three are None."""
        kinds = (not self.wave and not self.reminder, self.wave, self.reminder)
        of_campaign, of_wave, of_reminder = (self.transition.id if kind else None for kind in kinds)
        return of_campaign, of_wave, of_reminder


def untold(session: Session, *, now: datetime) -> Sequence[News]:
    """The news of the last 7 days that nobody was told yet, in order; none before the service begins to tell."""
    start = session.scalar(select(NoticeStart.at))
    if start is None:
        return []
    since = max(start, now - LOOKED_BACK)
    told = exists().where(StaffNotice.campaign_transition_id == CampaignTransition.id)
    is_news = or_(
        CampaignTransition.state.in_((CampaignState.TO_APPROVE, CampaignState.APPROVED)),
        CampaignTransition.note.like(f"{SENT_BACK}%"),
    )
    of_campaigns = (
        select(Campaign, CampaignTransition)
        .join(CampaignTransition, CampaignTransition.campaign_id == Campaign.id)
        .where(CampaignTransition.at > since, is_news, ~told)
    )
    waves_told = exists().where(StaffNotice.wave_transition_id == WaveTransition.id)
    of_waves = (
        select(Wave, WaveTransition)
        .join(WaveTransition, WaveTransition.wave_id == Wave.id)
        .where(WaveTransition.at > since, or_(WaveTransition.state.in_(TOLD_STATES), HAS_DRIFTED), ~waves_told)
    )
    found = [News(campaign, transition) for campaign, transition in session.execute(of_campaigns)]
    found += [News(wave.campaign, transition, wave) for wave, transition in session.execute(of_waves)]
    found += [
        News(reminder.campaign, transition, reminder=reminder)
        for reminder, transition in session.execute(_of_reminders(since))
    ]
    return sorted(found, key=lambda news: (news.transition.at, news.transition.id))


def _of_reminders(since: datetime) -> Select[AddedReminder, AddedReminderTransition]:
    told = exists().where(StaffNotice.reminder_transition_id == AddedReminderTransition.id)
    is_news = or_(
        AddedReminderTransition.state.in_((ReminderState.TO_APPROVE, ReminderState.APPROVED)),
        AddedReminderTransition.note.like(f"{SENT_BACK}%"),
    )
    return (
        select(AddedReminder, AddedReminderTransition)
        .join(AddedReminderTransition, AddedReminderTransition.added_reminder_id == AddedReminder.id)
        .where(AddedReminderTransition.at > since, is_news, ~told)
    )


def of_notices(session: Session, notices: Iterable[StaffNotice]) -> list[News]:
    """The news that these notices are about, in order."""
    found = []
    for notice in notices:
        if notice.campaign_transition_id is not None:
            move = session.get_one(CampaignTransition, notice.campaign_transition_id)
            found.append(News(session.get_one(Campaign, move.campaign_id), move))
        elif notice.reminder_transition_id is not None:
            step = session.get_one(AddedReminderTransition, notice.reminder_transition_id)
            reminder = session.get_one(AddedReminder, step.added_reminder_id)
            found.append(News(reminder.campaign, step, reminder=reminder))
        else:
            wave_move = session.get_one(WaveTransition, notice.wave_transition_id)
            wave = session.get_one(Wave, wave_move.wave_id)
            found.append(News(wave.campaign, wave_move, wave))
    return sorted(found, key=lambda news: (news.transition.at, news.transition.id))


def concerned(session: Session, news: News) -> list[Colleague]:
    """The colleagues whom news concerns, without the one who did it.

    A request: those who may approve it. An approval or a return: who created and who submitted it. A wave: these, and
    who approved it.
    """
    if news.transition.state in {CampaignState.TO_APPROVE, ReminderState.TO_APPROVE}:
        approvers = colleagues.with_role(session, RoleName.APPROVER)
        return [one for one in approvers if _may_approve(session, news, one.email)]
    if news.reminder:
        submitted = select(AddedReminderTransition.actor).where(
            AddedReminderTransition.added_reminder_id == news.reminder.id,
            AddedReminderTransition.state == ReminderState.TO_APPROVE,
            AddedReminderTransition.id < news.transition.id,
        )
        last = session.scalar(submitted.order_by(AddedReminderTransition.id.desc()).limit(1)) or ""
        writers = {news.reminder.created_by, last} - {news.transition.actor}
        return [one for one in colleagues.active(session) if one.email in writers]
    states = [CampaignState.TO_APPROVE, *([CampaignState.APPROVED] if news.wave else [])]
    persons = {news.campaign.created_by, *_last_actors(session, news.campaign, states)} - {news.transition.actor}
    return [one for one in colleagues.active(session) if one.email in persons]


def _may_approve(session: Session, news: News, email: str) -> bool:
    if news.reminder:
        return added_reminders.may_be_approved_by(session, news.reminder, email)
    return lifecycle.may_be_approved_by(session, news.campaign, email)


def sentence(session: Session, news: News) -> str:
    """The news in one French sentence."""
    who = colleagues.name_of(session, news.transition.actor)
    if news.reminder:
        return _of_reminder(session, news, news.reminder, who)
    return _of_campaign(news, who) if news.wave is None else _of_wave(session, news, news.wave, who)


def subject(news: Sequence[News]) -> str:
    """The subject of a mail with this news: what happened to the one campaign, or how much happened."""
    if len(news) > 1:
        return f"{len(news)} nouvelles de vos campagnes"
    what = "relance, " if news[0].reminder else ""
    return f"{news[0].campaign.title} : {what}{_SUBJECTS[news[0].transition.state]}"


_SUBJECTS: dict[str, str] = {
    CampaignState.TO_APPROVE: "validation demandée",
    CampaignState.APPROVED: "validée",
    CampaignState.DRAFT: "renvoyée à la rédaction",
    WaveState.PLANNED: "public changé depuis la validation",
    WaveState.PAUSED: "envoi en pause",
    WaveState.FINISHED: "envoi terminé",
    WaveState.MISSED: "envoi manqué",
    WaveState.CANCELLED: "envoi annulé",
}


def contact_of(session: Session, news: News) -> str:
    """Whom to ask about news: the colleague who did it, or the campaign's person of contact."""
    by = news.transition.actor
    return by if any(one.email == by for one in colleagues.active(session)) else news.campaign.contact_email


def page_of(news: News) -> str:
    """The path of the page to open."""
    if news.reminder:
        return f"/campaigns/{news.campaign.id}/reminders/{news.reminder.id}"
    if news.wave and news.transition.state is WaveState.PLANNED:
        return f"/campaigns/{news.campaign.id}/waves/{news.wave.number}/drift"
    return f"/campaigns/{news.campaign.id}{'/progress' if news.wave else '/check'}"


def _of_campaign(news: News, who: str) -> str:
    title = f"« {news.campaign.title} »"
    if news.transition.state is CampaignState.TO_APPROVE:
        return f"{who} demande votre validation de {title}, {_asked(news.campaign, news.transition)}."
    if isinstance(news.transition, CampaignTransition) and news.transition.note == EXTENT_CONFIRMED:
        return f"{title} est {EXTENT_CONFIRMED} par {who} : {news.transition.counted}."
    if news.transition.state is CampaignState.APPROVED:
        return f"{title} est validée par {who}, {_planned(news.campaign)}"
    why = news.transition.note.removeprefix(SENT_BACK).removeprefix(" : ")
    return f"{title} vous est renvoyée par {who}{_because(why)}."


def _of_reminder(session: Session, news: News, reminder: AddedReminder, who: str) -> str:
    title = f"la relance ajoutée à « {news.campaign.title} »"
    if news.transition.state is ReminderState.TO_APPROVE:
        to = french.plural(news.transition.authorities, "pouvoir organisateur", "pouvoirs organisateurs")
        return f"{who} demande votre validation de {title}, à {to}, départ le {spelt_moment(reminder.asked_at)}."
    if news.transition.state is ReminderState.APPROVED:
        planned = select(Wave.due_at).where(Wave.added_reminder_id == reminder.id, Wave.state == WaveState.PLANNED)
        leaves_at = session.scalar(planned.limit(1))
        when = f" : elle part le {spelt_moment(leaves_at)}" if leaves_at else ""
        return f"L{title[1:]} est validée par {who}{when}."
    why = news.transition.note.removeprefix(SENT_BACK).removeprefix(" : ")
    return f"L{title[1:]} vous est renvoyée par {who}{_because(why)}."


def _of_wave(session: Session, news: News, wave: Wave, who: str) -> str:
    sending = f"« {news.campaign.title} » : la {wave.name} ({spelt_moment(wave.due_at)})"
    is_by_itself, why = news.transition.actor in BY_ITSELF, _because(news.transition.note)
    if news.transition.state is WaveState.PLANNED:
        then = "Relisez-le et faites-le confirmer : sinon la vague se mettra en pause au lieu de partir"
        if news.transition.note == BACK:
            then = "Rien n’est à confirmer : la vague partira à son heure"
        return f"{sending}{why}. {then}."
    if news.transition.state is WaveState.PAUSED:
        paused = "s’est mise en pause d’elle-même" if is_by_itself else f"est mise en pause par {who}"
        return f"{sending} {paused}{why}."
    if news.transition.state is WaveState.FINISHED:
        return f"{sending} est terminée : {_counted(session, wave)}."
    if news.transition.state is WaveState.MISSED:
        return f"{sending} n’est pas partie{why}."
    return f"{sending} est annulée par {who}{why}."


def _because(why: str) -> str:
    return f" : {why.rstrip('.')}" if why else ""


def _last_actors(session: Session, campaign: Campaign, states: Iterable[CampaignState]) -> set[str]:
    """Who last brought a campaign into each of these states."""
    actors = set()
    for state in states:
        query = select(CampaignTransition.actor).where(
            CampaignTransition.campaign_id == campaign.id, CampaignTransition.state == state
        )
        actors.add(session.scalar(query.order_by(CampaignTransition.id.desc()).limit(1)) or "")
    return actors


def _asked(campaign: Campaign, transition: CampaignTransition) -> str:
    """How many authorities a campaign would write to, and when it is to leave."""
    to = f"à {french.plural(transition.authorities, 'pouvoir organisateur', 'pouvoirs organisateurs')}"
    at = campaign.starts_at
    return f"{to}, départ le {spelt_moment(at)}" if at else to


def _planned(campaign: Campaign) -> str:
    planned = [wave.due_at for wave in campaign.waves if wave.state is WaveState.PLANNED]
    if planned:
        return f"et planifiée : l’envoi part le {spelt_moment(min(planned))}."
    return "mais pas planifiée : rien ne part encore."


def _counted(session: Session, wave: Wave) -> str:
    tally = outbox.tallies(session, [wave.mailing_id]).get(wave.mailing_id, Tally()) if wave.mailing_id else Tally()
    counts = (
        french.plural(tally.accepted + tally.in_doubt, "courriel envoyé", "courriels envoyés"),
        french.plural(tally.refused + tally.expired, "échec"),
        f"{french.number(tally.in_doubt)} en doute",
    )
    return ", ".join(counts)
