"""The tables of what runs where: workers, relays as an installation finds them, clocks, installations.

A `place` is a machine and a data folder.
"""

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base


class Worker(Base):
    """A process that sends. `seen_at` is its last sign of life.

    By that sign, the relay `waits_for` owed it long overdue answers, on `waits_on` connections, since `waits_since`.
    """

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    place: Mapped[str] = mapped_column(String(255))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    stopped_at: Mapped[datetime | None]
    waits_for: Mapped[str] = mapped_column(String(255), default="")
    waits_on: Mapped[int] = mapped_column(default=0)
    waits_since: Mapped[datetime | None]


class RelayState(Base):
    """The health of a relay as one installation finds it, at `place` (machine, data folder).

    It rests after failures. An alarm (credentials, encryption) waits for a person.
    """

    __tablename__ = "relay_states"

    place: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    rests_until: Mapped[datetime | None]
    alarmed_at: Mapped[datetime | None]
    said: Mapped[str] = mapped_column(Text, default="")


class ClockPass(Base):
    """The last pass of an installation's clock, and what kept letters from leaving there, or ''.

    An installation is named by its `place` (machine, data folder): the copy of a data folder keeps its identity.
    """

    __tablename__ = "clock_passes"

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(Text, unique=True)
    at: Mapped[datetime]
    hindrance: Mapped[str] = mapped_column(Text, default="")


class Installation(Base):
    """An installation that may send from this database: its identity, where it runs, who confirmed it.

    `passed_at` is its clock's last unhindered pass; its data folder stores the same time.
    """

    __tablename__ = "installations"

    identity: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime]
    confirmed_by: Mapped[str] = mapped_column(String(255))
    passed_at: Mapped[datetime | None]
