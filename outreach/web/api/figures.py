"""Figures as programs are told them: of situations and of campaigns."""

from datetime import date, datetime
from typing import Any

from pydantic import Field, RootModel, create_model

from outreach.adherence.situation import Bucket, Cause, Solicitation
from outreach.campaigns.models import WaveState
from outreach.web.api.shapes import ApiOutput, CampaignBaseOutput

_COUNTS: dict[str, Any] = {name.value: (int | None, ...) for name in (*Bucket, *Solicitation)}
_BY_STATUS: Any = create_model("_ByStatus", __base__=ApiOutput, **_COUNTS)


class FiguresOutput(_BY_STATUS):  # its fields are the statuses, which a checker cannot know
    """The schools of a strand, by status; each null before `opens_on`, where the strand is not open yet.

    `none` is the sum of `solicited` and `unsolicited`.
    """

    opens_on: date | None = None
    reported: int | None


class GroupOutput(ApiOutput):
    """A group of schools, or all: its code under the name of what schools are counted by, its strands by number."""

    network: str | None = None
    zone: str | None = None
    province: str | None = None
    federation: str | None = None
    label: str
    authorities: int | None
    schools: int | None
    strands: dict[str, FiguresOutput]


class SituationOutput(ApiOutput):
    """The situation of a programme: the figures in all, and of each group under what schools are counted by.

    `counted` says whose members alone a federation's or a network's key counts, in French; null for any other key.
    """

    programme: str
    as_of: date
    known_at: datetime | None
    counted: str | None
    total: GroupOutput
    networks: list[GroupOutput] = Field(default_factory=list)
    zones: list[GroupOutput] = Field(default_factory=list)
    provinces: list[GroupOutput] = Field(default_factory=list)
    federations: list[GroupOutput] = Field(default_factory=list)


class ReadingOutput(ApiOutput):
    """A strand at the end of a day, as known at a moment; null: with all that is known now.

    `federation` or `network` is that of the key: those count that were its members then.
    """

    programme: str
    strand: int
    as_of: date
    known_at: datetime | None
    federation: str | None
    network: str | None


class DifferenceCauseOutput(ApiOutput):
    """Why schools came into a cell (`delta` above 0) or left it; `schools` are the FASE numbers of today's members."""

    cause: Cause
    delta: int
    schools: list[int]


class DifferenceCellOutput(ApiOutput):
    """A figure in both readings, and the causes, whose `delta` sum up to what lies between.

    `by` names the group (network, zone or level) of a cell that is not of all schools. `status` is null in
    `populations`, the schools of a group that are concerned; in `totals` it may be `concerned`.
    """

    by: dict[str, str] | None = None
    status: str | None = None
    before: int
    after: int
    causes: list[DifferenceCauseOutput]


class DifferenceOutput(ApiOutput):
    """Why the figures of a strand differ between two readings: each status of each group, and of all."""

    from_: ReadingOutput = Field(alias="from")
    to: ReadingOutput
    cells: list[DifferenceCellOutput]
    populations: list[DifferenceCellOutput]
    totals: list[DifferenceCellOutput]


class RetriableOutput(ApiOutput):
    """How many letters of a wave may leave again."""

    failed: int
    in_doubt: int


class WaveOutput(ApiOutput):
    """A wave: what became of its letters, whom it left out by reason, and what may leave again."""

    number: int
    state: WaveState
    label: str
    due_at: datetime
    intended: int
    accepted: int
    refused: int
    expired: int
    in_doubt: int
    deferred: int
    pending: int
    withdrawn: dict[str, int]
    next_try_at: datetime | None
    retriable: RetriableOutput
    paused_because: str
    warning: str


class NumbersOutput(ApiOutput):
    """The numbers of a campaign, of authorities or of schools (docs/counting.md); null what has no meaning in it.

    targeted = out_of_scope + concerned; concerned = already_joined + excepted + stopped + to_reach;
    to_reach = no_address + not_sent + to_come + recipients = reached + presumed + unread + too_early + left;
    recipients = handed_over + on_the_way + returned.
    """

    targeted: int | None
    out_of_scope: int | None
    concerned: int | None
    already_joined: int | None
    excepted: int | None
    stopped: int | None
    to_reach: int | None
    no_address: int | None
    not_sent: int | None
    to_come: int | None
    recipients: int | None
    handed_over: int | None
    on_the_way: int | None
    returned: int | None
    reached: int | None
    presumed: int | None
    unread: int | None
    too_early: int | None
    left: int | None
    entered_later: int | None
    answered: int | None
    declared: int | None
    joined_since: int | None
    had_joined: int | None
    to_verify: int | None


class CountsOutput(NumbersOutput):
    """The numbers of a campaign in authorities at an instant, and those of its schools.

    `unreconstructable` is there where rows no longer tell the classes of so many authorities of an old campaign.
    """

    campaign: int
    programme: str
    strand: int
    as_of: datetime
    schools: NumbersOutput
    unreconstructable: int | None = None


class HitsOutput(ApiOutput):
    """Letters that a person, a machine, or either, opened or clicked."""

    human: int
    undetermined: int
    machine: int


class MeasuredOutput(ApiOutput):
    """Openings and clicks of a group; `opens` is null where openings are not measured."""

    group: str
    delivered: int
    clicks: HitsOutput
    opens: HitsOutput | None


class CampaignOutput(CampaignBaseOutput):
    """A campaign: its waves with what became of their letters, its numbers, and its answers by kind."""

    waves: list[WaveOutput]
    counts: CountsOutput
    answers: dict[str, int]
    measured: list[MeasuredOutput]


class MembersWaveOutput(ApiOutput):
    """A wave as a federation's or a network's key reads it: how many members, by network and in `total`.

    A wave that has not left tells `meant` alone.
    """

    number: int
    state: WaveState
    label: str
    due_at: datetime
    meant: dict[str, int]
    sent: dict[str, int] | None = None
    delivered: dict[str, int] | None = None
    answered: dict[str, int] | None = None


class MembersCampaignOutput(CampaignBaseOutput):
    """A campaign for such a key: its waves that write to members, and the numbers of these. `answers` and `measured`
    are empty. `counted` says whose members alone are counted, in French.
    """

    counted: str
    waves: list[MembersWaveOutput]
    counts: CountsOutput
    answers: dict[str, int]
    measured: list[str]


class CampaignStandingOutput(RootModel[CampaignOutput | MembersCampaignOutput]):
    """A campaign, as far as the key sees it."""
