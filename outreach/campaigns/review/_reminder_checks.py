"""The check of a reminder that is added: to whom it would go, beside those who have not reacted."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from outreach.access import approvals
from outreach.campaigns import planning, results, segments, waves
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import AddedReminder, Campaign, Wave
from outreach.campaigns.planning import PlannedWave
from outreach.campaigns.review import _overlap as neighbours
from outreach.campaigns.review import _written_dates as written_dates
from outreach.campaigns.review._checks import (
    Judged,
    blocks_of,
    long_subjects,
    refuse_blocked,
    unfinished_parts,
    wording_of,
)
from outreach.campaigns.review._preview import DryRun, Preview
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.errors import InputError, Refused
from outreach.delivery.models import Reason
from outreach.engagement import tracking
from outreach.engagement.tracking import Reaction


@dataclass(frozen=True, slots=True)
class Reminded:
    """Whom a reminder would be written to: `written` authorities at `addresses`, and who is `left_out`, by reason.

    `unreacted` counts the authorities that have not reacted, as their list does. The reminder goes to `of_unreacted` of
    these, to `partly` that have reacted for some of their schools only, and to `unreached` that no letter has reached.
    `kept_out` are the unreacted to whom it does not go, by reason; their sum with `of_unreacted` is `unreacted`.
    """

    written: int
    addresses: int
    left_out: Mapping[Reason, int]
    unreacted: int
    of_unreacted: int
    partly: int
    unreached: int
    kept_out: Mapping[Reason, int]


def count_reminded(
    session: Session,
    campaign: Campaign,
    unreacted: int,
    *,
    now: datetime,
    only_unreacted: bool = False,
    leaves_at: datetime | None = None,
) -> Reminded:
    """Whom the next reminder would be written to; with `only_unreacted`, one that is added and `leaves_at` then.

    `unreacted` is what `results.reactions.count_reactions` has for Reaction.NONE.
    """
    reacted = tracking.of_authorities(results.asked_of(campaign, now=now))
    meant = planning.campaign_audience(campaign, now, only_unreacted=only_unreacted)
    context = planning.context_of(session, campaign, now=now, leaves_at=leaves_at)
    rows = segments.by_label(session, meant, context, reacted.c.authority_id, reacted.c.reaction)
    left_out, kept_out, written = Counter[Reason](), Counter[Reason](), Counter[str | None]()
    for reaction, reason, count, _ in rows:
        if reason is None:
            written[reaction] += count
            continue
        left_out[reason] += count
        if reaction == Reaction.NONE.value:
            kept_out[reason] += count
    of_unreacted, partly = written[Reaction.NONE.value], written[Reaction.REACTED.value]
    outside = unreacted - of_unreacted - kept_out.total()
    if outside:  # the audience does not mean them at all
        kept_out[Reason.NOT_CONCERNED] += outside
    return Reminded(
        written=written.total(),
        addresses=sum(addresses for *_, addresses in rows),
        left_out=left_out,
        unreacted=unreacted,
        of_unreacted=of_unreacted,
        partly=partly,
        unreached=written.total() - of_unreacted - partly,
        kept_out=kept_out,
    )


@dataclass(frozen=True, slots=True)
class ReminderFindings(Judged):
    """The outcome of a reminder's checks. `planned` is None when it may not leave."""

    planned: PlannedWave | None


def check_reminder(
    session: Session, reminder: AddedReminder, sending: SenderIdentity, *, now: datetime
) -> ReminderFindings:
    """Check a reminder: count those who have not reacted, compose every letter, read its wording and its date."""
    campaign, blocks, run = reminder.campaign, list[str](), DryRun()
    content, written = waves.content_of(reminder), waves.written_by(session, campaign, reminder)
    planned = overlap = None
    try:
        planned = waves.plan_of(session, reminder, now=now)
        preview = Preview(session, campaign, sending, [planned], now=now, reminder=reminder)
        addressees = planning.list_addressees(session, campaign, now=now, only_unreacted=True, leaves_at=preview.at)
        run = preview.dry_run([one for one in addressees if one.reason is None])
    except (InputError, Refused) as error:
        blocks.append(str(error))
    leaves_at = planned.at if planned else max(now, reminder.asked_at)
    counts = planning.count_campaign_audience(session, campaign, now=now, only_unreacted=True, leaves_at=leaves_at)
    blocks += [*unfinished_parts(written), *blocks_of(written, counts, run)]
    remarks = [*wording_of(written, sending), *long_subjects(run)]
    if planned is not None:
        blocks += [*planning.too_late([planned]), *planning.after_closing(session, campaign, [planned], now)]
        remarks += written_dates.remarks(reminder.subject, reminder.letter, [planned])
        remarks += [f"{french.initial(planned.name)} {planned.move_in_words}."] if planned.move_in_words else []
        remarks += [planned.deadline_in_words] if planned.deadline_in_words else []
        meant = planning.unreacted_of(campaign, now=now)
        near = neighbours.near(session, campaign, [planned], now=now, meant=meant)
        remarks += [day.in_words(now) for day in near.days]
        overlap = near if near.are_many(counts.written) else None
    return ReminderFindings(content, counts, run, blocks, remarks, overlap, planned)


def review_reminder(
    session: Session, reminder: AddedReminder, sending: SenderIdentity, *, now: datetime, version: str
) -> ReminderFindings:
    """Look a reminder over before the transaction that writes. `version` is the digest as the person read it.

    Raises Refused when it has changed since, or when something blocks it.
    """
    approvals.refuse_another(waves.content_of(reminder), version)
    findings = check_reminder(session, reminder, sending, now=now)
    refuse_blocked(findings)
    return findings


def ask_reminder_approval(
    session: Session, reminder: AddedReminder, judged: ReminderFindings, *, now: datetime, actor: str
) -> None:
    """Request approval of a reminder that was judged. Raises Refused when it has changed since."""
    approvals.refuse_another(waves.content_of(reminder), judged.content.digest)
    waves.submit_reminder(session, reminder, now=now, actor=actor, extent=judged.extent)


def give_reminder_approval(
    session: Session, reminder: AddedReminder, judged: ReminderFindings, *, now: datetime, actor: str, overlap: int = 0
) -> Wave:
    """Approve and plan a reminder that was judged.

    Where other campaigns write to many of its authorities within a week, `overlap` is how many the approver has seen.
    Raises Refused as `ask_reminder_approval` and `added_reminders.approve_reminder` do, InputError when `overlap` is
    fewer than there are.
    """
    approvals.refuse_another(waves.content_of(reminder), judged.content.digest)
    seen = judged.ticked_off(overlap)
    return waves.approve_reminder(session, reminder, now=now, actor=actor, extent=judged.extent, reason=seen)
