"""Campaigns in files, among them the ready-made ones: TOML between two lines of +++, then the letter."""

import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from outreach.adherence import programmes
from outreach.adherence.models import Programme, Strand
from outreach.adherence.programmes import fault_of, judged_by
from outreach.campaigns import segments
from outreach.campaigns.evidence import check_steps as checked_ladder
from outreach.campaigns.models import Campaign, Colour
from outreach.campaigns.planning._schedule import reminder_offsets
from outreach.campaigns.planning._wave_criteria import checked
from outreach.campaigns.segments import EVERYBODY, Boxes, Concerns, from_store, to_plain
from outreach.core.db import Session
from outreach.core.settings import ROOT, Mode
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, NotFound
from outreach.core.text.typed import line_of_words
from outreach.delivery.models import MessageClass
from outreach.engagement.tracking import TrackingMode

FENCE = "+++"
READY_MADE = ROOT / "campaigns"
DEMONSTRATED = READY_MADE / "demonstration"  # those of the second programme of a demonstration
MOST_REMINDERS = 5
BLANK_LETTER = """Madame, Monsieur,

[À compléter : votre texte]

((boutons_réponse))

Bien cordialement,
((contact))"""
Words = Annotated[str, judged_by(line_of_words)]
Text = Annotated[Words, Field(max_length=200)]


def _address(text: str) -> str:
    return judge(text).address if text else ""


class AudienceRule(BaseModel):
    """Whom a campaign is for, in the form that `wave_criteria.read_criterion` reads; everybody by default."""

    model_config = ConfigDict(extra="forbid")

    criteria: Annotated[Any, PlainValidator(checked)] = to_plain(EVERYBODY)


class Sender(BaseModel):
    """The person or service that signs the letter."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1)]
    address: Annotated[Words, Field(min_length=1, max_length=300)]


class ContactAgent(BaseModel):
    """The agent who can give information (decree of 22 December 1994, article 2); by default the campaign's author."""

    model_config = ConfigDict(extra="forbid")

    name: Text = ""
    service: Text = ""
    phone: Annotated[Words, Field(max_length=40)] = ""
    email: Annotated[str, judged_by(_address)] = ""


