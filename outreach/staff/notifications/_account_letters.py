"""Letters with a link to choose a password: posted, emptied once handed over, sent to whoever forgot one.

Until then the outbox holds the link, as it must send it. Afterwards nothing does: of the link a digest is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, insert, or_, select

from outreach.access import accounts, colleagues
from outreach.access.accounts import AccountLink, LinkKind
from outreach.access.colleagues import Colleague
from outreach.campaigns.letter import LetterSnapshot, SenderIdentity
from outreach.core import audit
from outreach.core.db import Database, Session, table_of, take_lock
from outreach.core.text.french import moment
from outreach.core.text.links import ACCOUNT_LIST
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.delivery.models import Mailing, Message, MessageState, Reason
from outreach.delivery.smtp import Guard
from outreach.staff.notifications._letters import Said, StaffLetter
from outreach.staff.notifications._letters import post_mail as post_staff
from outreach.staff.notifications._letters import write_mail as write_staff
from outreach.staff.notifications._models import AccountLetter

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
    frozen: LetterSnapshot


def write_account_mail(
    kind: LinkKind, sending: SenderIdentity, to: AccountHolder, *, contact: str, now: datetime, by: str = ""
) -> AccountMail:
    """The letter with a new link, laid out; `by` is the name of who asked for it, or ''.

    It takes its time: no transaction that writes should be open.
    """
    token, until = accounts.new_token(), moment(now + kind.lifetime)
    beside = IF_ASKED_BY_NOBODY if kind is LinkKind.FORGOTTEN else IF_SURPRISED.format(contact=contact)
    said = (
        Said(OPENINGS[kind].format(by=by, does=_does(to))),
        Said(CHOOSE.format(until=until), f"{accounts.PATH}{token}", "Choisir mon mot de passe", is_trusted=True),
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
    return f"{sending.address}{accounts.PATH}{token}"


def post_account_mail(
    session: Session, mail: AccountMail, user_id: int, sending: SenderIdentity, *, now: datetime, actor: str
) -> int:
    """Make the link, which ends the person's earlier ones, and put its letter into the outbox.

    Returns the number of its mailing.
    """
    link = accounts.make_link(session, user_id, mail.kind, mail.token, now=now)
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
        frozen = LetterSnapshot.from_json(mailing.letter)
        mailing.letter = replace(frozen, draft=replace(frozen.draft, html="", text="")).to_json()
    session.execute(delete(AccountLetter).where(AccountLetter.mailing_id.in_([mailing.id for mailing in settled])))
    return len(settled)


def _is_under_way() -> ColumnElement[bool]:
    waits = Message.state.in_((MessageState.QUEUED, MessageState.HANDING))
    return exists().where(Message.mailing_id == AccountLetter.mailing_id, waits)


TELLER = "système"


def answer_requests(
    database: Database,
    sending: SenderIdentity,
    guard: Guard,
    key: bytes,
    *,
    takes_password: Callable[[str], bool] = lambda _address: True,
    now: datetime,
) -> list[int]:
    """Look at what waits, and post a link for each account that was named. Returns the mailings.

    A person who asked more than once meanwhile gets one. There is none where the guard would withhold the letter,
    where the account has no password that could be forgotten, and where the installation takes none of it.
    """
    with database.reading() as session:
        asked = accounts.waiting_requests(session)
        if not asked:
            return []
        named = _named(session, set(asked.values()), key)
        contact = next((one.email for one in colleagues.with_role(session, RoleName.ADMINISTRATOR)), "")
    mails = {
        person.id: write_account_mail(
            LinkKind.FORGOTTEN, sending, AccountHolder(person.email, person.name, ()), contact=contact, now=now
        )
        for person in named
        if contact and takes_password(person.email) and not guard.stops(person.email)
    }
    with database.writing() as session:
        take_lock(session, "accounts")
        mine = {asked[number] for number in accounts.claim_requests(session, list(asked), now=now)}
        still = colleagues.numbered(session, mails)
        whose = [still[person.id] for person in _named(session, mine, key) if person.id in still]
        return [_post(session, mails[person.id], person, sending, now) for person in whose]


def _named(session: Session, digests: set[bytes], key: bytes) -> list[Colleague]:
    """The colleagues with a password whose addresses have these digests."""
    by_address = {person.email: person for person in colleagues.with_password(session)}
    named = accounts.digests_of(key, by_address)
    return [by_address[named[digest]] for digest in sorted(digests & named.keys())]


def _post(session: Session, mail: AccountMail, person: Colleague, sending: SenderIdentity, now: datetime) -> int:
    said = f"Lien envoyé à {person.email} pour choisir un mot de passe ({mail.kind.label})."
    audit.record_entry(session, now, TELLER, said, f"user:{person.email}")
    return post_account_mail(session, mail, person.id, sending, now=now, actor=TELLER)
