"""Resources as programs are told them: of the field, not of tables. One name means one thing, in all of them.

What a resource refers to stands under its kind and is a key: `authority` and `school` are FASE numbers, `programme` and
`network` codes, `strand` a number in its programme, `campaign`, `list` and the like an `id`. What is chosen among a few
is a code; where people read it, its French words stand beside as `label`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from outreach.adherence.models import Status, Word
from outreach.adherence.records import RecordRow
from outreach.adherence.situation import Bucket
from outreach.campaigns.correspondence import last_decision
from outreach.campaigns.models import WaveState
from outreach.campaigns.planning import CampaignRow, ListedSegment
from outreach.campaigns.results import Overall
from outreach.campaigns.segments import Concerns
from outreach.delivery.outbox import Excluded, Recipient, cause_of_state, outcome_of
from outreach.delivery.received import ReceivedMail
from outreach.directory.authorities import ListedRow, ListedSchool, ReachFilter
from outreach.directory.models import Authority, EducationType, Located, Network
from outreach.engagement.replies import Response, follow_up
from outreach.reports.notes import Note, public_address

Resource = dict[str, Any]
NOBODY = Overall()  # the numbers of a campaign that wrote to nobody


def network(one: Network) -> Resource:
    """A network."""
    return {"code": one.code, "label": one.label}


def authority(row: ListedRow) -> Resource:
    """An authority of today's register, with how mail reaches it."""
    one, reach = row.Authority, ReachFilter(row.reach)
    return {
        "fase": one.fase,
        "name": one.display_name,
        "registered_name": one.name,
        "network": one.network.code,
        "federations": row.federations,
        "company_number": one.company_number or "",
        "postal_address": _postal(one),
        "mail": {"reach": reach, "label": reach.label, "emails": row.mailboxes, "confirmed_on": row.confirmed_on},
        "school_count": row.schools,
        "secondary_school_count": row.secondary,
    }


def school(row: ListedSchool, of: Authority) -> Resource:
    """A school that an authority runs today, with its sites."""
    one = row.school
    return {
        "fase": one.fase,
        "name": one.display_name,
        "registered_name": one.name,
        "authority": of.fase,
        "postal_address": _postal(one),
        "zone": one.zone,
        "levels": list(dict.fromkeys(kind.level for kind in row.types)),
        "types": [_education(kind) for kind in row.types],
        "sites": [{"fase": site.fase, "postal_address": _postal(site)} for site in row.sites],
    }


def segment(row: ListedSegment, programme: str, authorities: int) -> Resource:
    """A saved segment, and how many authorities it means in a programme."""
    return {
        "id": row.segment.id,
        "name": row.segment.name,
        "audience": row.audience,
        "version": row.latest.number,
        "made_at": row.latest.made_at,
        "made_by": row.latest.made_by,
        "programme": programme,
        "authority_count": authorities,
        "campaign_count": row.campaigns,
    }


def campaign(row: CampaignRow, programme: str, *, is_whole: bool) -> Resource:
    """A campaign of a list, with the numbers that the list on the page shows of it."""
    numbers = row.came or NOBODY
    came = {"recipients": numbers.recipients, "answered": numbers.answered, "joined_since": numbers.joined_since}
    if row.campaign.concerns is Concerns.JOINED:
        came["joined_since"] = None
    return {**_campaign(row, programme, is_whole=is_whole), "counts": came}


def _campaign(row: CampaignRow, programme: str, *, is_whole: bool) -> Resource:
    """A campaign, without what came of it; whom it is for is said to who sees the `is_whole` of it."""
    return {
        "id": row.campaign.id,
        "title": row.campaign.title,
        "programme": programme,
        "strand": row.campaign.strand.number,
        "state": row.campaign.state,
        "stage": row.standing.stage,
        "label": row.standing.label,
        "audience": row.audience if is_whole else None,
    }


def standing(row: CampaignRow, programme: str, said: Mapping[str, Any]) -> Resource:
    """A campaign with what came of it: what commands print of its waves, numbers, answers and openings."""
    waves = [{**wave, "label": WaveState(wave["state"]).label} for wave in said["waves"]]
    came = {name: value for name, value in said.items() if name != "campaign"}
    return {**_campaign(row, programme, is_whole="counted" not in said), **came, "waves": waves}