class Definition(BaseModel):
    """A campaign as its file states it. `corrects`: it is for those who received a letter, and a page asks which."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    title: Annotated[Text, Field(min_length=1)]
    purpose: Annotated[Words, Field(max_length=1000)] = ""
    colour: Colour
    circular: Annotated[Words, Field(max_length=40)] = ""
    circular_url: Annotated[Words, Field(max_length=500)] = ""
    message_class: Annotated[MessageClass, Field(alias="class")]
    programme: Words = ""
    strand: int
    concerns: Concerns = Concerns.OPEN
    boxes: Boxes = Boxes.AUTHORITY
    subject: Annotated[str, Field(min_length=1, max_length=250)]
    preheader: Annotated[str, Field(max_length=250)] = ""
    tracking: TrackingMode = TrackingMode.AGGREGATE
    deadline_days: Annotated[int, Field(ge=1, le=366)] = 30
    deadline_on: date | None = None
    reminders: Annotated[tuple[Annotated[int, Field(ge=1, le=365)], ...], Field(max_length=MOST_REMINDERS)] = ()
    departure_gap: Literal[0, 14, 21] = 0
    first_come: bool | None = None
    ladder: Annotated[str, Field(max_length=300), judged_by(checked_ladder)] = ""
    corrects: bool = False
    segment: AudienceRule = AudienceRule()
    sender: Sender
    contact: ContactAgent = ContactAgent()
    letter: str


def read(content: str) -> Definition:
    """A definition from the text of its file. Raises InputError, naming what is at fault."""
    lines = content.lstrip("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].strip() != FENCE or FENCE not in [line.strip() for line in lines[1:]]:
        raise InputError("Une campagne commence par des réglages entre deux lignes « +++ », puis vient le courriel.")
    end = [line.strip() for line in lines[1:]].index(FENCE) + 1
    try:
        settings = tomllib.loads("\n".join(lines[1:end]))
        stated = Definition.model_validate({**settings, "letter": "\n".join(lines[end + 1 :]).strip()})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"Les réglages de la campagne ne sont pas du TOML lisible : {error}.") from None
    except ValidationError as error:
        raise InputError(f"Campagne refusée, {fault_of(error)}.") from None
    if stated.tracking is TrackingMode.CLICKS:
        raise InputError("Les clics seuls ne se mesurent plus : mettez tracking à « none » ou à « aggregate ».")
    return stated


def definition_of(session: Session, campaign: Campaign) -> Definition:
    """The definition of a campaign, to create another campaign like it."""
    programme = session.get_one(Programme, campaign.strand.programme_id)
    return Definition(
        title=campaign.title,
        purpose=campaign.purpose,
        colour=campaign.colour,
        circular=campaign.circular,
        circular_url=campaign.circular_url,
        message_class=campaign.message_class,
        programme=programme.code,
        strand=campaign.strand.number,
        concerns=campaign.concerns,
        boxes=campaign.boxes,
        subject=campaign.subject,
        preheader=campaign.preheader,
        tracking=campaign.tracking,
        deadline_days=campaign.deadline_days,
        deadline_on=campaign.deadline_on,
        reminders=tuple(reminder_offsets(campaign)),
        departure_gap=cast("Literal[0, 14, 21]", campaign.departure_gap),
        first_come=campaign.first_come,
        ladder=campaign.ladder,
        segment=AudienceRule(criteria=to_plain(from_store(campaign.criteria))),
        sender=Sender(name=campaign.sender_name, address=campaign.sender_address),
        contact=ContactAgent(
            name=campaign.contact_name,
            service=campaign.contact_service,
            phone=campaign.contact_phone,
            email=campaign.contact_email,
        ),
        letter=campaign.letter,
    )


def to_those_who_received(stated: Definition, campaign: int, wave: int | None = None) -> Definition:
    """The same campaign, for those who received a letter of a campaign, or of one of its waves, by number.

    One that corrects it is about the schools that the letter listed: whoever has joined or answered since is told, too.
    """
    of_wave = {} if wave is None else {"wave": wave}
    rule = AudienceRule(criteria={"received": {"campaign": campaign, **of_wave}})
    concerns = Concerns.LISTED if stated.corrects else stated.concerns
    return stated.model_copy(update={"segment": rule, "concerns": concerns, "corrects": False})


def begin_again(stated: Definition) -> Definition:
    """The same campaign, to begin another: without its day to answer by, which will have passed, nor clicks alone."""
    tracking = TrackingMode.NONE if stated.tracking is TrackingMode.CLICKS else stated.tracking
    return stated.model_copy(update={"deadline_on": None, "tracking": tracking})


def is_for(stated: Definition, programme: Programme, strand: Strand, *, is_only: bool) -> bool:
    """Whether a campaign is about a strand. One that names no programme is about that of its circular, where the
    programme is not the only one."""
    is_named = stated.programme == programme.code
    is_alike = not stated.programme and (is_only or stated.circular in ("", strand.circular))
    return (is_named or is_alike) and stated.strand == strand.number


def definition_about(
    stated: Definition, programme: Programme, strand: Strand, *, is_only: bool, was: Strand | None = None
) -> Definition:
    """The same campaign about a strand. It keeps its circular only where it was about this strand before.

    Of one that `was` about another, the conditions of its audience follow.
    """
    if is_for(stated, programme, strand, is_only=is_only):
        return stated.model_copy(update={"programme": programme.code})
    named = {"programme": programme.code, "strand": strand.number, "circular": ""}
    if was is not None:
        named["segment"] = AudienceRule(criteria=segments.follow_strand(stated.segment.criteria, was, strand))
    return stated.model_copy(update=named)


def blank_definition(title: str, strand: int, sender: Sender, programme: str = "") -> Definition:
    """A campaign with nothing in it yet, under a name, about a strand and of a sender.

    Its placeholders keep it from being submitted before something is written.
    """
    return Definition(
        title=title,
        colour=Colour.GREY,
        message_class=MessageClass.AWARENESS,
        programme=programme,
        strand=strand,
        subject="[À compléter : l’objet]",
        sender=sender,
        letter=BLANK_LETTER,
    )


def definition_folders(mode: Mode) -> tuple[Path, ...]:
    """Where the ready-made campaigns of an installation are; those of the demonstration are about a made-up plan."""
    return (READY_MADE, DEMONSTRATED) if mode is Mode.DEMO else (READY_MADE,)


def ready_made(*there: Path) -> dict[str, Definition]:
    """The ready-made campaigns by name: by programme, strand, number of reminders (most first), then title."""
    by_name = {path.stem: read(path.read_text(encoding="utf-8")) for folder in there for path in folder.glob("*.md")}

    def order(pair: tuple[str, Definition]) -> tuple[str, int, int, str]:
        return pair[1].programme, pair[1].strand, -len(pair[1].reminders), pair[1].title

    return dict(sorted(by_name.items(), key=order))


def offered_definitions(session: Session, mode: Mode) -> dict[str, Definition]:
    """The ready-made campaigns to begin with: without those of a programme that is not loaded."""
    codes = {"", *(one.code for one in programmes.all_programmes(session))}
    return {name: stated for name, stated in ready_made(*definition_folders(mode)).items() if stated.programme in codes}


def strand_of(there: Sequence[Programme], stated: Definition, programme: Programme | None = None) -> Strand | None:
    """The strand that a campaign is about, where it is sure: of all programmes that are `there`, or of one of them."""
    is_only, among = len(there) == 1, there if programme is None else [programme]
    found = [strand for one in among for strand in one.strands if is_for(stated, one, strand, is_only=is_only)]
    return found[0] if len(found) == 1 else None


def get_definition(name: str, *there: Path) -> Definition:
    """A ready-made campaign by its name, or a campaign by the path of its .md file. Raises NotFound or InputError."""
    paths = [Path(name)] if name.endswith(".md") else [folder / f"{name}.md" for folder in there]
    try:
        path = next((one for one in paths if one.is_file()), paths[0])
        return read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError):
        ready = ", ".join(sorted(file.stem for folder in there for file in folder.glob("*.md"))) or "aucune"
        raise NotFound(f"Aucune campagne « {name} ». Campagnes prêtes à l’emploi : {ready}.") from None
