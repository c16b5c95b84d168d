"""What was known of each authority and school as a campaign's first wave was launched, or as it entered later.

A list that comes late, an edition of the register or a strand that changes moves none of these rows: they are only
added. Who gets no letter because of them is counted by them.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from outreach.db import Base, enum_of
from outreach.delivery.models import Reason


class Standing(StrEnum):
    """How an authority or a school stood to a campaign as it entered."""

    OUT_OF_SCOPE = "out_of_scope"
    ALREADY_JOINED = "already_joined"
    EXCEPTED = "excepted"
    TO_REACH = "to_reach"


class CampaignAuthority(Base):
    """An authority that a campaign meant: how it stood when it entered, at `entered_at`, and through which wave.

    `reason` is why its best mailbox was left out then, None where it was to be written to. `eligible` are its schools
    of the strand's level; of these, `concerned` are neither « non concerné » nor reported as gone, and `joined` had
    joined. Rows are kept as long as the campaign's.
    """

    __tablename__ = "campaign_authorities"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"), primary_key=True, index=True)
    wave_id: Mapped[int] = mapped_column(ForeignKey("waves.id"))
    entered_at: Mapped[datetime]
    standing: Mapped[Standing] = mapped_column(enum_of(Standing, "campaign_standing"))
    reason: Mapped[Reason | None] = mapped_column(enum_of(Reason, "entry_reason"))
    eligible: Mapped[int]
    concerned: Mapped[int]
    joined: Mapped[int]


class CampaignSchool(Base):
    """A school of an authority that a campaign meant, once a campaign: how it stood when it entered, and whose it was.

    It is never EXCEPTED: its authority is.
    """

    __tablename__ = "campaign_schools"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("schools.id"), primary_key=True, index=True)
    authority_id: Mapped[int] = mapped_column(ForeignKey("authorities.id"))
    wave_id: Mapped[int] = mapped_column(ForeignKey("waves.id"))
    entered_at: Mapped[datetime]
    standing: Mapped[Standing] = mapped_column(enum_of(Standing, "school_standing"))


class UncountedCampaign(Base):
    """A campaign of before these rows of which they could not be worked out for some authorities: how many.

    Its classes are not told.
    """

    __tablename__ = "uncounted_campaigns"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), primary_key=True, autoincrement=False)
    authorities: Mapped[int]
