"""What programs ask and are answered, as types that OpenAPI states; and where one stands in a list."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, StringConstraints, model_validator

from outreach.adherence.models import Status, Word
from outreach.campaigns.models import CampaignState
from outreach.campaigns.planning import Stage
from outreach.core.text.errors import InputError
from outreach.delivery.models import Reason, SuppressionReason, SuppressionScope
from outreach.delivery.outbox import LetterOutcome
from outreach.delivery.received import AttachedBy, MailStepKind
from outreach.directory.authorities import ReachFilter
from outreach.directory.models import Level
from outreach.engagement.replies import Answer, FollowUp

BEFORE_ALL = -1


def written(number: int | None) -> str | None:
    """The cursor that stands after the row of a number, which is below 2⁶⁰; None for None."""
    return None if number is None else f"c{number:x}"


def read(cursor: str) -> int:
    """The number after which a list goes on; before all for ''."""
    return int(cursor[1:], 16) if cursor else BEFORE_ALL


Item = TypeVar("Item")
MOST_ROWS = 250
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
CURSOR = "^(c[0-9a-f]{1,15})?$"
MOST_JOININGS = 5_000
ShortText = Annotated[str, StringConstraints(max_length=200)]


def _written_day(value: object) -> object:
    """A day as JSON writes it: pydantic would take a number for seconds since 1970."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("a day is YYYY-MM-DD")
    return value


def _written_moment(value: object) -> object:
    """A moment as RFC 3339 writes it, or a day: pydantic would take other ways of writing, and moments of no zone."""
    if not isinstance(value, str) or not (DAY.fullmatch(value) or MOMENT.fullmatch(value)):
        raise ValueError("a moment is YYYY-MM-DDThh:mm:ss with its zone")
    return value


def _never_null(schema: dict[str, Any]) -> None:
    """Say of a parameter that it may be left out, and not that it may be null."""
    schema.pop("default")
    kinds = [one for one in schema.pop("anyOf") if one.get("type") != "null"]
    schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


def _written_number(value: object) -> object:
    """A number as JSON writes it, 3 or 3.0: pydantic would read a text, and take true for 1."""
    if isinstance(value, str | bool):
        raise ValueError("a number is a number")  # noqa: TRY004 - pydantic tells a ValueError alone
    return value


Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,60}$")]  # of a programme; '' names none
Day = Annotated[date, BeforeValidator(_written_day)]
Past = Annotated[date | datetime, BeforeValidator(_written_moment)]
Number = Annotated[int, BeforeValidator(_written_number)]


class ApiInput(BaseModel):
    """A query or a body: a name that nobody knows is a fault, as it would say nothing."""

    model_config = ConfigDict(extra="forbid")


