"""Checks of a campaign before it leaves: what blocks it, and what its author may want to know."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, func, select

from outreach.access.approvals import Content, Extent
from outreach.adherence import programmes
from outreach.adherence.situation import ORDINALS, strand_ordinal
from outreach.campaigns import planning
from outreach.campaigns.letter import SenderIdentity, WrittenLetter
from outreach.campaigns.models import ON_ITS_WAY, Campaign, CampaignState
from outreach.campaigns.planning import ClosingRule, Definition, DrawPlan, PlannedWave, spelt_moment
from outreach.campaigns.review import _overlap as neighbours
from outreach.campaigns.review import _written_dates as written_dates
from outreach.campaigns.review._other_programme import of_sender, programme_remarks, strand_remarks
from outreach.campaigns.review._overlap import NearDay, Neighbours
from outreach.campaigns.review._preview import DryRun, Preview
from outreach.campaigns.segments import AudienceCounts, Concerns, audience_rows, invited_to
from outreach.campaigns.waves import CALL_OFF_TIME
from outreach.core.db import Session
from outreach.core.text import french
from outreach.core.text.dates import school_year, today
from outreach.core.text.errors import InputError, Refused
from outreach.delivery import letters
from outreach.delivery.models import Message, MessageClass, Reason
from outreach.delivery.outbox import Addressee, authorities_written_since
from outreach.directory.confirmations import STALE_AFTER, confirmed_since
from outreach.directory.models import Authority, Contact
from outreach.directory.reference import ACRONYMS, fold
from outreach.engagement import tracking
from outreach.engagement.tracking import SMALLEST, TrackingMode

WHERE = "Un accord s’enregistre dans l’Annuaire, sur la fiche du PO, onglet Mesure ; le PO le donne aussi lui-même."


def count_measured_alone(session: Session, campaign: Campaign, *, now: datetime) -> int:
    """How many mailboxes that a campaign would write to now may be measured by themselves.

    Only authorities with such a mailbox are looked at; without any, it costs one short statement.
    """
    allowed = tracking.mailboxes_in_force()
    if session.scalar(allowed.limit(1)) is None:
        return 0
    theirs = select(Contact.authority_id).where(Contact.id.in_(allowed))
    context = planning.context_of(session, campaign, now=now)
    mailboxes = audience_rows(planning.audience_of(campaign), context, among=theirs)
    query = select(func.count()).where(mailboxes.c.rank == 0, mailboxes.c.contact_id.in_(allowed))
    return session.scalar(query) or 0


def tracking_offer(count: int) -> str:
    """What the choice of the mode says, where the campaign would write to so many mailboxes with a basis."""
    if not count:
        return f"Mesurer boîte par boîte n’est pas proposé : aucune boîte de ce public n’a d’accord enregistré. {WHERE}"
    have = french.plural(
        count, "boîte de ce public a un accord enregistré", "boîtes de ce public ont un accord enregistré"
    )
    return f"{have} : boîte par boîte, ce que chacune ouvre et suit est visible."


def told(session: Session, campaign: Campaign, addresses: int, *, now: datetime) -> str:
    """How the mailboxes of an individual campaign will be measured, of so many `addresses`; '' for another campaign."""
    return sentence(count_measured_alone(session, campaign, now=now), addresses) if is_individual(campaign) else ""


def is_individual(campaign: Campaign) -> bool:
    """Whether a campaign measures mailboxes one by one, where it may."""
    return campaign.tracking is TrackingMode.INDIVIDUAL


def sentence(count: int, addresses: int) -> str:
    """How many of these addresses are measured one by one, and what becomes of the others."""
    rest, total = addresses - count, french.number(addresses)
    is_group = rest >= SMALLEST
    if not count:
        fate = "toutes seront comptées par groupe" if is_group else "aucune ne sera mesurée"
        return f"Aucune boîte sur {total} n’a d’accord enregistré : {fate}."
    will = "sera mesurée à part" if count == 1 else "seront mesurées une à une"
    others = "les autres par groupe" if is_group else "les autres pas du tout : un groupe en compte vingt"
    return f"{french.plural(count, 'boîte')} sur {total} {will}{f', {others}' if rest else ''}."


ROLE = re.compile(r"\b(?:rappel|relance)\b", re.IGNORECASE)
"""What a title, a subject or a preheader calls a reminder. Other letters say in the plural that reminders stop."""
WORDING = re.compile(
    r"\b(?:dernier|ce|un|notre|simple|petit) rappel\b|\bpas (?:encore |toujours )?(?:reçu )?votre réponse\b"
    r"|\bsans réponse de votre part\b|\bnotre (?:dernier|premier|précédent) courriel\b",
    re.IGNORECASE,
)


class Worded(Protocol):
    """A letter as one recipient reads it: what its first wave leaves out is not in it."""

    @property
    def subject(self) -> str:
        """The subject."""

    @property
    def preheader(self) -> str:
        """The preheader, or ''."""

    @property
    def text(self) -> str:
        """The text part."""


def is_reminder(campaign: Campaign, letter: Worded) -> bool:
    """Whether the words of a campaign's letter call it a reminder, to somebody who had none of the campaign."""
    is_named = any(map(ROLE.search, (campaign.title, letter.subject, letter.preheader)))
    is_worded = is_named or WORDING.search(letter.text) is not None
    return Concerns(campaign.concerns) is Concerns.OPEN and is_worded


