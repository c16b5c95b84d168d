"""The table of periods that an administrator changed."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base

SUBJECT = "retention"  # of what the audit records about periods, and about what was exported


class RetentionChange(Base):
    """Another period for a rule of the file, within its bounds; the last one of a rule holds. Rows are only added."""

    __tablename__ = "retention_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(String(40))
    period: Mapped[str] = mapped_column(String(20))
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(255))
