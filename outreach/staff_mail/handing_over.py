"""Hands a task over: whoever lacks its role asks by mail those who have it, with the page where it is done."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from outreach import audit
from outreach.accounts import colleagues
from outreach.accounts.colleagues import Colleague
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity
from outreach.db import Session, take_turns
from outreach.delivery.ledger import outbox
from outreach.delivery.models import Purpose
from outreach.errors import InputError, Refused
from outreach.roles import RoleName
from outreach.staff_mail import letters
from outreach.staff_mail.letters import Said, StaffLetter
from outreach.text import line_of_words

LONGEST, LONGEST_PATH, MOST_AN_HOUR = 500, 500, 10


def able(session: Session, role: RoleName, asker: str) -> Sequence[Colleague]:
    """The colleagues who hold a role, without the one who asks."""
    return [one for one in colleagues.with_role(session, role) if one.email != asker]


def is_page(path: str) -> bool:
    """Whether a path is that of a page of this service, and of no other."""
    is_ours = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return is_ours and len(path) <= LONGEST_PATH


def write(
    session: Session,
    role: RoleName,
    to: str,
    path: str,
    words: str,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> tuple[StaffLetter, Frozen]:
    """The mail that asks, laid out to be posted. `to` is one colleague's address, or '' for all who hold the role.

    It takes its time: no transaction that writes should be open. Raises InputError where nobody holds the role, the
    chosen one does not, the page is not ours, or the words are missing or too long.
    """
    asked = [one.email for one in able(session, role, actor) if to in {"", one.email}]
    if not asked:
        raise InputError(f"Personne d’autre n’a le rôle « {role.label} » : demandez à l’administration du service.")
    said = line_of_words(" ".join(words.split()))
    if not said or len(said) > LONGEST:
        raise InputError(f"Dites ce que vous demandez, en {LONGEST} caractères au plus.")
    if not is_page(path):
        raise InputError("Cette page n’est pas une page du service : repartez de celle où vous étiez.")
    who = colleagues.name_of(session, actor)
    sentence = f"{who} n’a pas le rôle « {role.label} » et vous demande : {said}"
    letter = StaffLetter(asked, f"{who} vous adresse une demande", [Said(sentence, path)], contact=actor)
    return letter, letters.write(letter, sending, now=now)


def ask(
    session: Session,
    mail: tuple[StaffLetter, Frozen],
    role: RoleName,
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> int:
    """Put the mail into the outbox; returns to how many it goes. Raises Refused after too many in an hour."""
    take_turns(session, "handing over", actor)
    if outbox.opened_by(session, actor, Purpose.STAFF, since=now - timedelta(hours=1)) >= MOST_AN_HOUR:
        raise Refused(f"Vous avez fait {MOST_AN_HOUR} demandes en une heure : attendez avant la suivante.")
    letters.post(session, *mail, sending, now=now, actor=actor)
    said = f"Demande faite aux personnes qui ont le rôle « {role.label} »."
    audit.record(session, now, actor, said, f"user:{actor}")
    return len(mail[0].to)
