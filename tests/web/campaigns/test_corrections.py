"""A correction is about the programme and the strand of the letter that it corrects, whoever asks otherwise."""

import pytest

from outreach.adherence import programmes
from outreach.campaigns import planning, review
from outreach.campaigns.segments import Concerns, ReceivedMailing, to_json
from outreach.campaigns.segments._criteria import Or
from outreach.core.text.errors import Refused
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW
from tests.pages import elements, form_of, text_of
from tests.programmes import FIRST, SECOND, two_programmes
from tests.web.campaigns.test_beginning import campaigns_in, chosen, last_campaign, said_of

__all__ = ["two_programmes"]

OTHERS = [f"{FIRST}/2", f"{SECOND}/1", f"{SECOND}/2"]
CORRECTION = "/campaigns/begin?definition=rectificatif&received=1/1"
SENTENCE = "Ce rectificatif corrige un courriel de « Mes outils numériques, volet 1 » : choisissez ce programme"


@pytest.mark.parametrize("strand", OTHERS)
def test_a_correction_is_not_begun_about_another_strand(author, two_programmes, strand):
    page = author.get(CORRECTION)
    assert chosen(page) == [f"{FIRST}/1"], "that of the letter to correct"
    fields = {"definition": "rectificatif", "received": "1/1", "title": "Un rectificatif", "strand": strand}
    counted = author.send("/campaigns", {**fields, "count": "1"}, page=CORRECTION)
    assert SENTENCE in said_of(counted)
    before = campaigns_in(two_programmes)
    refused = author.send("/campaigns", fields, page=CORRECTION)
    assert (refused.status_code, SENTENCE in said_of(refused), campaigns_in(two_programmes)) == (422, True, before)
    assert author.begin(CORRECTION, strand=f"{FIRST}/1").status_code == 302


def test_a_correction_does_not_go_over_to_another_strand(author, two_programmes):
    place = author.begin(CORRECTION, strand=f"{FIRST}/1").location
    form = form_of(author.get(place), "choices")
    refused = author.post(place, data={**form, "strand": f"{SECOND}/1"})
    assert (refused.status_code, SENTENCE in said_of(refused)) == (422, True)
    with two_programmes.writing() as session:
        campaign = last_campaign(session)
        other = programmes.strand_named(session, SECOND, 1)
        with pytest.raises(Refused, match="Ce rectificatif corrige un courriel de"):
            planning.revise_campaign(session, campaign, {"strand_id": other.id}, now=NOW, actor=factories.AUTHOR)
        told = to_json(ReceivedMailing(strand=2))
        with pytest.raises(Refused, match="Mes outils numériques, volet 2"):
            planning.revise_campaign(session, campaign, {"criteria": told}, now=NOW, actor=factories.AUTHOR)
        assert campaign.strand.number == 1


def test_a_draft_that_was_begun_so_before_is_blocked_by_its_check(author, two_programmes):
    author.begin(CORRECTION, strand=f"{FIRST}/1")
    with two_programmes.writing() as session:
        campaign = last_campaign(session)
        campaign.strand_id = programmes.strand_named(session, SECOND, 1).id
        number = campaign.id
    with two_programmes.reading() as session:
        blocks = review.check_campaign(session, planning.campaign_numbered(session, number), SENDING, now=NOW).blocks
    assert [one for one in blocks if one.startswith("Ce rectificatif corrige")]
    assert SENTENCE in said_of(author.get(f"/campaigns/{number}/check"))


def test_one_correction_of_letters_of_two_strands_is_refused(two_programmes):
    with two_programmes.reading() as session:
        strand, other = (programmes.strand_named(session, code, 1) for code in (FIRST, SECOND))
        letter = ReceivedMailing(mailings=(planning.campaign_numbered(session, 1).waves[0].mailing_id,))
        told = planning.corrects_another_strand(
            session, Concerns.LISTED, Or((letter, ReceivedMailing(strand=2))), strand
        )
        assert told.startswith("Ce rectificatif corrige des courriels de volets différents (")
        for concerns, about, is_told in (
            (Concerns.LISTED, strand, False),
            (Concerns.LISTED, other, True),
            (Concerns.OPEN, other, False),
        ):
            assert bool(planning.corrects_another_strand(session, concerns, letter, about)) == is_told


def test_the_offer_of_letters_to_correct_says_of_which_programme_each_is(author, two_programmes):
    offered = elements(author.get("/campaigns/new"), "select[@id='received']/option")
    assert "(Mes outils numériques, volet 1, " in text_of(offered[1])
