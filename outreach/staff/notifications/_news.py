"""What was decided, and what happened to waves, that somebody should know; whom it concerns, in a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import and_, exists, or_, select

from outreach.access import approvals, colleagues
from outreach.access.approvals import Decision, DecisionKind, Thing, agreed_words
from outreach.access.colleagues import Colleague
from outreach.adherence.programmes import name_among_several, strand_in_words
from outreach.campaigns.correspondence import ReplyTemplate
from outreach.campaigns.models import CLOCK, AddedReminder, AudienceException, Campaign, Wave, WaveState, WaveTransition
from outreach.campaigns.planning import GAP_KEPT, spelt_moment
from outreach.campaigns.waves import AUTO_PAUSE, BACK, sent_by
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.delivery.outbox import Tally
from outreach.staff.notifications._models import NoticeStart, StaffNotice

LOOKED_BACK = timedelta(days=7)  # what nobody was told for so long, because nothing ran, is no longer news
BACK_TO_AUTHOR = (DecisionKind.SENT_BACK, DecisionKind.REFUSED)
OF_QUESTIONS = (DecisionKind.ASKED, DecisionKind.ANSWERED)
TOLD_KINDS = (DecisionKind.SUBMITTED, DecisionKind.APPROVED, DecisionKind.CONFIRMED, *BACK_TO_AUTHOR, *OF_QUESTIONS)
TOLD_STATES = (WaveState.PAUSED, WaveState.FINISHED, WaveState.MISSED, WaveState.CANCELLED)
BY_ITSELF = {AUTO_PAUSE, CLOCK}
HAS_DRIFTED = and_(WaveTransition.state == WaveState.PLANNED, WaveTransition.actor == CLOCK)  # drift.note


@dataclass(frozen=True, slots=True)
class News:
    """What somebody should know: a decision, or a transition of a wave. A note and a text have no campaign.

    `about` is the strand of the campaign, in brackets as it follows a title, where there are several programmes.
    """

    done: Decision | WaveTransition
    campaign: Campaign | None = None
    wave: Wave | None = None
    reminder: AddedReminder | None = None
    about: str = ""

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
    excepts = Decision.subject.startswith(f"{Thing.EXCEPTION}:")
    decisions = select(Decision).where(Decision.at > since, or_(Decision.kind.in_(TOLD_KINDS), excepts), ~told)
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
    found = _found(session, done)
    strand = found.campaign.strand if found.campaign else None
    name = name_among_several(session, strand.programme) if strand else ""
    return replace(found, about=f" ({strand_in_words(name, strand.number)})") if strand and name else found


def _found(session: Session, done: Decision | WaveTransition) -> News:
    if isinstance(done, WaveTransition):
        wave = session.get_one(Wave, done.wave_id)
        return News(done, wave.campaign, wave)
    if done.thing is Thing.CAMPAIGN:
        return News(done, session.get_one(Campaign, done.key))
    if done.thing is Thing.REMINDER:
        reminder = session.get_one(AddedReminder, done.key)
        return News(done, reminder.campaign, reminder=reminder)
    if done.thing is Thing.EXCEPTION:
        return News(done, session.get_one(Campaign, session.get_one(AudienceException, done.key).campaign_id))
    return News(done)


def concerned(session: Session, news: News, day: date) -> list[Colleague]:
    """The colleagues whom news concerns on a day, without the one who did it.

    A request: those who may approve it, and of a draw, which commits the service, its authors too. A question: those
    who write. Another decision: who wrote, submitted or asked it. A wave: these of its campaign, and who approved that;
    an exception, too. The deputy of an approver is told in the approver's place.
    """
    if isinstance(news.done, WaveTransition):
        subjects = sent_by(session.get_one(Wave, news.done.wave_id))
        approver = approvals.told_for(session, approvals.last_approver(session, subjects[0]), day, *subjects)
        persons = {*approvals.writers_of(session, subjects[0]), approver}
    elif news.done.kind is DecisionKind.SUBMITTED:
        subject = news.done.subject
        approvers = [one.email for one in colleagues.with_role(session, RoleName.APPROVER)]
        able = [person for person in approvers if approvals.may_decide(session, person, subject)]
        persons = {approvals.told_for(session, person, day, subject) for person in able}
    elif news.done.kind is DecisionKind.ASKED:
        persons = {one.email for one in colleagues.with_role(session, RoleName.AUTHOR)}
    elif news.done.thing is Thing.EXCEPTION and news.campaign:
        subject = Thing.CAMPAIGN.subject(news.campaign.id)
        approver = approvals.told_for(session, approvals.last_approver(session, subject), day, subject)
        persons = {*approvals.writers_of(session, subject), approver}
    else:
        persons = approvals.writers_of(session, news.done.subject, before=news.done.id)
    return [one for one in colleagues.active(session) if one.email in persons - {news.done.actor}]


def sentence(session: Session, news: News) -> str:
    """The news in one French sentence."""
    who = colleagues.name_of(session, news.done.actor)
    if isinstance(news.done, Decision):
        return _of_decision(news, news.done, who)
    return _of_wave(session, news, news.done, who)


def subject(news: Sequence[News]) -> str:
    """The subject of a mail with this news: what happened to the one thing, or how much happened."""
    if len(news) > 1:
        are_of_campaigns = all(one.campaign for one in news)
        return f"{len(news)} nouvelles {'de vos campagnes' if are_of_campaigns else 'du service'}"
    done, campaign, about = news[0].done, news[0].campaign, news[0].about
    if isinstance(done, Decision):
        return f"{done.title}{about} : {_CALLED.get(done.thing, '')}{agreed_words(_SUBJECTS[done.kind], done.thing)}"
    what = "courriel à vos membres" if _is_ahead(done) else _SUBJECTS[done.state]
    return f"{campaign.title if campaign else ''}{about} : {what}"


def _is_ahead(moved: WaveTransition) -> bool:
    """Whether it is a planning, of which federations and networks are told ahead; the clock's tell of a drift."""
    return moved.state is WaveState.PLANNED and moved.actor != CLOCK


