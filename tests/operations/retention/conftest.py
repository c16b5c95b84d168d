"""What the tests of retention begin with."""

from sqlalchemy import select, update

from outreach.campaigns.letter import Composer
from outreach.delivery.models import Composition, Mailing, Message
from outreach.delivery.outbox import due_of
from tests.conftest import state_from
from tests.engagement.replies.test_answers import AT, SENDING, act, give, three_asked

__all__ = ["three_asked"]


@state_from("three_asked")
def three_answered(database, _settings):
    """The same letters with what they said, three answers of persons, one handled."""
    with database.writing() as session:
        for message in session.scalars(select(Message)).all():
            mailing = session.get_one(Mailing, message.mailing_id)
            composed = Composer(SENDING, lambda: AT)(session, mailing, [due_of(session, message)])
            session.add(Composition(message_id=message.id, revision=0, content=composed[message.id].content))
        session.execute(update(Message).values(worker_id="w", fenced_at=AT, settled_at=AT))
        letters = session.scalars(select(Message.id).order_by(Message.id)).all()
    for letter in letters:
        (key,) = give(database, letter, "help", now=AT, comment="Appelez Ondine Vif.", name="Ondine Vif", function="x")
    act(database, key, now=AT)
