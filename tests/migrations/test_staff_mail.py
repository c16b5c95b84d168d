"""Letters to the service's own people, on the way down from revision 0025: the older program knows none."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from outreach import migrations
from outreach.alerts import mails
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.staff_mail import letters
from tests.migrations.test_populated import dumped

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


def test_they_go_and_changes_of_gates_are_guarded_as_before(database, settings, now):
    def write():
        with database.writing() as session:
            alert, sending = mails.letter_about(["a@b.example"], "Alerte", ["Rien."]), SenderIdentity.of(settings)
            letters.post(session, alert, letters.write(alert, sending, now=now), sending, now=now, actor="service")

    before = dumped(database)
    write()
    migrations.downgrade(database.engine, "0020")
    migrations.upgrade(database.engine)
    assert dumped(database) == before
    write()
    with database.engine.begin() as connection, pytest.raises(IntegrityError, match="only added"):
        connection.execute(text("DELETE FROM gate_changes"))