class ApiOutput(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class Nothing(ApiInput):
    """A query without parameters."""


class PageQuery(ApiInput):
    """A page of a list: `cursor` is the `next` of the page before."""

    cursor: str = Field("", pattern=CURSOR)
    limit: int = Field(100, ge=1, le=MOST_ROWS)


class ProgrammeQuery(ApiInput):
    """What is told of one programme, by its code: it may be left out where there is only one."""

    programme: Code = ""


class OfProgrammeQuery(PageQuery):
    """A page of a list of one programme, by its code: it may be left out where there is only one."""

    programme: Code = ""


class AuthoritiesQuery(PageQuery):
    """A page of authorities, of one network where its code is given."""

    network: ShortText = Field("", pattern=r"^[^\x00-\x1f]*$")  # PostgreSQL takes no NUL


class SituationQuery(ProgrammeQuery):
    """The day of a situation, the past moment whose knowledge it shows, and by what schools are counted."""

    as_of: Day | None = Field(None, examples=["2021-05-15"], json_schema_extra=_never_null)
    known_at: Past | None = Field(None, examples=["2021-05-18T09:30:00+02:00"], json_schema_extra=_never_null)
    by: Literal["network", "zone", "province", "federation"] = "network"


class DifferenceQuery(ProgrammeQuery):
    """Two days of a strand, each with the past moment whose knowledge counts, and by what schools are counted.

    `to` is today where it is left out, `from` 30 days ago, `strand` the first that is open then.
    """

    strand: int | None = Field(None, ge=1, le=99, json_schema_extra=_never_null)
    from_: Day | None = Field(None, alias="from", examples=["2021-04-15"], json_schema_extra=_never_null)
    to: Day | None = Field(None, examples=["2021-05-15"], json_schema_extra=_never_null)
    known_from: Past | None = Field(None, examples=["2021-04-16T09:30:00+02:00"], json_schema_extra=_never_null)
    known_to: Past | None = Field(None, examples=["2021-05-18T09:30:00+02:00"], json_schema_extra=_never_null)
    by: Literal["network", "zone", "level"] = "network"


class EventsQuery(ApiInput):
    """Events after the one with this id, and how many seconds to wait for one."""

    after: int = Field(0, ge=0, le=2**63 - 1)
    limit: int = Field(MOST_ROWS, ge=1, le=1_000)
    wait: int = Field(0, ge=0, le=25)


class Page(ApiOutput, Generic[Item]):
    """A page of a list: `next` is the cursor of the next one, null where there is none."""

    items: list[Item]
    next: str | None


class Problem(BaseModel):
    """What is wrong (RFC 9457): a stable type, a French title, the status, a French sentence on what to do.

    `programmes` are the codes of those of which one has to be named, where that is what is wrong.
    """

    type: str
    title: str
    status: int
    detail: str
    programmes: list[str] | None = Field(None, json_schema_extra=_never_null)


class CloudEvent(ApiOutput):
    """An event (CloudEvents 1.0). `id` grows by one with each; `subject` and `data` name FASE numbers."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"]
    data: dict[str, Any]


class CloudEvents(RootModel[list[CloudEvent]]):
    """A batch of events, in their order."""


class NetworkOutput(ApiOutput):
    """A network: the register's code, and its French name."""

    code: str
    label: str


class StrandOutput(ApiOutput):
    """A part of a programme."""

    number: int
    name: str
    circular: str
    opened_on: date
    closed_on: date | None
    levels: list[Level]


class RuleOutput(ApiOutput):
    """From `since` and before `until`, only schools that had joined `requires` could join `strand`."""

    strand: int
    requires: int
    since: date
    until: date | None


class ProgrammeOutput(ApiOutput):
    """A programme, with its strands."""

    code: str
    name: str
    strands: list[StrandOutput]
    prerequisites: list[RuleOutput]


class PostalOutput(ApiOutput):
    """A postal address, as the register spells it."""

    street: str
    postcode: str
    locality: str
    municipality: str


class MailOutput(ApiOutput):
    """How mail reaches an authority, the addresses that may be written to, and the day on which one of them was last
    confirmed, or null."""

    reach: ReachFilter
    label: str
    emails: list[str]
    confirmed_on: date | None


class AuthorityOutput(ApiOutput):
    """An organising authority that is in the register today. `federations` are codes of those that it is a member of.

    `name` may be one that a person gave in place of `registered_name`.
    """

    fase: int
    name: str
    registered_name: str
    network: str
    federations: list[str]
    company_number: str
    postal_address: PostalOutput
    mail: MailOutput
    school_count: int
    secondary_school_count: int


class EducationOutput(ApiOutput):
    """A type of education."""

    code: str
    label: str


class SiteOutput(ApiOutput):
    """A site of a school, which several schools may share."""

    fase: int
    postal_address: PostalOutput


class SchoolOutput(ApiOutput):
    """A school that an authority (its FASE number) runs today, and what it teaches."""

    fase: int
    name: str
    registered_name: str
    authority: int
    postal_address: PostalOutput
    zone: str
    levels: list[Level]
    types: list[EducationOutput]
    sites: list[SiteOutput]


class SegmentOutput(ApiOutput):
    """A saved segment: whom it means, in French, and how many authorities these are now in a programme."""

    id: int
    name: str
    audience: str
    version: int
    made_at: datetime
    made_by: str
    programme: str
    authority_count: int
    campaign_count: int


class SomeNumbersOutput(ApiOutput):
    """Three numbers of a campaign, in authorities, as its own `counts` has them; null what has no meaning in it."""

    recipients: int
    answered: int
    joined_since: int | None


class CampaignBaseOutput(ApiOutput):
    """A campaign, and how far it has come. `audience` says in French whom it is for; null to a key of members."""

    id: int
    title: str
    programme: str
    strand: int
    state: CampaignState
    stage: Stage
    label: str
    audience: str | None


class CampaignSummaryOutput(CampaignBaseOutput):
    """A campaign in a list, with some of its numbers: the campaign itself tells all."""

    counts: SomeNumbersOutput


class RecipientOutput(ApiOutput):
    """A letter of a wave: to whom, and what became of it.

    `reason` is why it was withdrawn; `explanation` says in French why it was withdrawn, put off or refused.
    """

    id: int
    authority: int
    authority_name: str
    network: str
    email: str
    outcome: LetterOutcome
    label: str
    reason: Reason | None
    explanation: str
    outcome_at: datetime | None
    relay_reply: str
    attempts: int | None
    next_try_at: datetime | None


class RespondentOutput(ApiOutput):
    """The person who answered, as they named themselves."""

    name: str
    function: str


class FollowUpOutput(ApiOutput):
    """What came of a response that waits no longer, and what was done about it, in French."""

    code: FollowUp
    label: str


class ResponseOutput(ApiOutput):
    """A response of an authority about schools (their FASE numbers); `follow_up` is null while it waits."""

    id: int
    authority: int
    authority_name: str
    network: str
    programme: str
    strand: int
    answer: Answer
    label: str
    schools: list[int]
    proposed_email: str
    comment: str
    given_at: datetime
    respondent: RespondentOutput | None
    owner: str | None
    handled_at: datetime | None
    follow_up: FollowUpOutput | None


class ReplyOutput(ApiOutput):
    """A mail that came back: never its words. While a person's mail of an authority has no `decision`, it holds letters
    of its campaign, or of any where none is known."""

    id: int
    authority: int | None
    campaign: int | None
    received_at: datetime
    is_automatic: bool
    attached_by: AttachedBy | None
    decision: MailStepKind | None
    settled_at: datetime | None


class ExclusionOutput(ApiOutput):
    """An address that gets no letters, and why; `authorities` are the FASE numbers of those that use it."""

    id: int
    email: str
    authorities: list[int]
    reason: SuppressionReason
    label: str
    scope: SuppressionScope
    excluded_at: datetime
    excluded_by: str
    detail: str


class NoteOutput(ApiOutput):
    """A note that was published; `url` is its public page."""

    number: str
    title: str
    programme: str
    as_of: date
    sha256: str
    published_at: datetime
    url: str


class RecordOutput(ApiOutput):
    """A recorded status of a school in a strand; it holds from `effective_on` until a later one, unless withdrawn.

    `list` is the `id` of the joining list that brought it.
    """

    id: int
    school: int
    programme: str
    strand: int
    status: Status
    word: Word
    label: str
    effective_on: date
    recorded_at: datetime
    source: str
    list: int | None
    withdrawn_at: datetime | None


class JoiningSent(ApiInput):
    """The status of a school in a strand since a day, as a row of a joining list states it."""

    school: Number = Field(ge=1, le=999_999_999)
    strand: Number = Field(ge=1, le=99)
    status: Status
    day: Day
    source: ShortText = ""
    reason: str = Field("", max_length=2_000)


class JoiningsSent(ApiInput):
    """A joining list, perhaps said to be complete until a day for the networks that it covers, by their codes."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"complete_until": {"type": "string"}}, "required": ["complete_until"]},
            "then": {"properties": {"covers": {"minItems": 1}}, "required": ["covers"]},
            "else": {"properties": {"covers": {"maxItems": 0}}},
        }
    )

    programme: Code = Field("", description="Le code du programme de ces volets ; à donner dès qu’il y en a plusieurs.")
    items: list[JoiningSent] = Field(min_length=1, max_length=MOST_JOININGS)
    complete_until: Day | None = None
    covers: list[ShortText] = Field(default_factory=list, max_length=20)
    dry_run: bool = Field(
        default=False,
        description="Dit ce que la liste changerait, et quelles notes elle contredit ; n’enregistre rien.",
    )

    @model_validator(mode="after")
    def _name_both(self) -> "JoiningsSent":
        """Refuse a day without networks, and networks without a day."""
        if (self.complete_until is None) is not (not self.covers):
            raise InputError("Donnez « complete_until » et « covers » ensemble : un jour, et au moins un réseau.")
        return self


class RejectedOutput(ApiOutput):
    """A row that was left out, from 1, its field at fault ('' is the whole row), and a French sentence on why."""

    row: int
    field: str
    message: str


class MovedNoteOutput(ApiOutput):
    """A frozen note that a joining list contradicts, and by how many rows; unnamed unless it is published."""

    number: str | None
    title: str | None
    as_of: date
    rows: int


class CoverageOutput(ApiOutput):
    """Until which day a joining list is said to be complete, for which networks (their codes), and both in French."""

    complete_until: date
    covers: list[str]
    label: str


class JoiningsOutput(ApiOutput):
    """What a joining list of a programme did, or would do; `id` is null where it said nothing new, or was not recorded.

    `back_in_time` are rows dated before a day that the situation or a note has told, `notes` those it contradicts.
    """

    id: int | None
    programme: str
    programme_name: str
    changes: int
    unchanged: int
    back_in_time: int
    notes: list[MovedNoteOutput]
    without_prerequisite: int
    coverage: CoverageOutput | None
    rejected: list[RejectedOutput]
