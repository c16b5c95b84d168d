"""What programs ask and are answered, as types: OpenAPI states them, and a test holds every answer to them."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, StringConstraints, model_validator

from outreach.adherence.models import Status
from outreach.errors import InputError

Item = TypeVar("Item")
MOST_ROWS = 250
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
OF_CENTURY = (  # a day from 2000 to 2099 that is in the calendar: every fourth year has 29 February
    "(?:20[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))|20(?:[02468][048]|[13579][26])-02-29)"
)
HOUR = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
ZONE = "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
CURSOR = "^(c[0-9a-f]{1,15})?$"
MOST_JOININGS = 5_000
Word = Annotated[str, StringConstraints(max_length=200)]


def _written_day(value: object) -> object:
    """A day as JSON writes it: pydantic would take a number for seconds since 1970."""
    if not isinstance(value, str) or not DAY.fullmatch(value):
        raise ValueError("a day is YYYY-MM-DD")
    return value


def _written_number(value: object) -> object:
    """A number as JSON writes it, 3 or 3.0: pydantic would read a text, and take true for 1."""
    if isinstance(value, str | bool):
        raise ValueError("a number is a number")  # noqa: TRY004 - pydantic tells a ValueError alone
    return value


Day = Annotated[date, BeforeValidator(_written_day)]
Number = Annotated[int, BeforeValidator(_written_number)]


class Asked(BaseModel):
    """A query or a body: a name that nobody knows is a fault, as it would say nothing."""

    model_config = ConfigDict(extra="forbid")


class Told(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Asked):
    """A query without parameters."""


class PageAsked(Asked):
    """A page of a list: `cursor` is the `next` of the page before."""

    cursor: str = Field("", pattern=CURSOR)
    limit: int = Field(100, ge=1, le=MOST_ROWS)


class AuthoritiesAsked(PageAsked):
    """A page of authorities, of one network where its code is given."""

    network: Word = Field("", pattern=r"^[^\x00-\x1f]*$")  # PostgreSQL takes no NUL


class SituationAsked(Asked):
    """The day of a situation, the past moment whose knowledge it shows, and by what schools are counted."""

    as_of: str = Field("", pattern=f"^{OF_CENTURY}?$", examples=["2021-05-15"])
    known_at: str = Field(
        "",
        pattern=rf"^(?:{OF_CENTURY}(?:[T ]{HOUR}(?:(?::[0-5][0-9](?:\.[0-9]{{1,6}})?)?{ZONE})?)?)?$",
        examples=["2021-05-18T09:30:00+02:00", "2021-05-18 09:30", "2021-05-18"],
    )
    by: Literal["network", "zone", "province", "federation"] = "network"


class EventsAsked(Asked):
    """Events after the one with this id, and how many seconds to wait for one."""

    after: int = Field(0, ge=0, le=2**63 - 1)
    limit: int = Field(MOST_ROWS, ge=1, le=1_000)
    wait: int = Field(0, ge=0, le=25)


class Page(Told, Generic[Item]):
    """A page of a list: `next` is the cursor of the next one, null where there is none."""

    items: list[Item]
    next: str | None


class Problem(BaseModel):
    """What is wrong (RFC 9457): a stable type, a French title, the status, a French sentence on what to do."""

    type: str
    title: str
    status: int
    detail: str


class CloudEvent(Told):
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


class NetworkTold(Told):
    """A network: the register's code, and its French name."""

    code: str
    label: str


class StrandTold(Told):
    """A part of a programme."""

    number: int
    name: str
    circular: str
    opened_on: date
    closed_on: date | None
    level: str


class RuleTold(Told):
    """From `since` and before `until`, only schools that had joined `requires` could join `strand`."""

    strand: int
    requires: int
    since: date
    until: date | None


class ProgrammeTold(Told):
    """A programme, with its strands."""

    code: str
    name: str
    strands: list[StrandTold]
    prerequisites: list[RuleTold]


