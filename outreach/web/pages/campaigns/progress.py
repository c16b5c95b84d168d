"""A campaign under way: live progress, waves, journal, calling off, retrying and resending."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as Redirect

from outreach.access import accounts
from outreach.access.approvals import Decision
from outreach.campaigns import correspondence, experiments, planning, results
from outreach.campaigns.correspondence import Mails, MailState
from outreach.campaigns.evidence import BY_HAND
from outreach.campaigns.models import UNDER_WAY, Campaign, Exemption, Wave, WaveState
from outreach.campaigns.planning import ClosingRule
from outreach.campaigns.results import Figure, Progress
from outreach.campaigns.review import Preview, Reminded, count_reminded
from outreach.campaigns.segments import AudienceCounts
from outreach.campaigns.waves import (
    CALL_OFF_TIME,
    call_off_waves,
    closed_waves,
    coming_wave,
    exemptions_of,
    follows_a_sending,
    list_retriable,
    may_be_added,
    noted_drift,
    pause_warning,
    pending_reminder,
    planners_of,
    resend_doubts,
    retry_failures,
    starting_wave,
    why_paused,
)
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError
from outreach.core.text.roles import RoleName
from outreach.core.text.typed import whole_number
from outreach.delivery.models import Reason
from outreach.engagement.tracking import Reaction
from outreach.reports.charts import Tone
from outreach.web.pages.campaigns.blueprint import meter, pages, sending, show, step_of
from outreach.web.pages.campaigns.charts import CampaignFigures, acknowledged_in_words
from outreach.web.pages.campaigns.results import day_columns
from outreach.web.ui.fields import posted, posted_number
from outreach.web.ui.request import actor, database, needs, now, reading

# Seconds between two polls of the page, longer each time that nothing has changed.
RESTS = (2, 3, 5, 8, 12, 15)
SOON = timedelta(minutes=10)
PROPOSED = timedelta(days=7)  # from now to an added reminder, unless its author says another day
ALL_CALLED_OFF = (
    "L’envoi est annulé : rien n’est parti. La campagne reste validée, elle peut être planifiée de nouveau."
)


@dataclass(frozen=True, slots=True)
class Live:
    """The part of the page that polling refreshes.

    `rest` is the number of seconds until the next poll, None when there is none; `place` is its index in RESTS.
    `seconds` counts down to the start of the wave `starting`. `held` says why the wave was paused automatically, or ''.
    `seen` marks what the page shows. `is_new`: something has changed since the page was made, and all of it is made
    anew: nothing on it is older than its first sentence.
    """

    progress: Progress
    sentence: str
    warning: str
    starting: Wave | None
    seconds: int
    rest: int | None
    place: int
    seen: str
    held: str
    is_new: bool

    @property
    def is_leaving(self) -> bool:
        """Whether letters leave now: then the page says how far they are, and nothing else."""
        return self.progress.wave.state is WaveState.RUNNING


@pages.get("/<number:number>/progress")
@needs(RoleName.READER)
def progress_page(number: int) -> str | Redirect:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        current = results.campaign_progress(session, campaign)
        if current is None:
            return redirect(url_for(".check", number=number))
        return show(
            "progress",
            step_of(session, "progress_page", campaign),
            held=correspondence.count_mails(session, Mails(mailings=campaign.mailing_keys))[MailState.TO_DECIDE],
            **_live(session, campaign, current),
        )


@pages.get("/<number:number>/progress/live")
@needs(RoleName.READER)
def live(number: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        current = results.campaign_progress(session, campaign)
        if current is None:
            return '<div id="poll"></div>'
        return show("_live", step_of(session, "progress_page", campaign), **_live(session, campaign, current))


@pages.get("/<number:number>/progress/waves")
@needs(RoleName.READER)
def waves(number: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        return show(
            "waves",
            step_of(session, "waves", campaign),
            rows=results.wave_tallies(session, campaign),
            beside_counts=experiments.beside_counts(session, campaign),
            told=_calendar(session, campaign),
            may_be_called_off=_may_be_called_off(campaign),
            closed=(closed := {one.wave.number: one for one in closed_waves(session, campaign, now=now())}),
            may_be_moved=_may_be_moved(session, [one.wave for one in closed.values()]),
            pending=pending_reminder(session, campaign),
            **_reminders(session, campaign),
            exemptions=exemptions_of(session, campaign),
        )


@pages.get("/<number:number>/progress/journal")
@needs(RoleName.READER)
def journal(number: int) -> str:
    with reading() as session:
        campaign = planning.campaign_numbered(session, number)
        entries = results.campaign_journal(session, campaign)
        return show("journal", step_of(session, "journal", campaign), entries=entries)


@pages.post("/<number:number>/waves/<number:wave>/withdrawal")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def call_off(number: int, wave: int) -> Redirect:
    with database().writing() as session:
        campaign = planning.in_turn(session, number)
        (first, *_) = call_off_waves(session, campaign, wave, now=now(), actor=actor())
        is_reminder = follows_a_sending(first)
        told = _alone(campaign, first) if is_reminder else ALL_CALLED_OFF
    flash(told, "success")
    return redirect(url_for(".waves" if is_reminder else ".campaign", number=number))


@pages.post("/<number:number>/waves/<number:wave>/retries")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def retry(number: int, wave: int) -> Redirect:
    with database().writing() as session:
        count = retry_failures(session, planning.in_turn(session, number), wave, now=now(), actor=actor())
    flash(f"{french.plural(count, 'courriel en échec repart', 'courriels en échec repartent')}.", "success")
    return redirect(url_for(".progress_page", number=number))


@pages.post("/<number:number>/waves/<number:wave>/doubts")
@needs(RoleName.AUTHOR, RoleName.APPROVER)
def resend(number: int, wave: int) -> Redirect:
    only = posted_number("message")
    if only is None and posted("message"):
        raise InputError("Ce courriel n’existe pas.")
    with database().writing() as session:
        campaign = planning.in_turn(session, number)
        count = resend_doubts(session, campaign, wave, now=now(), actor=actor(), only=only)
    flash(
        f"{french.plural(count, 'courriel en doute repart', 'courriels en doute repartent')} à l’identique.", "success"
    )
    return redirect(url_for(".progress_page", number=number))


def _alone(campaign: Campaign, wave: Wave) -> str:
    """The message about a wave that was called off while the other planned waves stay."""
    planned = [other for other in campaign.waves if other.state is WaveState.PLANNED]
    if not planned:
        return f"La {wave.name} est annulée : plus aucune n’est planifiée."
    others = "les suivantes" if planned[0].number > wave.number else "les autres"
    stay = f"{others} restent planifiées" if len(planned) > 1 else f"la {planned[0].name} reste planifiée"
    return f"La {wave.name} est annulée ; {stay}."


def _live(session: Session, campaign: Campaign, current: Progress) -> dict[str, Any]:
    seen, starting = results.progress_digest(campaign, current, now=now()), starting_wave(campaign, now=now())
    counts_down = starting is not None and starting.due_at > now()
    is_new = request.args.get("seen") != seen
    place = 0 if is_new or counts_down else _place() + 1
    made = Live(
        progress=current,
        sentence=sentence(current),
        warning=pause_warning(session, current.wave) if current.tally.refused else "",
        held=why_paused(session, current.wave) if current.wave.state is WaveState.PAUSED else "",
        starting=starting,
        seconds=max(0, round((starting.due_at - now()).total_seconds())) if starting else 0,
        rest=_rest(campaign, place, now()),
        place=min(place, len(RESTS) - 1),
        seen=seen,
        is_new=is_new,
    )
    return {"live": made, **(_moment(session, campaign, made) if is_new else {})}


def _moment(session: Session, campaign: Campaign, live: Live) -> dict[str, Any]:
    """What the page shows beside where the wave stands; what came is counted once no letter leaves."""
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED]
    following = planned[0] if planned else None
    waiting = results.count_open_steps(session, campaign)
    return {
        "states": {wave.state.value for wave in campaign.waves},
        "planned": planned,
        "waiting": [(channel, waiting[channel]) for channel in reversed(BY_HAND) if channel in waiting],
        "again": list_retriable(session, campaign, now=now()),
        "may_add": may_be_added(session, campaign),
        "drifted": (following, noted_drift(session, following)) if following else None,
        "departed": [
            (wave, sentence(Progress(wave, tally)))
            for wave, tally in results.wave_tallies(session, campaign)
            if wave.mailing_id and wave.state is not WaveState.RUNNING
        ],
        "reasons": {
            Reason(name): count for name, count in live.progress.tally.withdrawn.items() if name != Reason.NOT_CONCERNED
        },
        "coming": _coming(session, campaign),
        "came": None,
        "Figure": Figure,
        "meter": meter,
        "Tone": Tone,
        **({} if live.is_leaving or not planning.launched_mailings(campaign) else _came(session, campaign, following)),
    }


@dataclass(frozen=True, slots=True)
class Coming:
    """What will happen once a campaign is planned: its audience now, its waves, who approved it, its exemptions.

    `example` is the name of the first recipient and the subject of its letter, or None.
    """

    counts: AudienceCounts
    example: tuple[str, str] | None
    waves: Sequence[Wave]
    approved: Decision | None
    exemptions: Sequence[Exemption]
    colleagues: Mapping[str, str]

    @property
    def first(self) -> list[Wave]:
        """The first wave, or each of its departures."""
        return [wave for wave in self.waves if not wave.reminder] or list(self.waves[:1])

    @property
    def concerned(self) -> int:
        """How many of those that it means have a school that its strand concerns."""
        return self.counts.authorities - self.counts.left_out.get(Reason.NOT_CONCERNED, 0)

    @property
    def left_out(self) -> dict[Reason, int]:
        """Of these, who gets no letter, by reason."""
        return {reason: count for reason, count in self.counts.left_out.items() if reason is not Reason.NOT_CONCERNED}


def _coming(session: Session, campaign: Campaign) -> Coming | None:
    """What will happen; None once a wave has recipients, or while none is planned."""
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED]
    if not planned or any(wave.state in UNDER_WAY for wave in campaign.waves) or planning.launched_mailings(campaign):
        return None
    approved = planning.campaign_approval(session, campaign)
    counts = planning.count_campaign_audience(
        session, campaign, now=now(), leaves_at=min(wave.due_at for wave in planned)
    )
    let = exemptions_of(session, campaign)
    return Coming(counts, _example(session, campaign, planned[0]), planned, approved, let, accounts.colleagues(session))


def _example(session: Session, campaign: Campaign, wave: Wave) -> tuple[str, str] | None:
    """The name of the first recipient of a planned wave, and the subject of its letter; None without any."""
    planned = ClosingRule.of(session, campaign, now=now()).exactly(wave.due_at)
    try:
        first = Preview(session, campaign, sending(), [planned], now=now(), has_layout=False).first()
    except InputError:  # it is named where the campaign is checked
        return None
    return (first[0].name, first[1].subject) if first else None


def _came(session: Session, campaign: Campaign, following: Wave | None) -> dict[str, Any]:
    came = CampaignFigures.of(session, campaign)
    if not came.count(Figure.RECIPIENTS):
        return {}
    counts = came.results.counts.authorities
    meant = planning.count_recipients(session, [following], now())[following.id] if following else {}
    return {
        "came": came,
        "written_next": sum(meant.values()),
        "schools": came.results.counts.schools,
        "beside_counts": experiments.beside_counts(session, campaign),
        "day_columns": day_columns(came.course),
        "reach": results.parts_of(counts),
        "todo": results.still_to_do(counts, results.count_open_steps(session, campaign)),
        "apart": [(Figure(key), words) for key, words in results.APART.items() if counts[key]],
        "acknowledged": acknowledged_in_words(came.results.acknowledged) if came.results.acknowledged else "",
    }


def _place() -> int:
    return whole_number(request.args.get("place", ""), digits=2) or 0


def _rest(campaign: Campaign, place: int, instant: datetime) -> int | None:
    """Seconds until the next poll; None when no wave is under way or starts within 10 minutes."""
    rest = RESTS[min(place, len(RESTS) - 1)]
    if any(wave.state in UNDER_WAY for wave in campaign.waves):
        return rest
    following = coming_wave(campaign, now=instant)
    if following is None or following.due_at > instant + SOON:
        return None
    until_last_minute = int((following.due_at - CALL_OFF_TIME - instant).total_seconds()) + 1
    return max(2, min(rest, until_last_minute)) if until_last_minute > 0 else rest


def sentence(current: Progress) -> str:
    """What became of a wave, in one French sentence."""
    wave, tally = current.wave, current.tally
    failed, doubtful, left_out = tally.refused + tally.expired, tally.in_doubt, tally.withdrawn.total()
    counted = (
        (tally.accepted, french.plural(tally.accepted, "courriel remis", "courriels remis")),
        (failed, french.plural(failed, "échec")),
        (doubtful, f"{french.number(doubtful)} en doute"),
        (left_out, french.plural(left_out, "écarté")),
    )
    state = "" if wave.state is WaveState.FINISHED else f" {wave.state.label.lower()}"
    text = ", ".join(words for count, words in counted if count) or "rien n’est parti"
    return f"{french.initial(wave.name)}{state} : {text}."


def _calendar(session: Session, campaign: Campaign) -> dict[datetime, str]:
    """How the calendar moved the waves of a campaign, by instant: in a plan made now, and from their actual start."""
    begun = next((wave.due_at for wave in campaign.waves if wave.state is not WaveState.CANCELLED), None)
    rule = ClosingRule.of(session, campaign, now=now())
    plans = [*rule.waves(campaign), *rule.waves(campaign, start=begun)]
    return {wave.at: wave.move_in_words for wave in plans if wave.move_in_words}


def _may_be_moved(session: Session, waves: Sequence[Wave]) -> set[int]:
    """The numbers of those of these waves that the person who is signed in may move out of a closure."""
    is_approver = current_user.holds(RoleName.APPROVER)
    return {wave.number for wave in waves if is_approver or actor() in planners_of(session, wave)}


def _may_be_called_off(campaign: Campaign) -> set[int]:
    """The numbers of the planned reminders that may be called off alone."""
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED]
    return {wave.number for wave in planned if follows_a_sending(wave)}


def _reminders(session: Session, campaign: Campaign) -> dict[str, Reminded | None]:
    """Whom a reminder would be written to now: one that is added, where it may be, and the next one that is planned."""
    reminders: dict[str, Reminded | None] = {"added": None, "today": None}
    if not planning.launched_mailings(campaign):
        return reminders
    silent = results.count_reactions(session, results.asked_of(campaign, now=now()))[Reaction.NONE]
    if may_be_added(session, campaign):
        leaves_at = now() + PROPOSED
        reminders["added"] = count_reminded(
            session, campaign, silent, now=now(), only_unreacted=True, leaves_at=leaves_at
        )
    planned = [wave for wave in campaign.waves if wave.state is WaveState.PLANNED and not wave.added_reminder_id]
    if planned and not any(wave.departure for wave in planned):  # a departure's reminder is for that departure alone
        reminders["today"] = count_reminded(session, campaign, silent, now=now())
    return reminders
