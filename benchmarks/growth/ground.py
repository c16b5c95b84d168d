"""The ground of a measurement: a base of a size in a database, and the application over it with who is signed in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import Connection, make_url, select, text

from benchmarks.growth import directory, letters
from benchmarks.growth.letters import Pace
from outreach.access import accounts
from outreach.access.approvals import Extent
from outreach.campaigns import planning, segments
from outreach.campaigns.letter import SenderIdentity
from outreach.campaigns.models import Campaign
from outreach.cli.preparation import prepare
from outreach.core.db import Database
from outreach.core.settings import Settings, read
from outreach.delivery.models import Mailing
from outreach.web.app import create_app
from outreach.web.sign_in.sessions import KEY, TOKEN
from tests import factories

LAST_BEGAN, ENDED = timedelta(days=90), timedelta(days=30)  # before today
# Its own vacuum would be counted with an operation that it happens to run beside.
AFTER = ("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()", "VACUUM ANALYZE", "CHECKPOINT")


class Ground:
    """A base of so many authorities. `server` is the main process of PostgreSQL, None on SQLite.

    Nothing is connected to the database when it is made: processes are forked that use it.
    """

    def __init__(self, url: str, folder: Path, authorities: int, server: int | None, pace: Pace | None = None) -> None:
        self.draft, self.ready = not_sent(pace or Pace())
        self.url, self.folder, self.authorities, self.server = url, folder, authorities, server
        self.settings = read({"OUTREACH_DATA": str(folder), "OUTREACH_DATABASE_URL": url})
        self.database = Database(url, segments.info_of(self.settings))
        self._application = create_app(self.settings, self.database)
        with self.database.reading() as session:
            self.mailings = list(session.scalars(select(Mailing.id).order_by(Mailing.id)))
        self.database.dispose()

    def client(self, person: str = factories.AUTHOR) -> FlaskClient:
        """A browser in which a person is signed in."""
        client = self._application.test_client()
        with self.database.writing() as session:
            found = accounts.user_named(session, person)
            key = accounts.begin_session(session, found.id, "Firefox sous Linux", now=self.settings.instant())
            named = {"_user_id": found.fs_uniquifier, "_fresh": True, KEY: key, TOKEN: f"{found.id}.x"}
        with client.session_transaction() as cookie:
            cookie.update(named)
        return client

    def program(self) -> FlaskClient:
        """A client in which nobody is signed in."""
        return self._application.test_client()

    def register(self) -> str:
        """The URL of a database beside the base, without any authority: editions are applied there."""
        name = "register" if self.server else str(self.folder / "register.sqlite3")
        if self.server:
            with _autocommit(self.database) as connection:
                if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = 'register'")):
                    connection.execute(text("CREATE DATABASE register"))
        url = make_url(self.url).set(database=name).render_as_string(hide_password=False)
        register = Database(url)
        prepare(register)
        with register.writing() as session:
            factories.add_people(session, self.settings.instant())
        register.dispose()
        return url


def not_sent(pace: Pace) -> tuple[int, int]:
    """The keys of the campaigns that are not sent yet: the draft, and the one that is ready."""
    return pace.campaigns + 1, pace.campaigns + 2


def build(url: str, folder: Path, authorities: int, pace: Pace | None = None) -> None:
    """Fill an empty database."""
    database = Database(url)
    prepare(database)
    settings = read({"OUTREACH_DATA": str(folder)})
    begin(database, settings, pace or Pace())
    fill(database, settings, authorities, pace or Pace())
    database.dispose()


def begin(database: Database, settings: Settings, pace: Pace) -> None:
    """Have one authority, all campaigns, and the waves that were launched to it: the service does so itself."""
    now = settings.instant()
    start = now - pace.lasts - LAST_BEGAN
    factories.gather(database, 1, now=start, schools=directory.SCHOOLS)
    letters.launch_to_one(database, settings, start + timedelta(days=1), pace)
    with database.writing() as session:
        draft, ready = (factories.campaign(session, factories.invitation(reminders=()), now) for _ in range(2))
        session.flush()
        if (draft.id, ready.id) != not_sent(pace):
            raise RuntimeError(f"campaigns {draft.id} and {ready.id}")


def fill(database: Database, settings: Settings, authorities: int, pace: Pace) -> None:
    """Have so many authorities, all rows of which are copied, and their statistics as PostgreSQL takes them itself."""
    now = datetime.now(UTC)
    directory.settle(database, authorities, now - pace.lasts - LAST_BEGAN, now - ENDED)
    letters.copy_to_all(database, SenderIdentity.of(settings), authorities, now)
    with database.writing() as session:
        ready = session.get_one(Campaign, not_sent(pace)[1])
        planning.submit_campaign(session, ready, now=now, actor=factories.AUTHOR)
        planning.approve_campaign(session, ready, now=now, actor=factories.APPROVER, extent=Extent(authorities))
    if database.engine.dialect.name == "postgresql":
        with _autocommit(database) as connection:
            for statement in AFTER:
                connection.execute(text(statement))


def _autocommit(database: Database) -> Connection:
    return database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