def reminded_of_nothing(
    session: Session, campaign: Campaign, letter: Worded, *, now: datetime
) -> Sequence[tuple[int, str]]:
    """The authorities that a reminder would be written to and that it would remind of nothing: FASE number and name.

    No letter of any campaign that invited them to join the strand has left for them. Empty for any other letter.
    """
    if not is_reminder(campaign, letter):
        return []
    meant = audience_rows(planning.audience_of(campaign), planning.context_of(session, campaign, now=now))
    written = select(meant.c.authority_id).where(meant.c.rank == 0)
    query = select(Authority).where(Authority.id.in_(written), _is_uninvited(campaign))
    found = session.scalars(query.order_by(Authority.folded, Authority.fase))
    return [(authority.fase, authority.display_name) for authority in found]


def has_nothing_to_be_reminded_of(session: Session, campaign: Campaign, letter: Worded, authority: Authority) -> bool:
    """Whether a campaign's letter is a reminder that would remind this authority of nothing."""
    if not is_reminder(campaign, letter):
        return False
    query = select(Authority.id).where(Authority.id == authority.id, _is_uninvited(campaign))
    return session.scalar(query) is not None


def _is_uninvited(campaign: Campaign) -> ColumnElement[bool]:
    return Authority.id.not_in(invited_to(campaign.strand_id))


BUDGET = 10
"""How many awareness letters an authority may receive in a school year before a remark [our assumption]."""
SAME_LETTER = timedelta(days=7)
BIGGEST_HTML, NEARLY = 100_000, 85_000
LONGEST_PREHEADER = 90
NAMED = 3
NUMBERS = {word: number for number, word in ORDINALS.items()}
A_STRAND = re.compile(rf"\bvolet (\d{{1,2}})\b|\b({'|'.join(NUMBERS)}) volet\b", re.IGNORECASE)
PLACEHOLDER = re.compile(r"\[[àa] compléter[^\]\n]{0,200}\]?", re.IGNORECASE)

