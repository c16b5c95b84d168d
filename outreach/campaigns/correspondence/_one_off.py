"""Letters by hand to an authority that asked for nothing: awareness without a campaign, read before they leave.

One that is an approved text, unchanged, leaves at once. A second person approves any other as merged, and by that sends
it; who wrote it may withdraw it until then.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from outreach.access import approvals, colleagues
from outreach.access.approvals import Content, Decision, DecisionKind, Thing
from outreach.campaigns import planning, segments
from outreach.campaigns.correspondence._models import ServiceLetter, ServiceReply
from outreach.campaigns.correspondence._replies import PreparedReply, Writer, composed, post, refuse_floods
from outreach.campaigns.correspondence._reply_templates import approved_as, refuse_unfinished_letter, split
from outreach.campaigns.letter import SenderIdentity, WrittenLetter
from outreach.campaigns.models import Campaign
from outreach.campaigns.planning import Sender
from outreach.campaigns.segments import Boxes, Concerns
from outreach.core import site
from outreach.core.db import Session, take_lock
from outreach.core.site import Letterhead
from outreach.core.text.dates import today
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.core.text.french import day, plural
from outreach.delivery import outbox, received
from outreach.delivery.models import MessageClass, SuppressionScope
from outreach.delivery.outbox import Addressee, Due
from outreach.delivery.received import MailStepKind, ReceivedMail
from outreach.directory.contacts import contacts_of, limited_of, subject_of
from outreach.directory.models import Authority, Contact
from outreach.engagement.tracking import TrackingMode

NOBODY = "0" * 16  # the name of a letter that is only read


def list_mailboxes(session: Session, authority: Authority) -> Sequence[Contact]:
    """The mailboxes of an authority that may be written to, those that answer for all its schools first."""
    limited = limited_of(session, authority)
    usable = [
        held
        for held in contacts_of(session, authority)
        if held.retired_at is None and held.bounced_at is None and not held.awaits_review
    ]
    return sorted(usable, key=lambda held: (held.id in limited, held.id))


def get_mailbox(session: Session, authority: Authority, address: str = "") -> Contact:
    """The mailbox with this address, or the first one. Raises Refused when there is none that may be written to."""
    held = [one for one in list_mailboxes(session, authority) if address in {"", one.address}]
    if not held:
        raise Refused(
            f"Aucune boîte utilisable{f' à l’adresse {address}' if address else ''} : corrigez les contacts de ce "
            "pouvoir organisateur, ou appelez-le."
        )
    return held[0]


def refuse_unwelcome(session: Session, to: Contact, *, now: datetime) -> None:
    """Raises Refused, with what to do, where no awareness may leave for a mailbox: it unsubscribed, it is excluded, or
    it got as many letters as the calm allows."""
    for held in outbox.in_force(session, [to.address_key]):
        since = day(held.created_at)
        if held.scope is SuppressionScope.AWARENESS:
            raise Refused(
                f"{to.address} s’est désinscrite des courriels de sensibilisation le {since} : appelez. Seule une "
                "réponse à ce qu’elle a demandé elle-même peut encore partir."
            )
        raise Refused(
            f"{to.address} est exclue depuis le {since} ({held.reason.label}) : appelez, ou levez l’exclusion dans "
            "l’annuaire."
        )
    rule = segments.rule_of(session)
    if rule is None:
        return
    solicited = outbox.mailboxes_solicited(now - timedelta(days=rule.days), rule.letters)
    if to.address_key in set(session.scalars(solicited)):
        raise Refused(
            f"{to.address} est déjà destinataire de {plural(rule.letters, 'courriel')} de sensibilisation en "
            f"{rule.days} jours, le plus que le calme permet : appelez, ou écrivez plus tard."
        )


def unwelcome_reasons(session: Session, offered: Sequence[Contact], *, now: datetime) -> list[str]:
    """Why no awareness may leave for some of these mailboxes, and what to do, in French."""
    told = []
    for to in offered:
        try:
            refuse_unwelcome(session, to, now=now)
        except Refused as refused:
            told.append(str(refused))
    return told


def prepare_letter(
    session: Session,
    authority: Authority,
    to: Contact,
    text: str,
    writer: Writer,
    sending: SenderIdentity,
    *,
    now: datetime,
    head: Letterhead | None = None,
) -> PreparedReply:
    """Compose a letter by hand, under today's letterhead unless `head` is another one.

    Do it before the transaction that keeps it. `text` begins with its subject.

    Raises InputError, with the line, when the text is not complete or cannot be read.
    """
    refuse_unfinished_letter(text, sending.schemes)
    subject, body = split(text)
    written = _written(_sender(session), subject, body, writer)
    due, shown = _due(authority, to, now), site.current_letterhead(session) if head is None else head
    made = composed(session, written, due, sending, today(now), now=now, head=shown.in_letters)
    return replace(made, text_id=approved_as(session, text))


def write_letter(
    session: Session,
    authority: Authority,
    to: Contact,
    text: str,
    prepared: PreparedReply,
    sending: SenderIdentity,
    key: str,
    *,
    mail: int | None = None,
    now: datetime,
    actor: str,
) -> tuple[ServiceLetter, bool]:
    """Keep a letter as it was read, and send it where it is an approved text, else ask for its approval.

    `mail` is the number of a mail of the authority that it answers: once it leaves, that is decided about. Returns the
    letter, and whether it was kept now: with a `key` that was used before, nothing changes. Raises NotFound without
    such a mail, Refused as `refuse_unwelcome` does, when a letter to the mailbox awaits approval already, or after too
    many in an hour.
    """
    answered = (
        received.in_turn(session, mail) if mail else None
    )  # before the turns below, as for whoever notes an answer
    take_lock(session, "letters", authority.fase)
    take_lock(session, "replies", actor)  # last in every transaction that takes it, but for the calm's
    known = session.scalars(select(ServiceLetter).where(ServiceLetter.key == key)).first()
    if known is not None:
        return known, False
    if any(one.address == to.address for one in awaiting_letters(session, authority)):
        raise Refused(f"Un courriel à {to.address} attend déjà la validation d’une autre personne : il part d’abord.")
    refuse_floods(session, actor, now)
    segments.take_turn(session)
    refuse_unwelcome(session, to, now=now)
    if prepared.text_id is not None and prepared.text_id != approved_as(session, text):
        raise Refused("Le texte validé a changé depuis que vous avez relu ce courriel : relisez-le.")
    letter = ServiceLetter(authority_id=authority.id, address=to.address, text=text, text_id=prepared.text_id, key=key)
    letter.written_at, letter.written_by, letter.letterhead_id = now, actor, prepared.head.version or None
    letter.mail_id = answered.id if answered and answered.authority_id == authority.id else None
    session.add(letter)
    session.flush()
    if prepared.text_id is not None:
        _post(session, letter, to, prepared, sending, now=now)
    else:
        content = content_of(authority, letter, prepared)
        approvals.record_decision(session, content, DecisionKind.SUBMITTED, now=now, actor=actor)
    return letter, True


def letter_numbered(session: Session, number: int) -> tuple[ServiceLetter, Authority]:
    """A letter by hand and whom it is for. Raises NotFound."""
    letter = session.get(ServiceLetter, number)
    if letter is None:
        raise NotFound("Aucun courriel n’a ce numéro.")
    return letter, session.get_one(Authority, letter.authority_id)


def prepared_again(session: Session, letter: ServiceLetter, sending: SenderIdentity, *, now: datetime) -> PreparedReply:
    """A letter as it would leave now, which is what is approved. Raises Refused when its mailbox is not usable."""
    authority = session.get_one(Authority, letter.authority_id)
    writer = Writer(colleagues.name_of(session, letter.written_by), letter.written_by)
    to = get_mailbox(session, authority, letter.address)
    head = site.get_letterhead(session, letter.letterhead_id)
    return prepare_letter(session, authority, to, letter.text, writer, sending, now=now, head=head)


def content_of(authority: Authority, letter: ServiceLetter, prepared: PreparedReply) -> Content:
    """A letter as decisions are about it: to whom, every word as merged, and under which letterhead."""
    merged = (letter.address, prepared.subject, prepared.html, prepared.text, *_said(prepared.head))
    digest = hashlib.sha256("\0".join(merged).encode()).hexdigest()
    named = f"Courriel « {prepared.subject} » à {letter.address}"
    return Content(Thing.LETTER.subject(letter.id), digest, prepared.subject[:200], named, subject_of(authority))


def approve_letter(
    session: Session,
    letter: ServiceLetter,
    prepared: PreparedReply,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> None:
    """Approve a letter as it was read, and put it into the outbox.

    Raises Refused as `deciding.decide` does, when it would read otherwise than it was submitted, and as
    `refuse_unwelcome` does.
    """
    authority = session.get_one(Authority, letter.authority_id)
    if letter.mail_id:
        received.in_turn(session, letter.mail_id)
    take_lock(session, "letters", authority.fase)
    segments.take_turn(session)
    to = get_mailbox(session, authority, letter.address)
    refuse_unwelcome(session, to, now=now)
    content = content_of(authority, letter, prepared)
    approvals.record_decision(session, content, DecisionKind.APPROVED, now=now, actor=actor)
    _post(session, letter, to, prepared, sending, now=now)


def end_letter(
    session: Session, letter: ServiceLetter, kind: DecisionKind, *, now: datetime, actor: str, reason: str = ""
) -> None:
    """Refuse a letter that awaits approval (a second person, with a reason), or withdraw it (who wrote it).

    Raises Refused where it awaits none, or it is not this person's to end; InputError without a reason to refuse.
    """
    authority = session.get_one(Authority, letter.authority_id)
    take_lock(session, "letters", authority.fase)
    held = state_of(session, letter)
    if held is None or held.kind is not DecisionKind.SUBMITTED:
        raise Refused("Ce courriel n’attend plus de validation.")
    if kind is DecisionKind.WITHDRAWN and actor != letter.written_by:
        raise Refused(
            f"{colleagues.name_of(session, letter.written_by)} a écrit ce courriel, et cette personne seule le retire."
        )
    if kind is DecisionKind.REFUSED and not reason.strip():
        raise InputError("Dites pourquoi : la personne qui a écrit ce courriel le lira.")
    content = Content(held.subject, held.digest, held.title, f"Courriel « {held.title} »", subject_of(authority))
    said = "retiré par la personne qui l’a écrit" if kind is DecisionKind.WITHDRAWN else reason.strip()
    approvals.record_decision(session, content, kind, now=now, actor=actor, reason=said)


def state_of(session: Session, letter: ServiceLetter) -> Decision | None:
    """The last decision about a letter; None of one that left without any."""
    return approvals.last_decision(session, Thing.LETTER.subject(letter.id))


def sent_letter(session: Session, letter: ServiceLetter) -> ServiceReply | None:
    """What left of a letter, or None."""
    return session.scalars(select(ServiceReply).where(ServiceReply.letter_id == letter.id)).first()


def awaiting_letters(session: Session, authority: Authority) -> Sequence[ServiceLetter]:
    """The letters to an authority that await approval, in order."""
    query = select(ServiceLetter).where(ServiceLetter.authority_id == authority.id).order_by(ServiceLetter.id)
    found = [(letter, state_of(session, letter)) for letter in session.scalars(query)]
    return [letter for letter, held in found if held is not None and held.kind is DecisionKind.SUBMITTED]


def _post(
    session: Session,
    letter: ServiceLetter,
    to: Contact,
    prepared: PreparedReply,
    sending: SenderIdentity,
    *,
    now: datetime,
) -> None:
    addressee = Addressee(letter.authority_id, to.address, to.address_key, to.address_ascii)
    about = ServiceReply(letter_id=letter.id, key=letter.key, sent_by=letter.written_by)
    answered = session.get(ReceivedMail, letter.mail_id) if letter.mail_id else None
    post(session, prepared, addressee, about, sending, now=now, thread=answered.ident if answered else "")
    if answered and answered.settled_at is None and answered.authority_id == letter.authority_id:
        received.settle_mail(session, answered.id, MailStepKind.ANSWERED, now=now, actor=letter.written_by)


def _said(head: Letterhead) -> tuple[str, ...]:
    return (*head.lines, head.digest) if head.version else ()


def _sender(session: Session) -> Sender:
    """Who signs: as in the newest campaign, or as in the ready-made ones where there is none."""
    newest = session.scalars(select(Campaign).order_by(Campaign.id.desc()).limit(1)).first()
    if newest is not None:
        return Sender(name=newest.sender_name, address=newest.sender_address)
    return next(iter(planning.ready_made(planning.READY_MADE).values())).sender


def _written(sender: Sender, subject: str, body: str, writer: Writer) -> WrittenLetter:
    return WrittenLetter(
        campaign_id=0,
        message_class=MessageClass.AWARENESS,
        strand_id=None,
        concerns=Concerns.OPEN,
        boxes=Boxes.AUTHORITY,
        subject=subject,
        preheader="",
        letter=body,
        tracking=TrackingMode.NONE,
        circular="",
        circular_url="",
        deadline_days=0,
        sender_name=sender.name,
        sender_address=sender.address,
        contact_name=writer.name,
        contact_service="",
        contact_email=writer.email,
        contact_phone="",
    )


def _due(authority: Authority, to: Contact, now: datetime) -> Due:
    return Due(
        schools=(),
        kept=None,
        id=0,
        mailing_id=0,
        authority_id=authority.id,
        address=to.address,
        address_key=to.address_key,
        address_ascii=to.address_ascii,
        public_id=NOBODY,
        dated_at=now,
        return_path="",
        revision=0,
    )
