"""Answers requests for a forgotten password: a link by mail to whom an account belongs, nothing to anybody else."""

from collections.abc import Callable
from datetime import datetime

from outreach import audit
from outreach.accounts import colleagues, requests
from outreach.accounts.colleagues import Colleague
from outreach.accounts.links import LinkKind
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.db import Database, Session, take_turns
from outreach.delivery.smtp.guard import Guard
from outreach.roles import RoleName
from outreach.staff_mail import account_letters
from outreach.staff_mail.account_letters import AccountHolder, AccountMail

TELLER = "système"


def answer(
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
        asked = requests.waiting(session)
        if not asked:
            return []
        named = _named(session, set(asked.values()), key)
        contact = next((one.email for one in colleagues.with_role(session, RoleName.ADMINISTRATOR)), "")
    mails = {
        person.id: account_letters.write(
            LinkKind.FORGOTTEN, sending, AccountHolder(person.email, person.name, ()), contact=contact, now=now
        )
        for person in named
        if contact and takes_password(person.email) and not guard.stops(person.email)
    }
    with database.writing() as session:
        take_turns(session, "accounts")
        mine = {asked[number] for number in requests.handle(session, list(asked), now=now)}
        still = colleagues.numbered(session, mails)
        whose = [still[person.id] for person in _named(session, mine, key) if person.id in still]
        return [_post(session, mails[person.id], person, sending, now) for person in whose]


def _named(session: Session, digests: set[bytes], key: bytes) -> list[Colleague]:
    """The colleagues with a password whose addresses have these digests."""
    by_address = {person.email: person for person in colleagues.with_password(session)}
    named = requests.digests_of(key, by_address)
    return [by_address[named[digest]] for digest in sorted(digests & named.keys())]


def _post(session: Session, mail: AccountMail, person: Colleague, sending: SenderIdentity, now: datetime) -> int:
    said = f"Lien envoyé à {person.email} pour choisir un mot de passe ({mail.kind.label})."
    audit.record(session, now, TELLER, said, f"user:{person.email}")
    return account_letters.post(session, mail, person.id, sending, now=now, actor=TELLER)
