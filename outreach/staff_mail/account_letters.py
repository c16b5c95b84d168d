"""Letters with a link to choose a password: written, posted, and emptied once their relay has them.

Until then the outbox holds the link, as it must send it. Afterwards nothing does: of the link a digest is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select

from outreach.accounts import links
from outreach.accounts.links import AccountLink, LinkKind
from outreach.campaigns.letter.facts import Shared
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity, layouts
from outreach.days import today
from outreach.db import Session, table_of
from outreach.delivery.ledger import outbox
from outreach.delivery.ledger.recipients import Addressee
from outreach.delivery.models import Mailing, Message, MessageState, Reason
from outreach.french import moment, typeset
from outreach.mail.addresses import judge
from outreach.mail.letters import Draft, one_line
from outreach.mail.marks import Marks
from outreach.mail.mime import ACCOUNT_LIST
from outreach.measuring.models import TrackingMode
from outreach.roles import RoleName
from outreach.staff_mail.letters import headers, plain, put
from outreach.staff_mail.models import AccountLetter

SUBJECTS = {
    LinkKind.INVITATION: "Votre compte du service de sensibilisation",
    LinkKind.RESET: "Choisir un nouveau mot de passe",
    LinkKind.FORGOTTEN: "Choisir un nouveau mot de passe",
}


@dataclass(frozen=True, slots=True)
class AccountHolder:
    """Whom an account is for."""

    email: str
    name: str
    roles: Sequence[RoleName]


@dataclass(frozen=True, slots=True)
class AccountMail:
    """A link that is not made yet, and the letter that carries it. `contact` is who can answer a question about it."""

    kind: LinkKind
    token: str
    address: str
    contact: str
    frozen: Frozen


def write(
    kind: LinkKind, sending: SenderIdentity, to: AccountHolder, *, contact: str, now: datetime, by: str = ""
) -> AccountMail:
    """The letter with a new link, laid out; `by` is the name of who asked for it, or ''.

    It takes its time: no transaction that writes should be open.
    """
    token = links.new_token()
    around = {
        "kind": kind.value,
        "subject": SUBJECTS[kind],
        "name": plain(one_line(to.name), sending),
        "by": plain(one_line(by), sending),
        "roles": ", ".join(role.label for role in to.roles),
        "link": address_of(token, sending),
        "until": moment(now + kind.lifetime),
        "contact": contact,
    }
    html, text = (typeset(layouts.get_template(f"account.{part}").render(around)) for part in ("html", "txt"))
    shared = Shared(circular="", deadline=today(now), contact=contact, is_reminder=False)
    frozen = Frozen(Draft.of(Marks(), SUBJECTS[kind], html, text), shared, TrackingMode.NONE)
    return AccountMail(kind, token, to.email, contact, frozen)


def address_of(token: str, sending: SenderIdentity) -> str:
    """The whole address of a link."""
    return f"{sending.address}{links.PATH}{token}"


def post(
    session: Session, mail: AccountMail, user_id: int, sending: SenderIdentity, *, now: datetime, actor: str
) -> int:
    """Make the link, which ends the person's earlier ones, and put its letter into the outbox.

    Returns the number of its mailing.
    """
    link, to = links.make(session, user_id, mail.kind, mail.token, now=now), judge(mail.address)
    named = headers(mail.contact, sending, ACCOUNT_LIST)
    addressees = [Addressee(None, to.address, to.key, to.ascii)]
    mailing = put(session, mail.frozen, named, addressees, sending.return_path, now=now, actor=actor)
    session.execute(insert(table_of(AccountLetter)).values(mailing_id=mailing, link_id=link))
    return mailing


def empty_settled(session: Session, *, now: datetime) -> int:
    """Empty the letters that will not leave any more: their relay has them, or nothing will. Returns how many.

    A letter that still waits is withdrawn first when its link no longer serves.
    """
    dead = select(AccountLetter.mailing_id).join(AccountLink, AccountLink.id == AccountLetter.link_id)
    is_dead = or_(AccountLink.used_at.is_not(None), AccountLink.ended_at.is_not(None), AccountLink.expires_at <= now)
    for mailing in session.scalars(select(Mailing).where(Mailing.id.in_(dead.where(is_dead)))):
        outbox.withdraw_all(session, mailing, Reason.CANCELLED, now=now)
    settled = session.scalars(
        select(Mailing).join(AccountLetter, AccountLetter.mailing_id == Mailing.id).where(~_is_under_way())
    ).all()
    for mailing in settled:
        frozen = Frozen.from_json(mailing.letter)
        mailing.letter = replace(frozen, draft=replace(frozen.draft, html="", text="")).to_json()
    session.execute(delete(AccountLetter).where(AccountLetter.mailing_id.in_([mailing.id for mailing in settled])))
    return len(settled)


def _is_under_way() -> ColumnElement[bool]:
    waits = Message.state.in_((MessageState.QUEUED, MessageState.HANDING))
    return exists().where(Message.mailing_id == AccountLetter.mailing_id, waits)