ADDRESS_SHOWN = re.compile(r"(?:https?://|www\.)[^\s<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[\w-]+(?:\.[\w-]+)+(?:/\S*)?")


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found about a campaign or an added reminder exactly as it stood: counts, dry run, blocks, remarks.

    `overlap` are the campaigns that write to more than a tenth of its audience within a week, if there are any: whoever
    approves says that it was seen.
    """

    content: Content
    counts: AudienceCounts
    run: DryRun
    blocks: Sequence[str]
    remarks: Sequence[str]
    overlap: Neighbours | None

    @property
    def extent(self) -> Extent:
        """How many authorities and mailboxes it would write to."""
        return Extent(self.counts.written, self.counts.addresses)

    def ticked_off(self, overlap: int) -> str:
        """What an approver has seen who ticked off `overlap` authorities. Raises InputError when there are more."""
        return self.overlap.ticked_off(overlap) if self.overlap else ""


@dataclass(frozen=True, slots=True)
class Findings(Judged):
    """The outcome of a campaign's checks, with its planned waves.

    `measured` says how many mailboxes are measured one by one, or is empty. `uninvited` are the authorities (FASE
    number, name) that a reminder would remind of nothing. `draw` is what a draw of its departures would be.
    `unconfirmed` counts its letters to addresses that nobody confirmed for two years.
    """

    planned: Sequence[PlannedWave]
    measured: str = ""
    unconfirmed: int = 0
    uninvited: Sequence[tuple[int, str]] = ()
    draw: DrawPlan | None = None


def refuse_blocked(judged: Judged) -> None:
    """Raises Refused, with the reasons, where something blocks what was judged."""
    if judged.blocks:
        raise Refused(" ".join(judged.blocks))


def check_campaign(session: Session, campaign: Campaign, sending: SenderIdentity, *, now: datetime) -> Findings:
    """Check a campaign: count its audience, compose every letter, and read its wording and its dates."""
    counts = planning.count_campaign_audience(session, campaign, now=now)
    rule = ClosingRule.of(session, campaign, now=now)
    dated = rule.waves(campaign)
    is_approved = campaign.state is CampaignState.APPROVED
    is_under_way = any(wave.state in ON_ITS_WAY for wave in campaign.waves)
    soon = rule.waves(campaign, earliest=now + CALL_OFF_TIME) if is_approved else dated
    planned = rule.standing(campaign) if is_under_way else soon
    recipients = [one for one in planning.list_addressees(session, campaign, now=now) if one.reason is None]
    blocks, run = [], DryRun()
    try:
        run = Preview(session, campaign, sending, dated, now=now).dry_run(recipients)
    except InputError as error:
        blocks.append(str(error))
    blocks += [*unfinished_parts(campaign), *blocks_of(campaign, counts, run)]
    corrected = Concerns(campaign.concerns), planning.criterion_of(campaign), campaign.strand
    blocks += filter(None, [planning.corrects_another_strand(session, *corrected)])
    if campaign.starts_at and not planned and not is_under_way:
        blocks += planning.left_out(campaign, planned)
    blocks += [*planning.too_late(planned), *planning.after_closing(session, campaign, planned, now)]
    draw = planning.experiment_plan_of(session, campaign, now=now, rule=rule)
    blocks += draw.refusals if draw else []
    near = neighbours.near(session, campaign, planned, now=now)
    strangers = reminded_of_nothing(session, campaign, run, now=now)
    name = programmes.name_among_several(session, campaign.strand.programme)
    remarks = [
        *_of_uninvited(campaign, name, strangers),
        *_of_programme(campaign, name),
        *programme_remarks(session, campaign, campaign.strand),
        *of_sender(session, campaign, campaign.strand),
        *_of_another_strand(campaign, name),
        *strand_remarks(session, planning.criterion_of(campaign), campaign.strand),
        *wording_of(campaign, sending),
        *(_of_start(dated, planned, now) if not is_under_way else ()),
        *_of_dates(campaign, planned, is_under_way=is_under_way),
        *written_dates.remarks(campaign.subject, campaign.letter, planned, preheader=campaign.preheader),
        *filter(None, dict.fromkeys(wave.deadline_in_words for wave in planned)),
        *_of_haste(planned, counts.written),
        *_of_recipients(session, campaign, recipients, near.days, now),
    ]
    if run.biggest > NEARLY:
        remarks.append(f"Le plus long courriel pèse {run.biggest // 1000} ko : au-delà de 100 ko, certains le coupent.")
    remarks += long_subjects(run)
    measured = told(session, campaign, counts.addresses, now=now)
    overlap = near if near.are_many(counts.written) else None
    content = planning.content_of(campaign)
    doubted = _unconfirmed(session, recipients, now)
    return Findings(content, counts, run, blocks, remarks, overlap, planned, measured, doubted, strangers, draw)


def _of_uninvited(campaign: Campaign, programme: str, strangers: Sequence[tuple[int, str]]) -> list[str]:
    """A remark on the authorities that a reminder would remind of nothing, and how to leave them out."""
    if not strangers:
        return []
    have = "n’a jamais reçu" if len(strangers) == 1 else "n’ont jamais reçu"
    strand, count = campaign.strand.number, french.number(len(strangers))
    of = programmes.of_programme(programme)
    never = f"{count} PO {have} de courriel du volet {strand}{of}, et ce courriel est un rappel"
    condition = "« Réponses et vagues : Un courriel lui est parti »"
    mend = f"ajoutez la condition {condition} avec le volet {strand}, ou changez les mots"
    return [f"{never} : {_named(strangers)} ; {mend}."]


def _of_programme(campaign: Campaign, name: str) -> list[str]:
    """A remark on a subject that does not say which of several programmes it is about."""
    if not name or "((volet" in campaign.subject or fold(name) in fold(campaign.subject):
        return []
    return [f"Objet : il ne dit pas qu’il s’agit de « {name} », et il y a plusieurs programmes : ajoutez ((volet))."]


def _of_another_strand(campaign: Campaign, programme: str) -> list[str]:
    """A remark on a letter that was written about another strand: it speaks of others, and never of its own."""
    named, own = dict(_strands_named(campaign.letter)), campaign.strand.number
    if not named or own in named or "((volet" in campaign.letter:
        return []
    other, line = min(named.items(), key=lambda found: found[1])
    about = f"la campagne porte sur le volet {own}{programmes.of_programme(programme)}"
    return [f"Ligne {line} : le courriel parle du {strand_ordinal(other)}, et {about} : relisez-le."]


def _strands_named(letter: str) -> Iterator[tuple[int, int]]:
    """The strands that a letter names, « volet 1 » or « premier volet », each with a line that does."""
    for line, text in reversed([*enumerate(letter.split("\n"), 1)]):
        for found in A_STRAND.finditer(text):
            yield int(found[1]) if found[1] else NUMBERS[found[2].lower()], line


def wording_of(campaign: Campaign | WrittenLetter, sending: SenderIdentity) -> list[str]:
    """Remarks on the subject, the letter and its links; those on the letter's wording give the line."""
    remarks = [
        f"{f'Ligne {remark.line}' if remark.line else 'Objet'} : {remark.text}"
        for remark in letters.wording_remarks(campaign.subject, campaign.letter, ACRONYMS)
    ]
    own, links = urlsplit(sending.address).hostname, letters.list_links(campaign.letter)
    hosts = {urlsplit(link).hostname or "" for link, _ in links} - {own}
    remarks += [f"Lien vers {host} : vérifiez que cette adresse est la bonne." for host in sorted(filter(None, hosts))]
    counted = ("http:", "https:") if campaign.tracking is not TrackingMode.NONE else ()
    return remarks + [
        f"Un lien affiche « {words.strip()} » et mène à une autre adresse : affichez des mots plutôt qu’une adresse."
        for link, words in links
        if ADDRESS_SHOWN.fullmatch(words.strip())
        and not link.startswith("tel:")
        and _host(words) != (own if link.startswith(counted) else _host(link))  # clicks are counted by the service
    ]