def recipient(row: Recipient) -> Resource:
    """A letter of a wave: to whom, and what became of it."""
    letter, outcome = row.Message, outcome_of(row.Message)
    is_tried_again = outcome.value == "deferred"
    return {
        "id": letter.id,
        **_of(row.Authority),
        "email": letter.address,
        "outcome": outcome,
        "label": outcome.singular,
        "reason": letter.reason,
        "explanation": cause_of_state(letter),
        "outcome_at": letter.settled_at or letter.fenced_at,
        "relay_reply": f"{letter.reply_code or ''} {letter.reply_text}".strip(),
        "attempts": letter.attempts if is_tried_again else None,
        "next_try_at": letter.due_at if is_tried_again else None,
    }


def response(one: Response, programme: str) -> Resource:
    """A response of an authority, and what was done about it."""
    by, code = one.respondent, follow_up(one.answer, one.handled_by, one.outcome)
    return {
        "id": one.id,
        **_of(one.authority),
        "programme": programme,
        "strand": one.strand.number,
        "answer": one.answer,
        "label": one.answer.label,
        "schools": sorted(school.fase for school in one.schools),
        "proposed_email": one.proposed_address,
        "comment": one.comment,
        "given_at": one.given_at,
        "respondent": {"name": by.name, "function": by.function} if by else None,
        "owner": one.owner,
        "handled_at": one.handled_at,
        "follow_up": {"code": code, "label": one.outcome} if code else None,
    }


def reply(mail: ReceivedMail, fase: int | None, campaign: int | None) -> Resource:
    """A mail that came back, without its words: of the authority with this number, about this campaign."""
    return {
        "id": mail.id,
        "authority": fase,
        "campaign": campaign,
        "received_at": mail.received_at,
        "is_automatic": mail.is_automatic,
        "attached_by": mail.attached_by,
        "decision": last_decision(mail),
        "settled_at": mail.settled_at,
    }


def exclusion(row: Excluded) -> Resource:
    """An address that gets no letters, and why."""
    entry = row.entry
    return {
        "id": entry.id,
        "email": row.address,
        "authorities": [one.fase for one in row.authorities],
        "reason": entry.reason,
        "label": entry.reason.label,
        "scope": entry.scope,
        "excluded_at": entry.created_at,
        "excluded_by": entry.created_by,
        "detail": entry.detail,
    }


def note(one: Note, programme: str, address: str) -> Resource:
    """A published note about a programme; `address` is the service's own. It says nothing of any other note."""
    assert one.approval is not None and one.publication is not None, one.id  # noqa: S101, PT018
    return {
        "number": one.approval.number,
        "title": one.title,
        "programme": programme,
        "as_of": one.as_of,
        "sha256": one.sha256,
        "published_at": one.publication.published_at,
        "url": public_address(address, one.approval.number),
    }


def record(row: RecordRow, programme: str) -> Resource:
    """A recorded status of a school."""
    one = row.AdherenceRecord
    is_declared = one.status is Status.JOINED and one.word is Word.DECLARED
    return {
        "id": one.id,
        "school": row.school,
        "programme": programme,
        "strand": row.strand,
        "status": one.status,
        "word": one.word,
        "label": Bucket.DECLARED.label if is_declared else one.status.label,
        "effective_on": one.effective_on,
        "recorded_at": one.recorded_at,
        "source": one.source,
        "list": one.list_id,
        "withdrawn_at": row.withdrawn_at,
    }


def _of(one: Authority) -> Resource:
    """Which authority it is: the register of today may have it no more, so that its name is told here."""
    return {"authority": one.fase, "authority_name": one.display_name, "network": one.network.code}


def _postal(at: Located) -> Resource:
    return {"street": at.address, "postcode": at.postcode, "locality": at.locality, "municipality": at.municipality}


def _education(kind: EducationType) -> Resource:
    return {"code": kind.name.lower(), "label": kind.value}


def every(items: Sequence[Resource], following: str | None = None) -> Resource:
    """A page of a list, with the cursor of the next one."""
    return {"items": items, "next": following}
