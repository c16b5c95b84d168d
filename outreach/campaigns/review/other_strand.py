"""An audience whose conditions are about another strand or programme than the campaign: they were left from before."""

from sqlalchemy import select

from outreach import french
from outreach.adherence import programmes
from outreach.adherence.models import Strand
from outreach.campaigns import wave_criteria
from outreach.campaigns.models import Campaign, Wave
from outreach.db import Session
from outreach.segments import of_strand
from outreach.segments.criteria import Criterion, Leaf, leaves
from outreach.segments.kinds.mailings import OfMailings


def remarks(session: Session, criterion: Criterion, strand: Strand, *, was: Strand | None = None) -> list[str]:
    """A sentence that repeats the conditions that are not about a strand, where there are any; `was` as in
    `of_strand.foreign`."""
    found = [*of_strand.foreign(criterion, strand, was=was), *_of_other_programmes(session, criterion, strand)]
    if not found:
        return []
    names = wave_criteria.names(session, found)
    said = ", ".join(f"« {french.within_quotes(leaf.words(names))} »" for leaf in found)
    about = programmes.strand_names(session)[strand.id]
    one, several = "Une condition du public porte", f"{len(found)} conditions du public portent"
    mend = "Changez-la, ou gardez-la si c’est voulu" if len(found) == 1 else "Changez-les, ou gardez-les si c’est voulu"
    return [f"{one if len(found) == 1 else several} sur autre chose que « {about} » : {said}. {mend}."]


def _of_other_programmes(session: Session, criterion: Criterion, strand: Strand) -> list[Leaf]:
    """The conditions that name letters of campaigns about other programmes alone."""
    named = [leaf for leaf in leaves(criterion) if isinstance(leaf, OfMailings) and leaf.mailings]
    keys = {key for leaf in named for key in leaf.mailings or ()}
    if not keys:
        return []
    query = select(Wave.mailing_id).join(Campaign, Campaign.id == Wave.campaign_id)
    query = query.join(Strand, Strand.id == Campaign.strand_id).where(Strand.programme_id != strand.programme_id)
    others = {*session.scalars(query.where(Wave.mailing_id.in_(keys)))}
    return [leaf for leaf in named if others.issuperset(leaf.mailings or ())]