def _host(address: str) -> str:
    """The host of an address with or without its scheme; of a mailbox, the whole address."""
    address = address.strip().casefold()
    if "@" in address and "://" not in address:
        return address.removeprefix("mailto:")
    host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
    return host.removeprefix("www.")


def unfinished_parts(campaign: Campaign | WrittenLetter | Definition) -> list[str]:
    """What its author has still to write in place of a ready-made letter's placeholders, a sentence for each."""
    lines = [("Objet", campaign.subject), ("Texte d’aperçu", campaign.preheader)]
    lines += [(f"Ligne {number}", line) for number, line in enumerate(campaign.letter.split("\n"), 1)]
    return [
        f"{name} : remplacez « {found[0]} » par votre texte, crochets compris."
        for name, line in lines
        for found in PLACEHOLDER.finditer(line)
    ]


def blocks_of(campaign: Campaign | WrittenLetter, counts: AudienceCounts, run: DryRun) -> list[str]:
    """What of a letter's audience, class and composing blocks it, a French sentence for each."""
    blocks = []
    if not counts.written:
        blocks.append(f"Ce courriel ne partirait à personne : {_way_out(counts)}.")
    if not (campaign.contact_name and campaign.contact_email):
        blocks.append("Indiquez la personne de contact, avec son nom et son adresse (décret du 22 décembre 1994).")
    if campaign.message_class is MessageClass.STATUTORY and "lien_désinscription" in campaign.letter:
        blocks.append("Une communication légale n’offre pas de désinscription : retirez ((lien_désinscription)).")
    blocks += [_missing(name, authorities) for name, authorities in sorted(run.missing.items())]
    if run.biggest > BIGGEST_HTML:
        blocks.append(f"Le plus long courriel pèse {run.biggest // 1000} ko : raccourcissez-le sous 100 ko.")
    if run.longest_preheader > LONGEST_PREHEADER:
        most = f"{run.longest_preheader} caractères pour un des PO, {LONGEST_PREHEADER} au plus"
        blocks.append(f"Raccourcissez le texte d’aperçu : {most}, valeurs des champs comprises.")
    return blocks


def long_subjects(run: DryRun) -> list[str]:
    """A remark on the authorities whose letters have a long subject once its fields are filled."""
    if not (whose := run.long_subjects):
        return []
    said = f"objet de plus de {letters.LONGEST_SUBJECT} caractères, que des boîtes coupent"
    return [f"{len(whose)} PO : {said} : {_named(whose)} ; raccourcissez l’objet."]


