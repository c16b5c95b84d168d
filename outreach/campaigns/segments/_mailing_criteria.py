"""Criteria about letters sent before: who received, reacted, was reached; and reminders that are added.

They speak of mailings by key, or of all mailings that invited to join a strand. `campaigns.planning` translates a
campaign and its waves, on the way in and out, and the same room hands in which mailings belong together
(`Scope.series`).
"""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    and_,
    case,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
)
from sqlalchemy.orm import aliased

from outreach.adherence.situation import joined_schools
from outreach.campaigns import evidence
from outreach.campaigns.segments._context import NO_NAMES, CriteriaContext, Fields, Key, Names, StrandNumber
from outreach.core.db import UtcDateTime
from outreach.core.text.french import either
from outreach.core.text.labelled import Labelled
from outreach.delivery.models import Mailing, Message, MessageState, MessageSubject, Purpose
from outreach.directory.models import Authority, Contact
from outreach.engagement import tracking
from outreach.engagement.replies import Answer, MailedResponse, Response
from outreach.engagement.tracking import HAS_LEFT, OPENING, Asked, Hit, TrackingBasis, is_since

MOST_MAILINGS = 50
AUTHORITY = type_coerce(Message.authority_id, Integer)  # of letters to authorities, see `_letters`


class ReactionKind(Labelled):
    """An effect of letters. Openings and clicks are known of the few mailboxes only that are measured one by one."""

    NONE = "none", "N’a ni répondu ni adhéré"
    ANSWERED = "answered", "A répondu"
    REPLIED = "replied", "A répondu par courriel"
    JOINED = "joined", "Adhésion depuis, déclarée ou confirmée"
    OPENED = "opened", "A ouvert, là où on peut le savoir"
    CLICKED = "clicked", "A cliqué, là où on peut le savoir"


class OfMailings(Fields):
    """A criterion about the letters of some mailings, or of a strand; exactly one of both is given.

    `with_later` adds all mailings of the same series. `strand` means the letters of every campaign that listed schools
    still to join that strand: a letter of thanks invited nobody.
    """

    mailings: Annotated[tuple[Key, ...], Field(min_length=1, max_length=MOST_MAILINGS)] | None = None
    with_later: Annotated[bool, Field(strict=True)] = False
    strand: StrandNumber | None = None

    @model_validator(mode="after")
    def _is_either(self) -> Self:
        if (self.mailings is None) == (self.strand is None) or (self.strand is not None and self.with_later):
            raise ValueError("mailings or strand")
        return self

    def named(self, names: Names) -> str:
        """The mailings in a sentence."""
        if self.strand is not None:
            return f"un courriel qui invitait à adhérer au {names.of_strand(self.strand)}"
        return names.of_mailings(self.mailings or (), with_later=self.with_later)

    def mailing_keys(self, context: CriteriaContext) -> Select[int]:
        """The keys of the mailings."""
        if self.strand is not None:
            return invitations_to(context.strand(self.strand).id)
        keys = self.mailings or ()
        if self.with_later:
            return context.series_of(keys)
        # A test letter is no letter of a campaign.
        return select(Mailing.id).where(Mailing.id.in_(keys), Mailing.purpose == Purpose.CAMPAIGN)

    def _is_of_them(self, context: CriteriaContext) -> ColumnElement[bool]:
        """Whether a letter is of these mailings. Named ones are named once more, for the indexes that begin with a
        letter's mailing or hold it."""
        named = true() if self.mailings is None or self.with_later else Message.mailing_id.in_(self.mailings)
        return and_(named, Message.mailing_id.in_(self.mailing_keys(context)))


class ReceivedMailing(OfMailings):
    """A letter of one of these mailings left for the authority and has not come back; in doubt, it counts."""

    word: ClassVar = "received"

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        return Authority.id.in_(context.keys(_letters().where(self._is_of_them(context), HAS_LEFT)))

    def subjects(self, context: CriteriaContext) -> Select[int, int]:
        """The schools that these letters listed: columns authority_id, school_id; one may stand twice."""
        query = _letters().join(MessageSubject, MessageSubject.message_id == Message.id)
        query = query.where(context.holds(AUTHORITY), self._is_of_them(context), HAS_LEFT)
        return query.with_only_columns(AUTHORITY.label("authority_id"), MessageSubject.school_id.label("school_id"))

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        return f"à qui est parti {self._letters_of(names)}"

    def denied(self, names: Names = NO_NAMES) -> str:
        """The French words for its contrary."""
        return f"à qui n’est parti auc{self._letters_of(names)}"

    def _letters_of(self, names: Names) -> str:
        """A letter of the mailings, in a sentence: that it left is known, not that anybody received it."""
        named = self.named(names)
        return named if self.strand is not None else f"un courriel de {named}".replace("de une ", "d’une ")


