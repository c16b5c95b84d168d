"""Prepares a database: schema, reference rows, and a demonstration's people and sample."""

from datetime import date, datetime, timedelta

from outreach.access.accounts import accounts, passwords
from outreach.campaigns.letter.snapshot import SenderIdentity
from outreach.core.db import Database, take_lock
from outreach.core.settings import Mode, Settings
from outreach.core.text import dates
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import workers
from outreach.directory.reference import ensure_reference
from outreach.directory.register import edition_imports
from outreach.operations import migrations
from outreach.operations.demo import finished, mailbox, people, sample, story
from outreach.operations.migrations.kinds import Kind

PEOPLE = "people of the demonstration"  # the name of the turn to add them


def refuse_beside_others(database: Database, now: datetime) -> None:
    """Raises Refused where programs send from the database that could not go on once it is migrated."""
    is_new = not migrations.revisions_of(database.engine)
    if is_new or all(one.kind is Kind.ADDITIVE for one in migrations.pending(database.engine)):
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
    migrations.upgrade(database.engine)
    with database.writing() as session:
        ensure_reference(session)
        accounts.ensure_roles(session)


BEFORE = timedelta(days=4)  # the story's first campaign is written three days before it leaves


def load_sample(
    database: Database, settings: Settings, now: datetime, today: date, *, with_story: bool = False
) -> None:
    """Load the demonstration's people and directory. `with_story` adds a recent campaign and its results.

    Raises Refused outside a demonstration, and when the directory was ever filled. With the story, also when letters
    leave this machine, or when `today` is not the clock's day.
    """
    if settings.mode is not Mode.DEMO:
        raise Refused("L’annuaire fictif ne se charge qu’en mode démonstration.")
    if with_story and not settings.stays_here:
        raise Refused("L’histoire se raconte dans la boîte de démonstration : retirez OUTREACH_SMTP_URL.")
    if with_story and today != dates.today(now):
        raise Refused("L’histoire se raconte au jour de l’horloge : déplacez-la par --now, sans --today.")
    add_people(database, settings, now)
    author = people.person_for(RoleName.AUTHOR).email
    with database.writing() as session:
        if edition_imports.was_ever_filled(session):
            raise Refused("L’annuaire contient déjà une édition du registre : l’exemple se charge dans une base vide.")
        known_at = story.first_wave(now) - BEFORE if with_story else now  # who had joined is known as the story begins
        sample.load(session, now=known_at, today=today, actor=author, mailbox_domain=settings.mailbox_domain)
        chief = people.person_for(RoleName.ADMINISTRATOR).email
        people.fill(session, now=now, today=min(today, dates.today(now)), actor=chief)
        posted = []
        if with_story:
            finished.load(session, now=now)
            posted = story.tell(session, SenderIdentity.of(settings), now=now)
            finished.tell(session, SenderIdentity.of(settings), now=now)
    for letter in posted:
        mailbox.keep(mailbox.folder_of(settings.data), letter.wire, letter.at)


def add_people(database: Database, settings: Settings, now: datetime) -> None:
    """Add those of the demonstration's people who do not exist yet. Processes that begin at once take turns."""
    with database.reading() as session:
        if all(accounts.exists(session, person.email) for person in people.PEOPLE):
            return
    digest = passwords.hashed(people.password(settings.data))
    with database.writing() as session:
        take_lock(session, PEOPLE)
        for person in people.PEOPLE:
            if not accounts.exists(session, person.email):
                details = {"email": person.email, "name": person.name, "roles": person.roles, "scope": person.scope}
                accounts.add_user(session, now, "installation", **details, password_hash=digest)  # type: ignore[arg-type]
