"""What a revision asks of the programs that run: nothing (additive), or that all of them stop first (breaking).

The database says it of each revision that was applied to it, as a program cannot read revisions that came after it.
"""

from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.core.db import Base, enum_of


class MigrationKind(StrEnum):
    """Whether the program of the revision before goes on once a revision is applied.

    It does where everything that it reads has the same meaning as before, and all that it writes is complete: new
    tables, new columns that may stay empty or have a default of the server, new indexes.
    """

    ADDITIVE = "additive"
    BREAKING = "breaking"


class AppliedRevision(Base):
    """A revision that was applied, since there is this table."""

    __tablename__ = "applied_revisions"

    revision: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[MigrationKind] = mapped_column(enum_of(MigrationKind, "revision_kind"))