def _way_out(counts: AudienceCounts) -> str:
    """What may be done where nobody is written to."""
    if Reason.SOLICITED in counts.left_out:
        return (
            "choisissez une date plus tardive, ou demandez à une personne qui valide d’écrire aussi aux PO déjà "
            "sollicités"
        )
    return "élargissez le public"


def _missing(name: str, authorities: Sequence[tuple[int, str]]) -> str:
    mend = f'écrivez (({name}|défaut("…"))) ou corrigez l’annuaire.'
    if name == "circulaire":
        mend = "indiquez le numéro de la circulaire."
    return f"{len(authorities)} PO sans (({name})) : {_named(authorities)} ; {mend}"


def _named(authorities: Sequence[tuple[int, str]]) -> str:
    named = ", ".join(f"{who} (FASE {fase})" for fase, who in authorities[:NAMED])
    rest = len(authorities) - NAMED
    return f"{named} et {rest} autre{'s' if rest > 1 else ''}" if rest > 0 else named


def _of_start(dated: Sequence[PlannedWave], planned: Sequence[PlannedWave], now: datetime) -> list[str]:
    """A remark when the start (`dated`) has passed: when the campaign would leave if it were planned now."""
    if not planned or not dated or dated[0].at >= now:
        return []
    at = planned[0].at
    if at < now:
        return ["La date de la première vague est passée : choisissez-en une autre."]
    when = "une minute après" if at <= now + CALL_OFF_TIME else f"le {spelt_moment(at)}"
    return [f"La date de la première vague est passée : planifiée maintenant, elle part {when}."]


def _of_dates(campaign: Campaign, planned: Sequence[PlannedWave], *, is_under_way: bool) -> list[str]:
    remarks = [f"{french.initial(wave.name)} {wave.move_in_words}." for wave in planned if wave.move_in_words]
    if planned and not is_under_way:
        remarks += planning.left_out(campaign, planned)
    cautions = dict.fromkeys(planning.calendar_caution(today(wave.at)) for wave in planned)
    return [*remarks, *filter(None, cautions)]


def _of_haste(planned: Sequence[PlannedWave], written: int) -> list[str]:
    """A remark on each wave that follows the one before it within a week."""
    return [
        f"La {later.name} part {french.plural(days, 'jour')} après la {earlier.name} : "
        f"{'des PO de ce départ' if later.departure else f'jusqu’à {french.number(written)} PO'} reçoivent deux "
        "courriels en une semaine."
        for earlier, later in pairwise(sorted(planned, key=lambda wave: (wave.departure or 0, wave.at)))
        if earlier.departure == later.departure
        and (days := (today(later.at) - today(earlier.at)).days) <= neighbours.NEAR.days
    ]


def _of_recipients(
    session: Session, campaign: Campaign, recipients: Sequence[Addressee], near: Sequence[NearDay], now: datetime
) -> list[str]:
    """Remarks on authorities that get another letter within a week, or have got many this school year."""
    written = {one.authority_id for one in recipients}
    earlier = campaign.mailing_keys
    remarks = [day.in_words(now) for day in near]
    again = authorities_written_since(now - SAME_LETTER, mailings=earlier)
    same = len(written.intersection(session.scalars(again))) if earlier else 0
    if same and not any(day.is_own for day in near):
        remarks.append(f"Ce même courriel est parti à {french.number(same)} PO il y a moins de 7 jours.")
    # A wave is one letter to an authority, however many of its schools' mailboxes got it.
    each = authorities_written_since(school_year(now)).group_by(Message.authority_id, Message.mailing_id)
    received = each.subquery()
    often = select(received.c[0]).group_by(received.c[0]).having(func.count() >= BUDGET)
    tired = len(written.intersection(session.scalars(often)))
    if tired:
        remarks.append(f"{BUDGET} courriels ou plus sont déjà partis à {french.number(tired)} PO cette année scolaire.")
    return remarks


def _unconfirmed(session: Session, recipients: Sequence[Addressee], now: datetime) -> int:
    """How many letters would go to addresses that nobody confirmed for two years, or ever."""
    query = select(Contact.authority_id, Contact.address_key).where(
        Contact.retired_at.is_(None), ~confirmed_since(now - STALE_AFTER)
    )
    doubted = {tuple(row) for row in session.execute(query)}
    return sum((one.authority_id, one.address_key) in doubted for one in recipients)
