"""Letters with a link to choose a password: written, posted, and emptied once their relay has them.

Until then the outbox holds the link, as it must send it. Afterwards nothing does: of the link a digest is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select

from outreach.accounts import links
from outreach.accounts.links import AccountLink, LinkKind
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity
from outreach.db import Session, table_of
from outreach.delivery.ledger import outbox
from outreach.delivery.models import Mailing, Message, MessageState, Reason
from outreach.french import moment
from outreach.mail.mime import ACCOUNT_LIST
from outreach.roles import RoleName
from outreach.staff_mail.letters import Said, StaffLetter
from outreach.staff_mail.letters import post as post_staff
from outreach.staff_mail.letters import write as write_staff
from outreach.staff_mail.models import AccountLetter

SUBJECTS = {
    LinkKind.INVITATION: "Votre compte du service de sensibilisation",
    LinkKind.RESET: "Choisir un nouveau mot de passe",
    LinkKind.FORGOTTEN: "Choisir un nouveau mot de passe",
}
OPENINGS = {
    LinkKind.INVITATION: (
        "{by} vous ouvre un compte du service de sensibilisation, par lequel la Fédération Wallonie-Bruxelles écrit "
        "aux pouvoirs organisateurs des écoles. Ce que vous pourrez y faire : {does}."
    ),
    LinkKind.RESET: "{by} vous invite à choisir un nouveau mot de passe pour le service de sensibilisation.",
    LinkKind.FORGOTTEN: (
        "Vous avez oublié votre mot de passe du service de sensibilisation, ou quelqu’un a indiqué votre adresse."
    ),
}
CHOOSE = "Choisissez votre mot de passe sur cette page, avant le {until} (heure de Bruxelles) :"
IF_ASKED_BY_NOBODY = "Si vous n’avez rien demandé, ne faites rien : votre mot de passe reste le même."
IF_SURPRISED = "Si ce courriel vous surprend, ne faites rien et écrivez à {contact}."


@dataclass(frozen=True, slots=True)
class AccountHolder:
    """Whom an account is for; `scope` is the code of a federation or network."""

    email: str
    name: str
    roles: Sequence[RoleName]
    scope: str = ""


@dataclass(frozen=True, slots=True)
class AccountMail:
    """A link that is not made yet, and the letter that carries it."""

    kind: LinkKind
    token: str
    letter: StaffLetter
    frozen: Frozen


def write(
    kind: LinkKind, sending: SenderIdentity, to: AccountHolder, *, contact: str, now: datetime, by: str = ""
) -> AccountMail:
    """The letter with a new link, laid out; `by` is the name of who asked for it, or ''.

    It takes its time: no transaction that writes should be open.
    """
    token, until = links.new_token(), moment(now + kind.lifetime)
    beside = IF_ASKED_BY_NOBODY if kind is LinkKind.FORGOTTEN else IF_SURPRISED.format(contact=contact)
    said = (
        Said(OPENINGS[kind].format(by=by, does=_does(to))),
        Said(CHOOSE.format(until=until), f"{links.PATH}{token}", "Choisir mon mot de passe", is_trusted=True),
        Said(f"Ce lien ne sert qu’une fois, et il n’est que pour vous : ne le transmettez pas. {beside}"),
    )
    letter = StaffLetter([to.email], SUBJECTS[kind], said, to.name, contact, ACCOUNT_LIST)
    return AccountMail(kind, token, letter, write_staff(letter, sending, now=now))


def _does(to: AccountHolder) -> str:
    """What somebody does with an account, in French."""
    if to.scope:
        of = "fédération" if RoleName.FEDERATION in to.roles else "réseau"
        return f"lire où en sont les membres de votre {of}, {to.scope}, et proposer des corrections"
    return ", ".join(role.label for role in to.roles)


def address_of(token: str, sending: SenderIdentity) -> str:
    """The whole address of a link."""
    return f"{sending.address}{links.PATH}{token}"


def post(
    session: Session, mail: AccountMail, user_id: int, sending: SenderIdentity, *, now: datetime, actor: str
) -> int:
    """Make the link, which ends the person's earlier ones, and put its letter into the outbox.

    Returns the number of its mailing.
    """
    link = links.make(session, user_id, mail.kind, mail.token, now=now)
    mailing = post_staff(session, mail.letter, mail.frozen, sending, now=now, actor=actor)
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
