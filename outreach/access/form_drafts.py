"""Drafts: what one person has typed in a form and not saved; private, and no part of what the form is about."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, take_lock
from outreach.core.text.errors import InputError

MOST_BYTES = 200_000  # of a draft's fields; a letter of thirty pages has half of it
MOST = 5  # drafts of one person in one place; the oldest goes first
LONGEST_OVERTAKING = timedelta(minutes=1)  # beyond it a draft from later than now is of a clock that was set back


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person types: who, what it is about, and what tells what is saved there from what will be ('': nothing).

    A subject that ends takes its drafts along (`discard`), as its number may be given again.
    """

    user_id: int
    subject: str
    saved: str = ""


class Draft(Base):
    """What a person has typed on one opened page (`page`, a number by chance), so that two pages never mix.

    `fields` are, as JSON, the fields of its form (pairs of name and value), and what was saved then. Drafts kept by
    0.2.0 and before have the pairs alone. Personal data.
    """

    __tablename__ = "drafts"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    typed_at: Mapped[datetime] = mapped_column(index=True)
    fields: Mapped[str] = mapped_column(Text)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The fields of the form, in order."""
        return [(name, value) for name, value in _read(self.fields)[1]]

    @property
    def version(self) -> str:
        """What tells this draft, as it stands, from what it becomes when more is typed on its page."""
        return f"{self.page} {self.typed_at.isoformat()}"

    def is_newer_than(self, place: Place) -> bool:
        """Whether nothing else was saved in its place since it was typed."""
        return _read(self.fields)[0] in ("", place.saved)


def _read(fields: str) -> tuple[str, list[tuple[str, str]]]:
    stated = json.loads(fields)
    return (stated["saved"], stated["pairs"]) if isinstance(stated, dict) else ("", stated)


def keep(
    session: Session, place: Place, page: int, fields: Sequence[tuple[str, str]], *, now: datetime, resumed: str = ""
) -> None:
    """Keep what a person has typed on a page, instead of what was kept of it. Raises InputError beyond 200 kB.

    `resumed` is the version of the draft that the page went on with: it ends here, unless more was typed to it
    elsewhere. `now` is when it arrived. A request may overtake one that arrived before it: what arrived last stays.
    """
    written = json.dumps({"saved": place.saved, "pairs": list(fields)}, ensure_ascii=False)
    if len(written.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise InputError("Ce texte est trop long pour être gardé en brouillon.")
    take_lock(session, "draft", place.user_id, place.subject)
    drafts = {draft.page: draft for draft in drafts_of(session, place)}
    draft = drafts.pop(page, None)
    if draft is not None and timedelta() < draft.typed_at - now < LONGEST_OVERTAKING:
        return
    session.merge(Draft(user_id=place.user_id, subject=place.subject, page=page, typed_at=now, fields=written))
    for rank, other in enumerate(drafts.values(), 2):
        if rank > MOST or other.version == resumed:
            session.delete(other)
    session.flush()


def drafts_of(session: Session, place: Place) -> Sequence[Draft]:
    """A person's drafts in a place, the last typed first."""
    theirs = Draft.user_id == place.user_id, Draft.subject == place.subject
    return session.scalars(select(Draft).where(*theirs).order_by(Draft.typed_at.desc(), Draft.page)).all()


def discard(session: Session, place: Place, page: int | None = None, resumed: str = "") -> None:
    """Delete a page's draft and the one that it resumed, or without a page all of a place."""
    for draft in drafts_of(session, place):
        if page is None or draft.page == page or draft.version == resumed:
            session.delete(draft)
