"""One person has one account, as far as addresses and names tell: approvals count persons by their accounts."""

import re

from sqlalchemy import select

from outreach.accounts.staff import User
from outreach.db import Session
from outreach.errors import InputError
from outreach.text import without_accents

WORD = re.compile(r"\w+")


def refuse_second_account(session: Session, added: User) -> None:
    """Raise InputError when another account leads to the new one's mailbox, or an active one has the same name.

    An address with a `+detail` leads to the mailbox without it. Names are the same whatever the order of their words,
    their accents, capitals and hyphens.
    """
    others = select(User.email, User.name, User.active).where(User.id != added.id).order_by(User.id)
    for email, name, is_active in session.execute(others):
        if _mailbox(email) == _mailbox(added.email):
            raise InputError(
                f"{added.email} mène à la même boîte que le compte {email} : une personne n’a qu’un compte."
            )
        if is_active and _words(name) == _words(added.name):
            raise InputError(
                f"Le compte {email} porte déjà ce nom : une personne n’a qu’un compte. "
                "Si c’est quelqu’un d’autre, ajoutez à son nom ce qui l’en distingue."
            )


def _mailbox(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _words(name: str) -> list[str]:
    return sorted(WORD.findall(without_accents(name).casefold()))
