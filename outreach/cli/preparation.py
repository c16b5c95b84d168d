"""Prepares a database: schema, reference rows, and a demonstration's people."""

from datetime import datetime

from outreach.access import accounts
from outreach.access.accounts import passwords
from outreach.core.db import Database, take_lock
from outreach.core.settings import Settings
from outreach.core.text.errors import Refused
from outreach.delivery import workers
from outreach.directory.reference import ensure_reference
from outreach.operations import migrations
from outreach.operations.demo import people
from outreach.operations.migrations.kinds import MigrationKind

PEOPLE = "people of the demonstration"  # the name of the turn to add them


def refuse_beside_others(database: Database, now: datetime) -> None:
    """Raises Refused where programs send from the database that could not go on once it is migrated."""
    is_new = not migrations.revisions_of(database.engine)
    if is_new or all(one.kind is MigrationKind.ADDITIVE for one in migrations.pending(database.engine)):
        return
    with database.reading() as session:
        at_work = workers.at_work(session, now=now)
    if at_work:
        raise Refused(
            f"Cette mise à jour demande que tout soit arrêté, et ceci envoie encore : {', '.join(at_work)}. Arrêtez le "
            "service sur chaque machine, ou attendez une demi-minute s’il a été tué, puis recommencez."
        )


def prepare(database: Database) -> None:
    """Migrate the database, and add the rows of every installation. Raises Refused where no migration leads on."""
    fault = migrations.fault_of(database.engine)
    if fault in migrations.REFUSALS:
        raise Refused(migrations.REFUSALS[fault])
    if fault:  # migrating imports every table
        migrations.upgrade(database.engine)
    with database.writing() as session:
        ensure_reference(session)
        accounts.ensure_roles(session)


def add_people(database: Database, settings: Settings, now: datetime) -> None:
    """Add those of the demonstration's people who do not exist yet. Processes that begin at once take turns."""
    with database.reading() as session:
        if all(accounts.account_exists(session, person.email) for person in people.PEOPLE):
            return
    digest = passwords.hash_password(people.password(settings.data))
    with database.writing() as session:
        take_lock(session, PEOPLE)
        for person in people.PEOPLE:
            if not accounts.account_exists(session, person.email):
                details = {"email": person.email, "name": person.name, "roles": person.roles, "scope": person.scope}
                accounts.add_user(session, now, "installation", **details, password_hash=digest)  # type: ignore[arg-type]