class ReactedTo(OfMailings):
    """These letters had this effect. `answers` limits ANSWERED to some answers.

    NONE: since its first accepted letter no answer or mail, and no school that a letter listed has joined, declared or
    confirmed, on the day on which that letter left or later. An authority without an accepted letter is not meant. An
    answer to another mailing of the series counts when it was given since that first letter.
    """

    word: ClassVar = "reacted"
    reaction: ReactionKind
    answers: tuple[Answer, ...] = ()

    @model_validator(mode="after")
    def _has_answers_only_when_answered(self) -> Self:
        if self.answers and self.reaction is not ReactionKind.ANSWERED:
            raise ValueError("answers")
        return self

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        match self.reaction:
            case ReactionKind.NONE:
                return and_(
                    Authority.id.in_(self._reached(context, joined=False)),
                    ~self._has_answered(context, Response.is_a_reaction()),
                    ~self._has_written(context),
                )
            case ReactionKind.ANSWERED:
                return self._has_answered(context)
            case ReactionKind.REPLIED:
                noted = Response.id.in_(select(MailedResponse.response_id))
                return or_(self._has_written(context), self._has_answered(context, noted))
            case ReactionKind.JOINED:
                return Authority.id.in_(self._reached(context, joined=True))
        return self._was_seen(
            context, Hit.link == OPENING if self.reaction is ReactionKind.OPENED else Hit.link != OPENING
        )

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        named = self.named(names)
        match self.reaction:
            case ReactionKind.NONE:
                return f"n’a ni répondu ni adhéré après {named}"
            case ReactionKind.ANSWERED:
                said = either(f"« {answer.label} »" for answer in self.answers) if self.answers else ""
                return f"a répondu {said} à {named}".replace("  ", " ")
            case ReactionKind.REPLIED:
                return f"a répondu par courriel à {named}"
            case ReactionKind.JOINED:
                return f"a une adhésion, déclarée ou confirmée depuis, d’une école que citait {named}"
        done = "ouvert" if self.reaction is ReactionKind.OPENED else "cliqué dans"
        return f"a {done} {named}, là où un accord ou une décision permet de le savoir"

    def _has_answered(self, context: CriteriaContext, *only: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether it answered one of the letters, or since its first accepted one another letter of the series."""
        given = select(Response.authority_id).join(Message, Message.id == Response.message_id)
        given = given.where(context.holds(Response.authority_id), Response.stands(), *only)
        given = given.where(Response.answer.in_(self.answers)) if self.answers else given
        mailing = Message.mailing_id + 0  # not by the index on mailings: answers are fewer than letters
        counts: ColumnElement[bool] = mailing.in_(self.mailing_keys(context))
        if self.mailings and not self.with_later:
            counts = or_(counts, and_(mailing.in_(context.series_of(self.mailings)), self._is_since(self.mailings)))
        return Authority.id.in_(given.where(counts))

    def _has_written(self, context: CriteriaContext) -> ColumnElement[bool]:
        """Whether a mail was written back to one of the letters."""
        return Authority.id.in_(context.keys(select(tracking.replied(self.mailing_keys(context)).c.authority_id)))

    def _is_since(self, mailings: tuple[int, ...]) -> ColumnElement[bool]:
        """Whether an answer was given after an accepted letter of these mailings had left for its authority."""
        letter = aliased(Message)
        left_at = func.coalesce(letter.fenced_at, letter.settled_at, type_=UtcDateTime())
        earlier = select(letter.id).where(
            letter.authority_id == Response.authority_id,
            (letter.mailing_id + 0).in_(mailings),
            letter.state == MessageState.ACCEPTED,
            left_at <= Response.given_at,
        )
        return earlier.correlate(Response).exists()

    def _reached(self, context: CriteriaContext, *, joined: bool) -> Select[int]:
        """The authorities of which a school that a letter listed has joined since that letter left. Without `joined`,
        those with an accepted letter of which none has.

        Where the schools stand is found once, not letter by letter: both databases hash an outer join, while PostgreSQL
        takes a list or an inner join for a loop over every letter.
        """
        strands = select(Mailing.stop_strand_id).where(Mailing.id.in_(self.mailing_keys(context)))
        known = joined_schools(strands, context.day)
        query = _letters().join(Mailing, Mailing.id == Message.mailing_id).where(context.holds(AUTHORITY))
        query = query.join(MessageSubject, MessageSubject.message_id == Message.id, isouter=not joined)
        is_about = known.c.school_id == MessageSubject.school_id, known.c.strand_id == Mailing.stop_strand_id
        query = (
            query.outerjoin(known, and_(*is_about, is_since(known.c.stated_on)))
            .where(self._is_of_them(context), HAS_LEFT)
            .group_by(Message.authority_id)
        )
        count = func.count(known.c.school_id)
        if joined:
            return query.having(count > 0)
        return query.having(count == 0, func.count(case((Message.state == MessageState.ACCEPTED, 1))) > 0)

    def _was_seen(self, context: CriteriaContext, kind: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether a hit of this kind is stored that no machine seems to have made, of a mailbox with a basis now."""
        is_seen = and_(kind, Hit.is_a_reader_s(), TrackingBasis.withdrawn_at.is_(None), Contact.retired_at.is_(None))
        query = tracking.with_basis().join(Hit, Hit.message_id == Message.id).with_only_columns(AUTHORITY)
        return Authority.id.in_(context.keys(query.where(self._is_of_them(context), is_seen)))


def invitations_to(strand_id: int) -> Select[int]:
    """The keys of all mailings of campaigns that asked schools to join a strand, by the strand's key."""
    return select(Mailing.id).where(Mailing.stop_strand_id == strand_id, Mailing.purpose == Purpose.CAMPAIGN)


def invited_to(strand_id: int) -> Select[int]:
    """The keys of the authorities for which a letter that asked them to join a strand left and has not come back."""
    left = Message.mailing_id.in_(invitations_to(strand_id))
    return select(AUTHORITY).where(Message.authority_id.is_not(None), left, HAS_LEFT)


def _letters() -> Select[int]:
    """The letters to authorities, by the authority's key; a null among them would make every NOT IN unknown."""
    return select(AUTHORITY).where(Message.authority_id.is_not(None))


class ReachKind(Labelled):
    """Whether there is a proof."""

    PROVED = "proved", "A réagi"
    UNPROVED = "unproved", "À atteindre, n’a pas réagi"


class ReachedBy(OfMailings):
    """The authority reacted to these mailings (`reach.proof`); UNPROVED: they were to reach it, and nothing proves that
    they did."""

    word: ClassVar = "reached"
    reach: ReachKind

    def where(self, context: CriteriaContext) -> ColumnElement[bool]:
        """The SQL condition."""
        asked = self.mailing_keys(context)
        is_proved = Authority.id.in_(context.keys(evidence.proved_authorities(asked, context.day)))
        if self.reach is ReachKind.PROVED:
            return is_proved
        return and_(Authority.id.in_(context.keys(evidence.meant_authorities(asked))), ~is_proved)

    def words(self, names: Names = NO_NAMES) -> str:
        """The French words."""
        if self.reach is ReachKind.PROVED:
            return f"a réagi à {self.named(names)}"
        return f"à atteindre par {self.named(names)}, sans avoir réagi"


def reactions_to(asked: Asked) -> CTE:
    """The reactions to some letters, by authority, computed once however often a statement asks for it.

    It has no name, as a statement about several campaigns has one for each.
    """
    return select(tracking.of_authorities(asked)).cte().prefix_with("MATERIALIZED")


def reactions_of_boxes(asked: Asked) -> CTE:
    """The same as `reactions_to`, by mailbox."""
    return select(tracking.of_mailboxes(asked)).cte().prefix_with("MATERIALIZED")


def is_new(boxes: CTE | None, is_limited: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a mailbox that answers for some schools was in none of the mailings that an added reminder is about."""
    if boxes is None:
        return false()
    meant = select(boxes.c.authority_id, boxes.c.address_key).where(boxes.c.address_key.is_not(None))
    return and_(is_limited, tuple_(Authority.id, Contact.address_key).not_in(meant))


def have_reacted(
    each: CTE | None, boxes: CTE | None, is_limited: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether a school that letters named has joined since, and whether an answer came.

    A mailbox that answers for some schools has its own letters counted. Any other has all letters of its authority
    counted, and the answers that speak for all its schools.
    """
    if each is None:
        return false(), false()
    joined = Authority.id.in_(select(each.c.authority_id).where(each.c.joined > 0))
    answered = Authority.id.in_(select(each.c.authority_id).where(each.c.answered_at.is_not(None)))
    if boxes is None:
        return joined, answered
    box, key = tuple_(Authority.id, Contact.address_key), (boxes.c.authority_id, boxes.c.address_key)
    box_joined = box.in_(select(*key).where(boxes.c.joined > 0))
    box_answered = box.in_(select(*key).where(boxes.c.answered_at.is_not(None)))
    return case((is_limited, box_joined), else_=joined), case((is_limited, box_answered), else_=false())
