"""The demonstration's finished programme: the interval covers an effect that is known, and 0 where there is none."""

from datetime import date, timedelta

from sqlalchemy import func, select

from outreach.adherence.models import AdherenceRecord, Programme, Strand
from outreach.campaigns import experiments, letter, results
from outreach.campaigns.models import Campaign
from outreach.core.text.dates import today
from outreach.delivery.models import Message
from outreach.directory.models import Authority, Network, Ownership, School
from outreach.engagement.replies import Answer, Response
from outreach.operations.demo import finished
from tests.conftest import NOW
from tests.programmes import BARE


def the_effect_that_was_put_in_is_found_and_none_where_none_is(database):
    with database.reading() as session:
        assert results.verify_ledger(session, now=NOW) == []
        helped, idle, to_come = session.scalars(select(Campaign).order_by(Campaign.id)).all()[-3:]
        found = experiments.told_of(session, helped)
        assert found["state"] == "ready"
        assert 0 < found["low"] <= finished.EFFECT <= found["high"]
        assert found["told"].startswith("Oui. ")
        shown = {one.campaign.id: one.in_words for one in results.public_draw(session, helped.id).draws}
        assert shown == {one.id: experiments.told_of(session, one)["told"] for one in (helped, idle)}
        none = experiments.told_of(session, idle)
        assert none["low"] <= 0 <= none["high"]
        assert none["told"].replace("\xa0", " ").startswith("On ne peut pas conclure")
        assert to_come.starts_at > NOW + timedelta(days=30)


def the_second_programme_has_letters_answers_and_joinings_of_its_own(database):
    with database.reading() as session:
        campaigns = session.scalars(select(Campaign).order_by(Campaign.id)).all()
        *others, helped, idle, _ = campaigns
        codes = {each.id: each.code for each in session.scalars(select(Programme))}
        assert {codes[one.strand.programme_id] for one in (helped, idle)} == {finished.CODE}
        assert {codes[one.strand.programme_id] for one in others} == {"mes-outils-numeriques"}
        written = {one.subject for one in others} | {one.letter for one in others}
        for one in (helped, idle):
            assert not {one.subject, one.letter} & written
            assert "Plan lecture" in one.letter
            assert "numérique" not in f"{one.subject}{one.letter}{one.sender_name}"
            _joiners_are_of_all_kinds(session, one)
            given = session.scalars(select(Response).where(Response.strand_id == one.strand_id)).all()
            assert {response.answer for response in given} >= {Answer.JOINED, Answer.HELP, Answer.DECLINED}
            assert all(response.handled_at for response in given if response.answer.awaits_staff)
        assert helped.letter != idle.letter
        assert [one for one in _words_left(session) if BARE.search(one)] == [], "each letter names its programme"
        _joinings_are_of_all_networks(session)


def _joinings_are_of_all_networks(session):
    of_second = select(Strand.id).join(Programme).where(Programme.code == finished.CODE)
    query = select(Network.code, func.count()).select_from(AdherenceRecord)
    query = query.join(Ownership, (Ownership.school_id == AdherenceRecord.school_id) & Ownership.current())
    query = query.join(Authority, Authority.id == Ownership.authority_id).join(Network)
    listed = AdherenceRecord.list_id.is_not(None), AdherenceRecord.strand_id.in_(of_second)
    by_network = dict(session.execute(query.where(*listed).group_by(Network.code)).all())
    assert len(by_network) >= 5, by_network
    assert max(by_network.values()) < 2 / 3 * sum(by_network.values()), by_network


def _words_left(session):
    """The subjects of what was sent, as it left."""
    keys = session.scalars(select(Message.id).where(Message.fenced_at.is_not(None))).all()
    return [one.replace("\xa0", " ") for one in letter.subjects_kept(session, keys).values()]


def _joiners_are_of_all_kinds(session, campaign):
    """Of each kind about the share that was written to, by network, by zone and by place in the register."""
    of_strand = select(AdherenceRecord.school_id).where(AdherenceRecord.strand_id == campaign.strand_id)
    listed = of_strand.where(AdherenceRecord.list_id.is_not(None))
    schools = session.scalars(select(School).where(School.id.in_(listed))).all()
    drawn = experiments.order_of(session, experiments.draw_of(session, campaign.id))
    places = sorted(fase for one in drawn for fase in one.order)
    owner = select(Authority.fase).join(Ownership, Ownership.authority_id == Authority.id)
    owners = session.scalars(owner.where(Ownership.current(), Ownership.school_id.in_(listed))).all()
    joined = [fase for fase in owners if fase in places]  # the others joined by a trial, before any letter
    middle = sum(places.index(fase) for fase in joined) / len(joined) / len(places)
    spread = 0.29 / len(joined) ** 0.5  # of the mean of so many places by chance, as each draw is another one
    assert abs(middle - 1 / 2) < 4.5 * spread < 1 / 2 - len(joined) / len(places), "not the first FASE numbers"
    strata = sorted(len(one.order) for one in drawn)
    named = [one.name for one in drawn if set(one.order) & set(joined)]
    assert len(named) > len([size for size in strata if size > len(places) / len(joined)]) / 2, "most of the strata"
    assert len({school.zone for school in schools}) >= min(6, len(schools) // 2)


def test_the_two_campaigns_are_apart_and_over_on_every_day_of_the_year():
    """From September to November the second would start in the summer holidays, which move both to their end."""
    for day in (date(2026, 1, 5) + timedelta(days=each) for each in range(366)):
        early, late = map(today, finished.starts_before(day))
        assert late - early >= timedelta(days=2 * finished.GAP + 8)
        assert day - late >= timedelta(days=2 * finished.GAP + 30)
