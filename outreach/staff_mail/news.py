"""What happened to campaigns, waves and added reminders that somebody should know, whom it concerns, in a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, or_, select

from outreach import french
from outreach.accounts import colleagues
from outreach.accounts.colleagues import Colleague
from outreach.approvals import deciding, reading
from outreach.approvals.models import Decision, DecisionKind, Thing
from outreach.campaigns import lifecycle
from outreach.campaigns.models import CLOCK, AddedReminder, Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.schedule.moments import spelt_moment
from outreach.campaigns.waves.auto_pause import AUTO_PAUSE
from outreach.campaigns.waves.drift import BACK
from outreach.db import Session
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.outbox import Tally
from outreach.roles import RoleName
from outreach.staff_mail.models import NoticeStart, StaffNotice

LOOKED_BACK = timedelta(days=7)  # what nobody was told for so long, because nothing ran, is no longer news
TOLD_KINDS = (DecisionKind.SUBMITTED, DecisionKind.APPROVED, DecisionKind.CONFIRMED, DecisionKind.SENT_BACK)
TOLD_STATES = (WaveState.PAUSED, WaveState.FINISHED, WaveState.MISSED, WaveState.CANCELLED)
BY_ITSELF = {AUTO_PAUSE, CLOCK}
HAS_DRIFTED = and_(WaveTransition.state == WaveState.PLANNED, WaveTransition.actor == CLOCK)  # drift.note


@dataclass(frozen=True, slots=True)
class News:
    """What somebody should know: a decision about a campaign or a reminder added to it, or a transition of a wave."""

    campaign: Campaign
    done: Decision | WaveTransition
    wave: Wave | None = None
    reminder: AddedReminder | None = None

    @property
    def key(self) -> tuple[int | None, int | None]:
        """What it is about as a notice stores it: a decision, or a wave's transition; one of the two is None."""
        return (None, self.done.id) if self.wave else (self.done.id, None)


def untold(session: Session, *, now: datetime) -> Sequence[News]:
    """The news of the last 7 days that nobody was told yet, in order; none before the service begins to tell."""
    start = session.scalar(select(NoticeStart.at))
    if start is None:
        return []
    since = max(start, now - LOOKED_BACK)
    told = exists().where(StaffNotice.decision_id == Decision.id)
    decisions = select(Decision).where(Decision.at > since, Decision.kind.in_(TOLD_KINDS), ~told)
    waves_told = exists().where(StaffNotice.wave_transition_id == WaveTransition.id)
    is_news = or_(WaveTransition.state.in_(TOLD_STATES), HAS_DRIFTED)
    transitions = select(WaveTransition).where(WaveTransition.at > since, is_news, ~waves_told)
    found = [_of(session, done) for query in (decisions, transitions) for done in session.scalars(query)]
    return sorted(found, key=lambda news: (news.done.at, news.done.id))


def of_notices(session: Session, notices: Iterable[StaffNotice]) -> list[News]:
    """The news that these notices are about, in order."""
    found = [
        _of(session, session.get_one(Decision, notice.decision_id))
        if notice.decision_id is not None
        else _of(session, session.get_one(WaveTransition, notice.wave_transition_id))
        for notice in notices
    ]
    return sorted(found, key=lambda news: (news.done.at, news.done.id))


def _of(session: Session, done: Decision | WaveTransition) -> News:
    if isinstance(done, WaveTransition):
        wave = session.get_one(Wave, done.wave_id)
        return News(wave.campaign, done, wave)
    if done.thing is Thing.CAMPAIGN:
        return News(session.get_one(Campaign, done.key), done)
    reminder = session.get_one(AddedReminder, done.key)
    return News(reminder.campaign, done, reminder=reminder)


def concerned(session: Session, news: News) -> list[Colleague]:
    """The colleagues whom news concerns, without the one who did it.

    A request: those who may approve it. Another decision: who wrote it and who submitted it. A wave: these of its
    campaign, and who approved that.
    """
    if isinstance(news.done, WaveTransition):
        subject = lifecycle.subject_of(news.campaign)
        persons = {*reading.writers(session, subject), reading.approver(session, subject)}
    elif news.done.kind is DecisionKind.SUBMITTED:
        subject = news.done.subject
        approvers = colleagues.with_role(session, RoleName.APPROVER)
        return [one for one in approvers if deciding.may_decide(session, subject, one.email)]
    else:
        persons = reading.writers(session, news.done.subject, before=news.done.id)
    return [one for one in colleagues.active(session) if one.email in persons - {news.done.actor}]


def sentence(session: Session, news: News) -> str:
    """The news in one French sentence."""
    who = colleagues.name_of(session, news.done.actor)
    if isinstance(news.done, Decision):
        return _of_decision(news, news.done, who)
    return _of_wave(session, news, news.done, who)