_CALLED = {
    Thing.REMINDER: "relance, ",
    Thing.NOTE: "note, ",
    Thing.TEXT: "version du texte, ",
    Thing.LETTER: "courriel, ",
}  # a question names itself
_SUBJECTS: dict[str, str] = {
    DecisionKind.WRITTEN: "PO écartés par exception",
    DecisionKind.WITHDRAWN: "exception retirée",
    DecisionKind.SUBMITTED: "validation demandée",
    DecisionKind.APPROVED: "validée",
    DecisionKind.CONFIRMED: "validée",
    DecisionKind.SENT_BACK: "renvoyée à la rédaction",
    DecisionKind.REFUSED: "refusée",
    DecisionKind.ASKED: "note demandée",
    DecisionKind.ANSWERED: "votre note est prête",
    WaveState.PLANNED: "public changé depuis la validation",
    WaveState.PAUSED: "vague en pause",
    WaveState.FINISHED: "vague terminée",
    WaveState.MISSED: "vague manquée",
    WaveState.CANCELLED: "vague annulée",
}


def contact_of(session: Session, news: News) -> str:
    """Whom to ask about news: the colleague who did it, else the campaign's person of contact or an administrator."""
    by = news.done.actor
    if any(one.email == by for one in colleagues.active(session)):
        return by
    if news.campaign:
        return news.campaign.contact_email
    return next((one.email for one in colleagues.with_role(session, RoleName.ADMINISTRATOR)), by)


def page_of(session: Session, news: News) -> str:
    """The path of the page to open."""
    if isinstance(news.done, Decision):
        return page_of_decision(session, news.done)
    if _is_ahead(news.done):
        return "/calendar"
    wave = session.get_one(Wave, news.done.wave_id)
    return f"/campaigns/{wave.campaign_id}" + (
        f"/waves/{wave.number}/drift" if news.done.state is WaveState.PLANNED else "/progress"
    )


def page_of_decision(session: Session, made: Decision) -> str:
    """The path of the page on which a thing is read and decided about."""
    if made.thing in _PAGES:
        return _PAGES[made.thing].format(made.key)
    match made.thing:
        case Thing.REMINDER:
            return f"/campaigns/{session.get_one(AddedReminder, made.key).campaign_id}/reminders/{made.key}"
        case Thing.EXCEPTION:
            return f"/campaigns/{session.get_one(AudienceException, made.key).campaign_id}/check#exceptions"
        case _:
            return f"/responses/texts/{session.get_one(ReplyTemplate, made.key).use}"


_PAGES = {
    Thing.CAMPAIGN: "/campaigns/{}/check",
    Thing.NOTE: "/notes/{}",
    Thing.LETTER: "/letters/{}",
    Thing.REQUEST: "/notes/requests/{}",
}


