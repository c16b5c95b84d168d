"""Saved segments: criteria under a name, in versions that stay; whom they mean is asked anew each time."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Row, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from outreach.campaigns.segments._criteria import Criterion, simplify_criterion
from outreach.campaigns.segments._criteria_json import from_store, to_json, within_limits
from outreach.core import audit
from outreach.core.db import Base, Session, take_lock
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.typed import folded, line_of_words

LONGEST_NAME = 200


class SavedSegment(Base):
    """Criteria that staff keep under a name, until they retire it. The name of one in use is its own."""

    __tablename__ = "saved_segments"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime]
    retired_by: Mapped[str | None] = mapped_column(String(255))
    retired_at: Mapped[datetime | None]

    versions: Mapped[list["SegmentVersion"]] = relationship(
        back_populates="segment", order_by="SegmentVersion.number.desc()"
    )


class SegmentVersion(Base):
    """The content of a saved segment from `made_at` on, as JSON (`to_json`); it never changes."""

    __tablename__ = "segment_versions"
    __table_args__ = (UniqueConstraint("segment_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("saved_segments.id"))
    number: Mapped[int]
    criteria: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(String(255))
    made_at: Mapped[datetime]

    segment: Mapped[SavedSegment] = relationship(back_populates="versions")

    @property
    def criterion(self) -> Criterion:
        """The criterion of the version."""
        return from_store(self.criteria)


SegmentRow = Row[SavedSegment, SegmentVersion]


def save_segment(session: Session, name: str, criterion: Criterion, *, now: datetime, actor: str) -> SegmentVersion:
    """Save a segment under a new name; its first version.

    Raises InputError without a name, with one that is too long, or with that of a segment in use.
    """
    name = _name(session, name)
    segment = SavedSegment(name=name, made_by=actor, made_at=now)
    session.add(segment)
    session.flush()
    return _add(session, segment, 1, criterion, now, actor, f"Segment « {name} » enregistré.")


def revise_segment(
    session: Session, segment: SavedSegment, criterion: Criterion, *, now: datetime, actor: str
) -> SegmentVersion:
    """Save what a segment says from now on, as its next version; the same criteria again make none.

    Raises Refused for a retired segment.
    """
    take_lock(session, "saved-segment", segment.id)
    last = latest_version(session, segment)
    if segment.retired_at is not None:
        raise Refused("Ce segment est retiré : enregistrez ce public sous un autre nom.")
    if last.criteria == to_json(simplify_criterion(criterion)):
        return last
    number = last.number + 1
    said = f"Segment « {segment.name} » changé : version {number}."
    return _add(session, segment, number, criterion, now, actor, said)


def rename_segment(session: Session, segment: SavedSegment, name: str, *, now: datetime, actor: str) -> None:
    """Give a segment another name. Raises as `save_segment` does."""
    before, segment.name = segment.name, _name(session, name, but=segment.id)
    _record(session, segment, f"Segment « {before} » renommé « {segment.name} ».", now, actor)


def retire_segment(session: Session, segment: SavedSegment, *, now: datetime, actor: str) -> None:
    """Take a segment out of use; it stays, with its versions. Raises Refused when it is retired already."""
    if segment.retired_at is not None:
        raise Refused("Ce segment est déjà retiré.")
    segment.retired_at, segment.retired_by = now, actor
    _record(session, segment, f"Segment « {segment.name} » retiré.", now, actor)


def segment_numbered(session: Session, number: int) -> SavedSegment:
    """A saved segment by its number, retired or not. Raises NotFound."""
    found = session.get(SavedSegment, number)
    if found is None:
        raise NotFound(f"Aucun segment ne porte le numéro {number}.")
    return found


def latest_version(session: Session, segment: SavedSegment) -> SegmentVersion:
    """The version of a segment that holds now."""
    query = select(SegmentVersion).where(SegmentVersion.segment_id == segment.id)
    return session.scalars(query.order_by(SegmentVersion.number.desc()).limit(1)).one()


def all_segments(session: Session) -> Sequence[SegmentRow]:
    """The segments in use with their latest version, by name."""
    last = select(SegmentVersion.segment_id, func.max(SegmentVersion.number).label("number"))
    newest = last.group_by(SegmentVersion.segment_id).subquery()
    query = (
        select(SavedSegment, SegmentVersion)
        .join(newest, newest.c.segment_id == SavedSegment.id)
        .join(
            SegmentVersion,
            (SegmentVersion.segment_id == SavedSegment.id) & (SegmentVersion.number == newest.c.number),
        )
    )
    return session.execute(query.where(SavedSegment.retired_at.is_(None)).order_by(SavedSegment.name)).all()


def _name(session: Session, name: str, *, but: int = 0) -> str:
    name = line_of_words(name)
    if not name or len(name) > LONGEST_NAME:
        raise InputError(f"Donnez un nom au segment, de {LONGEST_NAME} caractères au plus.")
    take_lock(session, "segment-names")
    used = select(SavedSegment.name).where(SavedSegment.retired_at.is_(None), SavedSegment.id != but)
    taken = next((one for one in session.scalars(used) if _read(one) == _read(name)), None)
    if taken is not None:
        raise InputError(f"Un segment s’appelle déjà « {taken} » : choisissez un autre nom, ou changez celui-là.")
    return name


def _read(name: str) -> str:
    """A name as people tell it from others: without capitals and accents."""
    return folded(name)


def _add(
    session: Session, segment: SavedSegment, number: int, criterion: Criterion, now: datetime, actor: str, said: str
) -> SegmentVersion:
    criteria = to_json(within_limits(simplify_criterion(criterion)))
    version = SegmentVersion(segment=segment, number=number, criteria=criteria, made_by=actor, made_at=now)
    session.add(version)
    session.flush()
    _record(session, segment, said, now, actor)
    return version


def _record(session: Session, segment: SavedSegment, said: str, now: datetime, actor: str) -> None:
    audit.record_entry(session, now, actor, said, f"segment:{segment.id}")
