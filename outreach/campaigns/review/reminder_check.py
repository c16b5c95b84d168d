"""The check of a reminder that is added to a campaign: to whom it would go, what blocks it, what may be corrected."""

from dataclasses import dataclass
from datetime import datetime

from outreach import french
from outreach.approvals import deciding
from outreach.campaigns import audiences
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.campaigns.models import AddedReminder, Wave
from outreach.campaigns.review import neighbours, written_dates
from outreach.campaigns.review.checks import Judged, blocks_of, long_subjects, refuse_blocked, unfinished, wording_of
from outreach.campaigns.review.preview import DryRun, Preview
from outreach.campaigns.schedule import planning
from outreach.campaigns.schedule.planning import PlannedWave
from outreach.campaigns.waves import added_reminders
from outreach.db import Session
from outreach.errors import InputError, Refused


@dataclass(frozen=True, slots=True)
class ReminderFindings(Judged):
    """The outcome of a reminder's checks. `planned` is None when it may not leave."""

    planned: PlannedWave | None


def look_over(session: Session, reminder: AddedReminder, sending: SenderIdentity, *, now: datetime) -> ReminderFindings:
    """Check a reminder: count those who have not reacted, compose every letter, read its wording and its date."""
    campaign, blocks, run = reminder.campaign, list[str](), DryRun()
    content, written = added_reminders.content_of(reminder), added_reminders.written_by(session, campaign, reminder)
    planned = overlap = None
    try:
        planned = added_reminders.plan_of(session, reminder, now=now)
        run = Preview(session, campaign, sending, [planned], now=now, reminder=reminder).dry_run()
    except (InputError, Refused) as error:
        blocks.append(str(error))
    leaves_at = planned.at if planned else max(now, reminder.asked_at)
    counts = audiences.count(session, campaign, now=now, only_unreacted=True, leaves_at=leaves_at)
    blocks += [*unfinished(written), *blocks_of(written, counts, run)]
    remarks = [*wording_of(written, sending), *long_subjects(run)]
    if planned is not None:
        blocks += [*planning.too_late([planned]), *planning.after_closing(session, campaign, [planned], now)]
        remarks += written_dates.remarks(reminder.subject, reminder.letter, [planned])
        remarks += [f"{french.initial(planned.name)} {planned.told}."] if planned.told else []
        remarks += [planned.deadline_told] if planned.deadline_told else []
        meant = audiences.unreacted_of(campaign, now=now)
        near = neighbours.near(session, campaign, [planned], now=now, meant=meant)
        remarks += [day.told(now) for day in near.days]
        overlap = near if near.are_many(counts.written) else None
    return ReminderFindings(content, counts, run, blocks, remarks, overlap, planned)


def judge(
    session: Session, reminder: AddedReminder, sending: SenderIdentity, *, now: datetime, version: str
) -> ReminderFindings:
    """Look a reminder over before the transaction that writes. `version` is the digest as the person read it.

    Raises Refused when it has changed since, or when something blocks it.
    """
    deciding.refuse_another(added_reminders.content_of(reminder), version)
    findings = look_over(session, reminder, sending, now=now)
    refuse_blocked(findings)
    return findings


def ask(session: Session, reminder: AddedReminder, judged: ReminderFindings, *, now: datetime, actor: str) -> None:
    """Request approval of a reminder that was judged. Raises Refused when it has changed since."""
    deciding.refuse_another(added_reminders.content_of(reminder), judged.content.digest)
    added_reminders.submit(session, reminder, now=now, actor=actor, extent=judged.extent)


def give(
    session: Session, reminder: AddedReminder, judged: ReminderFindings, *, now: datetime, actor: str, overlap: int = 0
) -> Wave:
    """Approve and plan a reminder that was judged.

    Where other campaigns write to many of its authorities within a week, `overlap` is how many the approver has seen.
    Raises Refused as `ask` and `added_reminders.approve` do, InputError when `overlap` is fewer than there are.
    """
    deciding.refuse_another(added_reminders.content_of(reminder), judged.content.digest)
    seen = judged.ticked_off(overlap)
    return added_reminders.approve(session, reminder, now=now, actor=actor, extent=judged.extent, reason=seen)