def subject(news: Sequence[News]) -> str:
    """The subject of a mail with this news: what happened to the one campaign, or how much happened."""
    if len(news) > 1:
        return f"{len(news)} nouvelles de vos campagnes"
    done, what = news[0].done, "relance, " if news[0].reminder else ""
    return f"{news[0].campaign.title} : {what}{_SUBJECTS[done.kind if isinstance(done, Decision) else done.state]}"


_SUBJECTS: dict[str, str] = {
    DecisionKind.SUBMITTED: "validation demandée",
    DecisionKind.APPROVED: "validée",
    DecisionKind.CONFIRMED: "validée",
    DecisionKind.SENT_BACK: "renvoyée à la rédaction",
    WaveState.PLANNED: "public changé depuis la validation",
    WaveState.PAUSED: "envoi en pause",
    WaveState.FINISHED: "envoi terminé",
    WaveState.MISSED: "envoi manqué",
    WaveState.CANCELLED: "envoi annulé",
}


def contact_of(session: Session, news: News) -> str:
    """Whom to ask about news: the colleague who did it, or the campaign's person of contact."""
    by = news.done.actor
    return by if any(one.email == by for one in colleagues.active(session)) else news.campaign.contact_email


def page_of(news: News) -> str:
    """The path of the page to open."""
    if news.reminder:
        return f"/campaigns/{news.campaign.id}/reminders/{news.reminder.id}"
    if news.wave and isinstance(news.done, WaveTransition) and news.done.state is WaveState.PLANNED:
        return f"/campaigns/{news.campaign.id}/waves/{news.wave.number}/drift"
    return f"/campaigns/{news.campaign.id}{'/progress' if news.wave else '/check'}"


def _of_decision(news: News, made: Decision, who: str) -> str:
    title = f"{'la relance ajoutée à ' if news.reminder else ''}« {made.title} »"
    named = french.initial(title)
    if made.kind is DecisionKind.SUBMITTED:
        to = french.plural(made.authorities, "pouvoir organisateur", "pouvoirs organisateurs")
        at = news.reminder.asked_at if news.reminder else news.campaign.starts_at
        return f"{who} demande votre validation de {title}, à {to}{f', départ le {spelt_moment(at)}' if at else ''}."
    if made.kind is DecisionKind.SENT_BACK:
        return f"{named} vous est renvoyée par {who}{_because(made.reason)}."
    if made.kind is DecisionKind.CONFIRMED:
        return f"{named} est {made.kind.label} par {who} : {made.counted}."
    return f"{named} est validée par {who}{_planned(news)}."


def _of_wave(session: Session, news: News, moved: WaveTransition, who: str) -> str:
    wave = session.get_one(Wave, moved.wave_id)
    sending = f"« {news.campaign.title} » : la {wave.name} ({spelt_moment(wave.due_at)})"
    is_by_itself, why = moved.actor in BY_ITSELF, _because(moved.note)
    if moved.state is WaveState.PLANNED:
        then = "Relisez-le et faites-le confirmer : sinon la vague se mettra en pause au lieu de partir"
        if moved.note == BACK:
            then = "Rien n’est à confirmer : la vague partira à son heure"
        return f"{sending}{why}. {then}."
    if moved.state is WaveState.PAUSED:
        paused = "s’est mise en pause d’elle-même" if is_by_itself else f"est mise en pause par {who}"
        return f"{sending} {paused}{why}."
    if moved.state is WaveState.FINISHED:
        return f"{sending} est terminée : {_counted(session, wave)}."
    if moved.state is WaveState.MISSED:
        return f"{sending} n’est pas partie{why}."
    return f"{sending} est annulée par {who}{why}."


def _because(why: str) -> str:
    return f" : {why.rstrip('.')}" if why else ""


def _planned(news: News) -> str:
    """When what was approved leaves, where it is planned."""
    waves = [wave for wave in news.campaign.waves if wave.state is WaveState.PLANNED]
    planned = [wave.due_at for wave in waves if not news.reminder or wave.added_reminder_id == news.reminder.id]
    if planned:
        leaves = "elle part" if news.reminder else "l’envoi part"
        return f"{'' if news.reminder else ', et planifiée'} : {leaves} le {spelt_moment(min(planned))}"
    return "" if news.reminder else ", mais pas planifiée : rien ne part encore"


def _counted(session: Session, wave: Wave) -> str:
    tally = outbox.tallies(session, [wave.mailing_id]).get(wave.mailing_id, Tally()) if wave.mailing_id else Tally()
    counts = (
        french.plural(tally.accepted + tally.in_doubt, "courriel envoyé", "courriels envoyés"),
        french.plural(tally.refused + tally.expired, "échec"),
        f"{french.number(tally.in_doubt)} en doute",
    )
    return ", ".join(counts)