def _of_decision(news: News, made: Decision, who: str) -> str:
    title = f"{_NAMED.get(made.thing, '')}« {made.title} »{news.about}"
    if made.thing is Thing.EXCEPTION:
        did = f"a écarté {made.counted} de" if made.kind is DecisionKind.WRITTEN else f"a remis {made.counted} dans"
        why = f" Raison : {made.reason.rstrip('.')}." if made.reason else ""
        return f"{who} {did} {title}.{why} La validation reste valable."
    if made.thing is Thing.REQUEST:
        return _of_question(made, who)
    named = french.initial(title)
    if made.kind is DecisionKind.SUBMITTED:
        return f"{who} demande votre validation de {title}{_asked(news, made)}."
    if made.kind in BACK_TO_AUTHOR:
        done = "vous est" if made.kind is DecisionKind.SENT_BACK else "est"
        how = agreed_words("renvoyée" if made.kind is DecisionKind.SENT_BACK else "refusée", made.thing)
        return f"{named} {done} {how} par {who}{_because(made.reason)}."
    if made.kind is DecisionKind.CONFIRMED:
        return f"{named} est {made.kind.label} par {who} : {made.counted}."
    return f"{named} est {agreed_words('validée', made.thing)} par {who}{_planned(news) if news.campaign else ''}."


def _of_question(made: Decision, who: str) -> str:
    if made.kind is DecisionKind.ASKED:
        return f"{who} demande une note : « {made.title} »."
    if made.kind is DecisionKind.ANSWERED:
        return f"La note que vous avez demandée, « {made.title} », est validée {made.reason} : ses fichiers sont prêts."
    return f"La demande de note « {made.title} » vous est renvoyée par {who}{_because(made.reason)}."


_NAMED = {
    Thing.REMINDER: "la relance ajoutée à ",
    Thing.NOTE: "la note ",
    Thing.TEXT: "la version du texte ",
    Thing.REQUEST: "la demande de note ",
    Thing.LETTER: "le courriel ",
}


def _asked(news: News, made: Decision) -> str:
    """How many authorities a letter would be written to, and when it is to leave; '' of what is no letter."""
    if news.campaign is None:
        return ""
    at = news.reminder.asked_at if news.reminder else news.campaign.starts_at
    to = french.plural(made.authorities, "pouvoir organisateur", "pouvoirs organisateurs")
    return f", à {to}{f', le {spelt_moment(at)}' if at else ''}"


def _of_wave(session: Session, news: News, moved: WaveTransition, who: str) -> str:
    wave = session.get_one(Wave, moved.wave_id)
    sending = f"« {wave.campaign.title} »{news.about} : la {wave.name} ({spelt_moment(wave.due_at)})"
    is_by_itself, why = moved.actor in BY_ITSELF, _because(moved.note)
    if moved.state is WaveState.PLANNED:
        then = "Relisez-le et faites-le confirmer : sinon la vague se mettra en pause au lieu de partir"
        if moved.note == BACK:
            then = "Rien n’est à confirmer : la vague partira à son heure"
        if _is_ahead(moved):
            why, then = " part à certains de vos membres", "Votre calendrier montre ce qui vous concerne"
        return f"{sending}{why}. {then}."
    if moved.state is WaveState.PAUSED:
        paused = "s’est mise en pause d’elle-même" if is_by_itself else f"est mise en pause par {who}"
        return f"{sending} {paused}{why}."
    if moved.state is WaveState.FINISHED:
        return f"{sending} est terminée : {_counted(session, wave)}."
    if moved.state is WaveState.MISSED:
        return f"{sending} n’est pas partie{why}."
    if moved.actor == GAP_KEPT:
        return f"{sending} est annulée{why}."
    return f"{sending} est annulée par {who}{why}."


def _because(why: str) -> str:
    return f" : {why.rstrip('.')}" if why else ""


def _planned(news: News) -> str:
    """When what was approved leaves, where it is planned."""
    waves = [wave for wave in news.campaign.waves if wave.state is WaveState.PLANNED] if news.campaign else []
    planned = [wave.due_at for wave in waves if not news.reminder or wave.added_reminder_id == news.reminder.id]
    if planned:
        leaves = "elle part" if news.reminder else "la première vague part"
        return f"{'' if news.reminder else ', et planifiée'} : {leaves} le {spelt_moment(min(planned))}"
    return "" if news.reminder else ", mais pas planifiée : rien ne part encore"


def _counted(session: Session, wave: Wave) -> str:
    tally = (
        outbox.tally_mailings(session, [wave.mailing_id]).get(wave.mailing_id, Tally()) if wave.mailing_id else Tally()
    )
    counts = (
        french.plural(tally.accepted + tally.in_doubt, "courriel envoyé", "courriels envoyés"),
        french.plural(tally.refused + tally.expired, "échec"),
        f"{french.number(tally.in_doubt)} en doute",
    )
    return ", ".join(counts)
