"""A letter or an audience that is about another strand or programme than its campaign."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

from sqlalchemy import select

from outreach.adherence import programmes
from outreach.adherence.models import Programme, Strand
from outreach.campaigns import planning, segments
from outreach.campaigns.models import Campaign, CampaignState, Wave
from outreach.campaigns.segments import Criterion, Leaf, OfMailings, criterion_leaves
from outreach.core.db import Session
from outreach.core.text import french
from outreach.directory.reference import fold


def strand_remarks(session: Session, criterion: Criterion, strand: Strand, *, was: Strand | None = None) -> list[str]:
    """A sentence that repeats the conditions that are not about a strand, where there are any; `was` as in
    `of_strand.foreign_leaves`."""
    found = [*segments.foreign_leaves(criterion, strand, was=was), *_of_other_programmes(session, criterion, strand)]
    if not found:
        return []
    names = planning.criteria_names(session, found)
    said = ", ".join(f"« {french.within_quotes(leaf.words(names))} »" for leaf in found)
    about = programmes.strand_names(session)[strand.id]
    one, several = "Une condition du public porte", f"{len(found)} conditions du public portent"
    mend = "Changez-la, ou gardez-la si c’est voulu" if len(found) == 1 else "Changez-les, ou gardez-les si c’est voulu"
    return [f"{one if len(found) == 1 else several} sur autre chose que « {about} » : {said}. {mend}."]


def _of_other_programmes(session: Session, criterion: Criterion, strand: Strand) -> list[Leaf]:
    """The conditions that name letters of campaigns about other programmes alone."""
    named = [leaf for leaf in criterion_leaves(criterion) if isinstance(leaf, OfMailings) and leaf.mailings]
    keys = {key for leaf in named for key in leaf.mailings or ()}
    if not keys:
        return []
    query = select(Wave.mailing_id).join(Campaign, Campaign.id == Wave.campaign_id)
    query = query.join(Strand, Strand.id == Campaign.strand_id).where(Strand.programme_id != strand.programme_id)
    others = {*session.scalars(query.where(Wave.mailing_id.in_(keys)))}
    return [leaf for leaf in named if others.issuperset(leaf.mailings or ())]


SHORTEST_CIRCULAR = 4  # characters of a circular's number that is looked for: « 12 » is any number


class Written(Protocol):
    """What a letter says, before its fields are filled in."""

    @property
    def subject(self) -> str:
        """Its subject."""
        ...

    @property
    def preheader(self) -> str:
        """What a list of letters shows after the subject."""
        ...

    @property
    def letter(self) -> str:
        """Its text."""
        ...


def of_sender(session: Session, campaign: Campaign, strand: Strand) -> list[str]:
    """A sentence where a campaign about a strand is signed by whom other programmes' campaigns are, and no other one of
    its own: none that is ready-made, and none that somebody approved."""
    there = programmes.all_programmes(session)
    signing = _signing(session, there, campaign)
    whose = signing[fold(campaign.sender_name)]
    if not whose or strand.programme_id in whose:
        return []
    said = french.all_of([f"« {french.within_quotes(one.name)} »" for one in there if one.id in whose])
    name, about = (
        french.within_quotes(one)
        for one in (campaign.sender_name, programmes.strand_in_words(strand.programme.name, strand.number))
    )
    whose_letters = f"« {name} » signe les campagnes de {said}, et la campagne porte sur « {about} »"
    mend = "changez-le à l’étape du courriel, ou gardez-le s’il s’occupe aussi de ce programme"
    return [f"Expéditeur : {whose_letters} : {mend}."]


def _signing(session: Session, there: Sequence[Programme], besides: Campaign) -> dict[str, set[int]]:
    """The keys of the programmes whose campaigns each sender signs, by its folded name."""
    signing = defaultdict[str, set[int]](set)
    for stated in planning.ready_made(planning.READY_MADE, planning.DEMONSTRATED).values():
        if (strand := planning.strand_of(there, stated)) is not None:
            signing[fold(stated.sender.name)].add(strand.programme_id)
    query = select(Campaign.sender_name, Strand.programme_id).join(Strand, Strand.id == Campaign.strand_id)
    approved = Campaign.state.in_((CampaignState.APPROVED, CampaignState.CLOSED)), Campaign.id != besides.id
    for name, programme_id in session.execute(query.where(*approved).distinct()):
        signing[fold(name)].add(programme_id)
    return signing


def programme_remarks(session: Session, written: Written, strand: Strand) -> list[str]:
    """A sentence for each programme that a letter about a strand names, and is not that of the strand."""
    there = programmes.all_programmes(session)
    own = next(one for one in there if one.id == strand.programme_id)
    said = list(_lines(written))
    about = programmes.strand_in_words(own.name, strand.number)
    found = [(one.name, *place) for one in there if one is not own and (place := _named(one, own, said))]
    return [
        f"{where} : « {words} » est de « {name} », et la campagne porte sur « {about} » : relisez tout le courriel."
        for name, where, words in found
    ]


def _named(other: Programme, own: Programme, said: list[tuple[str, str]]) -> tuple[str, str] | None:
    """Where a letter first names a programme, and by which words: its name, others, or the number of a circular."""
    ours = {fold(words) for words in [*own.called, *_circulars(own)]}
    theirs = [words for words in [*other.called, *_circulars(other)] if fold(words) and fold(words) not in ours]
    return next(((where, words) for where, line in said for words in theirs if f" {fold(words)} " in line), None)


def _circulars(programme: Programme) -> list[str]:
    return [one.circular for one in programme.strands if len(one.circular) >= SHORTEST_CIRCULAR]


def _lines(written: Written) -> Iterator[tuple[str, str]]:
    """Each line of a letter, folded, with what a remark calls it."""
    lines = [("Objet", written.subject), ("Texte d’aperçu", written.preheader)]
    lines += [(f"Ligne {number}", line) for number, line in enumerate(written.letter.split("\n"), 1)]
    for where, line in lines:
        yield where, f" {fold(line)} "
