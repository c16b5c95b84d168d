import pytest
from sqlalchemy import select

from outreach.core import tables
from outreach.core.text.addresses import judge
from outreach.directory.models import Authority, Contact, Ownership, School
from outreach.engagement.mailboxes import HEADERS, ContactLists

KIND = ContactLists(judge)


class Lists:
    """Lists of contacts in an open transaction, sent by Nadia."""

    def __init__(self, session, now):
        self.session, self.now = session, now

    def judged(self, content, *, complete=False, confirmed=()):
        """What a list would do; `content` is text or the bytes of a file."""
        sent = tables.open_import(content if isinstance(content, bytes) else content.encode(), HEADERS)
        kind = ContactLists(judge, confirmed)
        received = tables.receive_import(self.session, kind, sent, complete=complete, now=self.now, actor="nadia")
        return received, tables.judge_import(self.session, kind, received)

    def plan(self, content, **named):
        return self.judged(content, **named)[1].plan

    def apply(self, content, **named):
        received, judged = self.judged(content, **named)
        tables.apply_import(self.session, KIND, received, judged, now=self.now, actor="nadia")
        return received

    def held(self, *columns, fase=9300):
        """What is known of the addresses in use of an authority, by address."""
        query = select(Contact.address, *columns).join(Authority, Authority.id == Contact.authority_id)
        in_use = query.where(Authority.fase == fase, Contact.retired_at.is_(None)).order_by(Contact.address)
        return [tuple(row) for row in self.session.execute(in_use)]


@pytest.fixture
def sent(session, now):
    return Lists(session, now)


@pytest.fixture
def own(session):
    """The FASE numbers of the schools of 9300."""
    query = select(School.fase).join(Ownership, Ownership.school_id == School.id).where(Ownership.current())
    return session.scalars(query.join(Authority).where(Authority.fase == 9300).order_by(School.fase)).all()
