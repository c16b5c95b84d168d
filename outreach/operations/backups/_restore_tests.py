"""Restore tests: the newest backup restored aside, checked and dropped, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import String, Text, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, Session, enum_of
from outreach.core.text import french
from outreach.core.text.errors import OutreachError
from outreach.operations.backups._making import Prove, aside, held, newest_backup, restore_backup

LONGEST_NAME = 255


class RehearsalOutcome(StrEnum):
    """What came of a rehearsal."""

    PROVEN = "proven"
    FAILED = "failed"


class Rehearsal(Base):
    """A rehearsal: which backup (`file`, '' for none), of which moment (`made_at`), what was wrong (`told`, French).

    No person stands in a row. Retention: 1 year.
    """

    __tablename__ = "rehearsals"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    file: Mapped[str] = mapped_column(String(LONGEST_NAME))
    made_at: Mapped[datetime | None]
    outcome: Mapped[RehearsalOutcome] = mapped_column(enum_of(RehearsalOutcome, "rehearsal_outcome"))
    told: Mapped[str] = mapped_column(Text)
    seconds: Mapped[int]


PROOF_LASTS = timedelta(days=2)  # of the newest backup that was restored well; a night may be missed


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a rehearsal: the backup's name ('' for none), its moment, what is wrong in French sentences."""

    file: str
    made_at: datetime | None
    faults: Sequence[str]


def run_restore_test(folder: Path, url: str, here: Mapping[str, Sequence[str]], prove: Prove) -> Rehearsed:
    """Restore the newest backup of a folder beside the living database, check it, and drop what was made."""
    file = None
    try:
        with held(folder):
            file = newest_backup(folder)
            if file is None:
                return Rehearsed("", None, [f"Le dossier {folder} n’a aucune sauvegarde : lancez ./run backup."])
            with aside(url, folder) as place:
                restored = restore_backup(file, place, here, prove)
        return Rehearsed(file.name, restored.manifest.made_at, [*restored.faults, *restored.lacking.values()])
    except OutreachError as error:
        fault = str(error)
    except OSError as error:
        fault = f"{error.filename or folder} : {error.strerror}."
    except SQLAlchemyError as error:
        fault = f"La base restaurée ne se lit pas : {error}"
    return Rehearsed(file.name if file else "", None, [fault])


def record_restore_test(session: Session, rehearsed: Rehearsed, *, now: datetime, seconds: float) -> None:
    """Keep what came of a rehearsal that began at `now`."""
    session.add(
        Rehearsal(
            at=now,
            file=rehearsed.file[:LONGEST_NAME],
            made_at=rehearsed.made_at,
            outcome=RehearsalOutcome.FAILED if rehearsed.faults else RehearsalOutcome.PROVEN,
            told="\n".join(rehearsed.faults),
            seconds=round(seconds),
        )
    )


def last_restore_test(session: Session) -> Rehearsal | None:
    """The last rehearsal."""
    return session.scalars(select(Rehearsal).order_by(Rehearsal.at.desc(), Rehearsal.id.desc()).limit(1)).first()


def last_proven(session: Session) -> Rehearsal | None:
    """The rehearsal that proved the newest backup."""
    proven = select(Rehearsal).where(Rehearsal.outcome == RehearsalOutcome.PROVEN)
    return session.scalars(proven.order_by(Rehearsal.made_at.desc(), Rehearsal.id.desc()).limit(1)).first()


def restore_test_sentences(session: Session, folder: Path | None) -> list[str]:
    """What administrators read of backups: when one was last restored well, and what the last rehearsal found."""
    proven, latest = last_proven(session), last_restore_test(session)
    if latest is None:
        if folder is None:
            return ["Aucune sauvegarde n’est réglée : nommez leur dossier dans OUTREACH_BACKUPS."]
        return ["Aucune restauration n’a encore été essayée : lancez ./run backup, puis ./run rehearse."]
    lines = ["Aucune sauvegarde n’a encore été restaurée avec succès."]
    if proven is not None and proven.made_at is not None:
        of_backup = f"sauvegarde du {french.moment(proven.made_at)}"
        lines = [f"Dernière restauration prouvée : {french.moment(proven.at)} ({of_backup})."]
    if latest.outcome is RehearsalOutcome.FAILED:
        first, *_ = latest.told.splitlines()
        lines.append(f"L’essai du {french.moment(latest.at)} a échoué. {first}")
    return lines
