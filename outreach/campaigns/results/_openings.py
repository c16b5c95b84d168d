"""What is known of each letter that is measured by itself: opened, clicked, never opened, and machines apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from outreach.campaigns.letter import LetterSnapshot
from outreach.campaigns.models import Campaign
from outreach.core.db import Session, UtcDateTime
from outreach.core.db.bulk import among
from outreach.core.text import french
from outreach.core.text.dates import today
from outreach.delivery.models import Mailing, Message, MessageState
from outreach.engagement import tracking
from outreach.engagement.tracking import KEPT, OPENING, BasisWithdrawal, Hit, HitClass, TrackingBasis, TrackingMode

MEANING = (
    "Une ouverture est probable, jamais sûre : un logiciel a demandé l’image du courriel. Bien des logiciels la "
    "chargent d’eux-mêmes, d’autres jamais : « jamais ouvert » ne prouve pas que le courriel n’a pas été lu. Un clic "
    "vient presque toujours d’une personne. Ce que font les machines est compté à part."
)
LEFT = (MessageState.HANDING, MessageState.ACCEPTED, MessageState.IN_DOUBT)


@dataclass(frozen=True, slots=True)
class LetterOpenings:
    """What was seen of one letter with a pixel of its own.

    `opened` and `clicked` are the first that no machine seems to have made. `is_by_proxy`: every opening came through a
    picture proxy, behind which nobody can be told. `machines` counts the hits of machines. `withdrawn` is when the
    mailbox's agreement ended, and with it what can be known.
    """

    opened: datetime | None = None
    is_by_proxy: bool = False
    clicked: datetime | None = None
    machines: int = 0
    withdrawn: datetime | None = None

    @property
    def in_words(self) -> list[str]:
        """What is known, in French without a full stop; what machines did comes after it."""
        parts = []
        if self.opened and self.is_by_proxy:
            parts.append(f"peut-être ouvert le {_day(self.opened)} (serveur d’images)")
        elif self.opened:
            parts.append(f"ouvert le {_day(self.opened)} (probable)")
        if self.clicked:
            parts.append(f"cliqué le {_day(self.clicked)}")
        if self.withdrawn:
            before = "" if parts else "rien de vu avant, "
            parts.append(f"{before}accord retiré le {_day(self.withdrawn)} : plus rien n’est enregistré depuis")
        elif not parts:
            parts.append("jamais ouvert")
        if self.machines:
            parts.append(f"à part, {french.plural(self.machines, 'accès automatique', 'accès automatiques')}")
        return parts


def of_letters(session: Session, messages: Iterable[int], *, now: datetime) -> dict[int, LetterOpenings]:
    """What is known of these letters, by key: of those only that left with a pixel of their own.

    Letters that left more than thirteen months ago are missing, as their hits are no longer kept one by one. It takes
    one statement, and two more where a mailing measures mailboxes one by one.
    """
    keys = list(messages)
    mailings = _measured_one_by_one(session, keys)
    if not mailings:
        return {}
    chosen = (among(Message.id, keys), among(Message.mailing_id, mailings))
    withdrawn = dict(session.execute(_alone(now).where(*chosen)).all())
    seen = {row.message_id: row for row in session.execute(_seen(list(withdrawn)))}
    return {
        key: LetterOpenings(row.opened or row.by_proxy, not row.opened, row.clicked, int(row.machines), ended)
        if (row := seen.get(key))
        else LetterOpenings(withdrawn=ended)
        for key, ended in withdrawn.items()
    }


def are_measured(campaign: Campaign) -> bool:
    """Whether openings of a campaign's letters are counted: of those that left, else as the campaign says now."""
    launched = [wave.mailing for wave in campaign.waves if wave.mailing is not None and wave.mailing.filled_at]
    modes = [LetterSnapshot.tracking_of(mailing.letter) for mailing in launched] or [campaign.tracking]
    return any(mode.counts_openings for mode in modes)


def _measured_one_by_one(session: Session, messages: Sequence[int]) -> list[int]:
    """The mailings of these letters that measure mailboxes one by one, by key."""
    had_basis = tracking.with_basis().where(among(Message.id, messages)).with_only_columns(Message.mailing_id)
    query = select(Mailing.id, Mailing.letter).where(Mailing.id.in_(had_basis), Mailing.filled_at.is_not(None))
    return [
        mailing
        for mailing, letter in session.execute(query)
        if LetterSnapshot.from_json(letter).tracking is TrackingMode.INDIVIDUAL
    ]


def _alone(now: datetime) -> Select[int, datetime | None]:
    """The letters that left with a pixel of their own, and when the agreement ended that allowed it."""
    left_at = func.coalesce(Message.fenced_at, Message.settled_at, type_=UtcDateTime())
    held = or_(BasisWithdrawal.withdrawn_at.is_(None), BasisWithdrawal.withdrawn_at > left_at)
    return (
        tracking.measurable_at(Mailing.filled_at)
        .join(Mailing, Mailing.id == Message.mailing_id)
        .outerjoin(BasisWithdrawal, BasisWithdrawal.basis_id == TrackingBasis.id)
        .where(Message.state.in_(LEFT), left_at >= now - KEPT, held)
        .with_only_columns(Message.id, BasisWithdrawal.withdrawn_at)
    )


def _seen(messages: Sequence[int]) -> Select[int, datetime | None, datetime | None, datetime | None, int]:
    """By letter with hits: its first opening by a person and by a proxy, its first click, how many machines' hits."""
    is_opening, is_machine = Hit.link == OPENING, Hit.hit_class == HitClass.MACHINE

    def first(*conditions: ColumnElement[bool]) -> ColumnElement[datetime | None]:
        return func.min(case((and_(*conditions), Hit.at)), type_=UtcDateTime())

    return (
        select(
            Hit.message_id,
            first(is_opening, Hit.hit_class == HitClass.HUMAN).label("opened"),
            first(is_opening, Hit.hit_class == HitClass.UNDETERMINED).label("by_proxy"),
            first(~is_opening, Hit.is_a_reader_s()).label("clicked"),
            func.sum(case((is_machine, 1), else_=0)).label("machines"),
        )
        .where(among(Hit.message_id, messages))
        .group_by(Hit.message_id)
    )


def _day(at: datetime) -> str:
    return french.spelt_day(today(at), french.SHORT)