class AuthorityTold(Told):
    """An organising authority that is in the register today, and how mail reaches it."""

    fase: int
    name: str
    network_code: str
    federations: list[str]
    schools: int
    secondary: int
    company_number: str
    address: str
    postcode: str
    locality: str
    municipality: str
    mailboxes: list[str]
    reach: str
    registered: str


class SchoolTold(Told):
    """A school that an authority runs today."""

    fase: int
    school: str
    municipality: str
    types: list[str]
    zone: str
    sites: str
    registered: str


class SegmentTold(Told):
    """A saved segment: whom it means, in French, and how many authorities these are now."""

    number: int
    name: str
    audience: str
    version: int
    campaigns: int
    made_at: datetime
    made_by: str
    authorities: int


class CampaignTold(Told):
    """A campaign, and how far it has come."""

    campaign: int
    title: str
    programme: str
    strand: int
    state: str
    stage: str


class RecipientTold(Told):
    """A letter of a wave: to whom, and what became of it."""

    fase: int
    name: str
    network_code: str
    address: str
    outcome: str
    reason: str
    since: datetime | None
    said: str
    attempts: int | None
    next: datetime | None


class ResponseTold(Told):
    """A response of an authority, and what was done about it."""

    response: int
    fase: int
    name: str
    network_code: str
    strand: int
    answer: str
    schools: int | None
    proposed: str
    comment: str
    given_at: datetime
    owner: str | None
    handled_at: datetime | None
    outcome: str | None
    respondent: str | None
    function: str | None


class ExclusionTold(Told):
    """An address that gets no letters, and why."""

    exclusion: int
    address: str
    reason: str
    scope: str
    since: datetime
    by: str
    detail: str
    authorities: list[int]
    elsewhere: str


class NoteTold(Told):
    """A note that was published; `address` is its public page."""

    number: str
    title: str
    as_of: date
    sha256: str
    published_at: datetime
    address: str


class RecordTold(Told):
    """A recorded status of a school in a strand; it holds from `effective_on` until a later one, unless withdrawn."""

    record: int
    school: int
    programme: str
    strand: int
    status: str
    word: str
    effective_on: date
    recorded_at: datetime
    source: str
    list: int | None
    withdrawn_at: datetime | None


class JoiningSent(Asked):
    """The status of a school in a strand since a day, as a row of a joining list states it."""

    school: Number = Field(ge=1, le=999_999_999)
    strand: Number = Field(ge=1, le=99)
    status: Status
    day: Day
    source: Word = ""
    reason: str = Field("", max_length=2_000)


class JoiningsSent(Asked):
    """A joining list, perhaps said to be complete until a day for the networks that it covers, by their codes."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"complete_until": {"type": "string"}}, "required": ["complete_until"]},
            "then": {"properties": {"covers": {"minItems": 1}}, "required": ["covers"]},
            "else": {"properties": {"covers": {"maxItems": 0}}},
        }
    )

    items: list[JoiningSent] = Field(min_length=1, max_length=MOST_JOININGS)
    complete_until: Day | None = None
    covers: list[Word] = Field(default_factory=list, max_length=20)
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


class RejectedTold(Told):
    """A row that was left out, from 1, and a French sentence on why."""

    row: int
    column: str
    message: str


class MovedNoteTold(Told):
    """A frozen note that a joining list contradicts, and by how many rows; unnamed unless it is published."""

    number: str | None
    title: str | None
    as_of: date
    rows: int


class JoiningsTold(Told):
    """What a joining list did, or would do; `number` is its own, null where it said nothing new, or was not recorded.

    `back_in_time` are rows dated before a day that the situation or a note has told, `notes` those it contradicts.
    """

    number: int | None
    changes: int
    unchanged: int
    back_in_time: int
    notes: list[MovedNoteTold]
    without_prerequisite: int
    coverage: str
    rejected: list[RejectedTold]
