"""What is open to accounts of federations and networks: each view by its name, and no other.

A view of `PAGES` reads through the account's sight. One of `OWN` reads rows of the account itself, and nothing else.
One of `GUIDE` reads no row.
"""

from flask import g
from flask_login import current_user

from outreach.sight.scopes import Sight

PAGES = frozenset(
    {
        "situation.index",
        "situation.export",
        "situation.picture",
        "situation.listed",
        "situation.export_list",
        "situation.all_actions",
        "situation.export_actions",
        "directory.index",
        "directory.export",
        "directory.authority",
        "directory.export_schools",
        "directory.authority_contacts",
        "directory.export_contacts",
        "schools.index",
        "adherence.statuses",
        "calendar.index",
        "notes.index",
        "notes.export",
        "proposals.index",
        "proposals.export",
        "proposals.new",
    }
)
WRITES = frozenset({"proposals.propose"})  # it reads its target as a page does; a named function writes
OWN = frozenset(
    {
        "account.index",
        "account.password",
        "account.choose_pace",
        "account.sign_out",
        "oidc.bind",
        "account.end_session",
        "account.end_other_sessions",
        "calendar.make_key",
        "calendar.end_key",
        "second_factor.index",
        "second_factor.begin",
        "second_factor.confirm",
        "second_factor.renew_codes",
        "second_factor.remove",
        "jobs.index",
        "jobs.export",
        "jobs.ask",
        "jobs.job",
        "jobs.cancel",
        "jobs.again",
        "jobs.file",
    }
)
GUIDE = frozenset({"guide.index", "guide.topic", "guide.file"})
CLOSED = (
    "Votre compte voit la situation, l’annuaire, le calendrier et les notes publiées, pour vos membres. Cette page "
    "n’en est pas : demandez au service ce qu’il vous faut."
)


def counted() -> Sight | None:
    """Whose members alone this request reads: the account's scope, or the key's; None where it reads all rows."""
    sight: Sight | None = g.get("sight")
    return sight


def is_scoped() -> bool:
    """Whether whoever is signed in sees the members of a federation or a network alone."""
    return bool(current_user.is_authenticated and current_user.sight is not None)


def opens(endpoint: str) -> bool:
    """Whether a view is open to whoever is signed in, as far as its scope goes; a role may still be wanted."""
    return not is_scoped() or endpoint in PAGES | WRITES | OWN | GUIDE
