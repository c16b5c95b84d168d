"""A campaign whose departures were drawn and have left, with joinings by departure as a test wants them."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select

from outreach.adherence.imports import HEADERS, JoiningLists, stated_coverage
from outreach.adherence.models import AdherenceRecord
from outreach.campaigns import counting, experiments, planning
from outreach.campaigns.experiments import Candidate, Listed
from outreach.campaigns.models import CampaignState, Wave, WaveState
from outreach.campaigns.planning import _experiment_plan as experiment_plan
from outreach.campaigns.waves import _launching as launching
from outreach.core import tables
from outreach.core.text.dates import today
from outreach.delivery.models import Batch, Mailing, Message, MessageState, MessageSubject
from outreach.directory.models import Authority, EducationType, Network, Ownership, School, Teaching
from tests import factories
from tests.campaigns.conftest import draft, settle
from tests.conftest import NOW

GAP = timedelta(days=14)
SECONDARY = Teaching.education_type == EducationType.SECONDARY_ORDINARY
LEFT = NOW + timedelta(hours=1)  # of departure 1


def draw(database, many=90):
    """A campaign to so many authorities, half of them with two schools, drawn with a gap of 14 days; its number."""
    with database.reading() as session:
        is_sample = session.scalar(select(Authority.id).limit(1)) is not None
    if not is_sample:
        settle(database, many - many // 2)
        settle(database, many // 2, schools=2)
    number = draft(database)
    with database.writing() as session:
        campaign = planning.campaign_numbered(session, number)
        campaign.departure_gap, campaign.starts_at = 14, LEFT
        rows = session.execute(_silent().limit(many)).all()
        candidates = [
            Candidate(key, 1, Listed(fase, "Libre confessionnel", place >= many - many // 2, False))
            for place, (key, fase) in enumerate(rows)
        ]
        attempt = experiments.submit_draw(session, campaign, stated_plan(many), candidates, now=NOW)
        experiments.reveal_attempt(session, attempt, now=NOW)
        campaign.state = CampaignState.APPROVED
    return number


def stated_plan(many):
    """What a submission states, as `draw_plan` freezes it."""
    return {
        "departures": [(today(LEFT) + place * GAP).isoformat() for place in range(3)],
        "window_days": 14,
        "outcome": experiment_plan.OUTCOME,
        "method": experiment_plan.METHOD,
        "reminders": "7",
        "first_come": False,
        "figure_on": (today(LEFT) + timedelta(days=41)).isoformat(),
        "strata": [["Libre confessionnel", many]],
        "outside": {"partage une boîte": 2},
    }


def _silent():
    """Authorities of one network with a secondary school, about which nothing is recorded."""
    known = select(Ownership.authority_id).join(AdherenceRecord, AdherenceRecord.school_id == Ownership.school_id)
    query = select(Authority.id, Authority.fase).join(Network, Network.id == Authority.network_id)
    query = query.where(Network.code == "Libre confessionnel", Authority.id.not_in(known))
    owners = select(Ownership.authority_id).join(Teaching, Teaching.school_id == Ownership.school_id).where(SECONDARY)
    return query.where(Authority.id.in_(owners)).order_by(Authority.id)


def leave(database, number, departure, at: datetime | None = None):
    """Let a departure leave: every letter is accepted at once; returns the keys of its authorities."""
    at = at or LEFT + (departure - 1) * GAP
    with database.writing() as session:
        campaign = planning.campaign_numbered(session, number)
        whom = session.scalars(experiments.assigned_to(number, departure)).all()
        mailing = Mailing(
            **factories.mailing(at, filled_at=at, strand_id=campaign.strand_id, stop_strand_id=campaign.strand_id)
        )
        session.add(mailing)
        session.flush()
        batch = Batch(mailing_id=mailing.id, number=1)
        times = {"due_at": at, "latest_start": at + timedelta(days=2), "answer_by": today(at + timedelta(days=30))}
        kind = {"number": departure, "reminder": 0, "departure": departure, "state": WaveState.FINISHED}
        wave = Wave(campaign=campaign, is_staged=True, **kind, **times)
        session.add_all([batch, wave])
        session.flush()
        counting.enter_audience(session, wave, (0, launching.LAST_KEY), now=at)
        wave.mailing = mailing
        session.flush()
        sent = {"state": MessageState.ACCEPTED, "fence_id": "f", "fenced_at": at, "settled_at": at, "due_at": at}
        named = {"mailing_id": mailing.id, "batch_id": batch.id, "dated_at": at, "return_path": "r@x.example"}
        letters = [
            {"authority_id": key, "public_id": f"{mailing.id:08x}{key:08x}", **_address(key), **named, **sent}
            for key in whom
        ]
        session.execute(insert(Message), letters)
        owned = select(Message.id.label("message_id"), Ownership.school_id).join(
            Ownership, Ownership.authority_id == Message.authority_id
        )
        subjects = session.execute(owned.where(Message.mailing_id == mailing.id)).all()
        session.execute(insert(MessageSubject), [dict(row._mapping) for row in subjects])
    return whom


def _address(key):
    address = f"po{key}@adm.fwb.example"
    return {"address": address, "address_key": address, "address_ascii": address}


def departures(database, number):
    """The FASE numbers of each departure, those outside left out."""
    with database.reading() as session:
        strata = experiments.order_of(session, experiments.draw_of(session, number))
    return [sorted(fase for one in strata for fase in one.departures[place]) for place in range(3)]


def school_of(session, fase):
    """The first school of an authority, by its own FASE number."""
    return session.scalars(
        select(School.fase)
        .join(Ownership, Ownership.school_id == School.id)
        .join(Authority, Authority.id == Ownership.authority_id)
        .join(Teaching, Teaching.school_id == School.id)
        .where(Authority.fase == fase, SECONDARY)
        .order_by(School.fase)
        .limit(1)
    ).one()


def tell(database, joined, until, networks=("Libre confessionnel",), *, at, programme=1):
    """Apply a list of a programme (its key): {FASE number of an authority: day}, complete until a day for networks.

    Returns its key.
    """
    kind = JoiningLists(today(at))
    with database.writing() as session:
        lines = [f"{school_of(session, fase)};1;adhéré;{day:%d/%m/%Y}" for fase, day in joined.items()]
        said = stated_coverage(session, until, networks if until else (), today(at))
        facts = {"programme_id": programme, "coverage": said}
        sent = tables.open_import("\r\n".join(["fase;volet;statut;date", *lines]).encode(), HEADERS)
        received = tables.receive_import(session, kind, sent, now=at, actor="nadia", **facts)
        tables.apply_import(
            session, kind, received, tables.judge_import(session, kind, received), now=at, actor="nadia"
        )
        return received.id
