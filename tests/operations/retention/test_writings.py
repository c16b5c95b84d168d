"""An address with accents and a detail after "+" is one address, however it is written."""

import json

import pytest
from sqlalchemy import select, update

from outreach.campaigns.models import Campaign
from outreach.core.erasure import _digests as digests
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError
from outreach.delivery.models import Message, MessageState
from outreach.directory.models import Contact, MailboxKind
from outreach.operations import retention
from tests.conftest import NOW
from tests.operations.retention.test_erasing import KEY, erase, naming_words

ADDRESS, WIRE = "zoe+po@exämple.example", "zoe+po@xn--exmple-cua.example"
WRITINGS = (ADDRESS, WIRE, "ZOE+PO@EXÄMPLE.example", "Zoe+po@XN--EXMPLE-CUA.example", "zoe+po@exa\u0308mple.example")
OTHERS = ("zoe@exämple.example", "zoe+po2@exämple.example", "zoe+po@example.example", "a.zoe+po@exämple.example")


@pytest.fixture
def written(three_answered):
    """A person's mailbox that got a letter, and a campaign that names it in each of its writings."""
    three_answered.info |= {digests.INFO: KEY}
    judged = judge(ADDRESS)
    forms = {"address": judged.address, "address_key": judged.key, "address_ascii": judged.ascii}
    with three_answered.writing() as session:
        letter = session.scalars(select(Message).order_by(Message.id)).first()
        held, left = letter.address_key, {"state": MessageState.ACCEPTED, "fence_id": "f", "worker_id": "w"}
        left |= {"fenced_at": NOW, "settled_at": NOW, "reason": None}
        session.execute(update(Message).where(Message.address_key == held).values(forms | left))
        person = {"mailbox_kind": MailboxKind.PERSONAL}
        session.execute(update(Contact).where(Contact.address_key == held).values(forms | person))
        session.scalars(select(Campaign)).first().purpose = "; ".join((*WRITINGS, *OTHERS))
    return three_answered


@pytest.mark.long
@pytest.mark.parametrize("writing", WRITINGS)
def test_each_writing_finds_all_that_is_known(written, writing):
    with written.reading() as session:
        known = retention.known_of(session, writing)
        assert (judge(writing).key, judge(writing).ascii.lower()) == (ADDRESS, WIRE)
        assert {"contacts", "messages", "campaigns", "responses"} <= known.keys()
        exported = retention.export_person(writing, known)
    assert exported["address"].lower() == ADDRESS
    assert json.dumps(exported, ensure_ascii=False).count(WIRE) > 0


@pytest.mark.long
@pytest.mark.parametrize("writing", WRITINGS)
def test_each_writing_erases_all_of_them_and_none_comes_back(written, tmp_path, writing):
    erase(written, tmp_path, writing)
    mark = digests.mark_of(digests.digest_of(KEY, ADDRESS))
    with written.reading() as session:
        purpose = session.scalars(select(Campaign.purpose)).first()
        assert purpose == "; ".join((*[mark] * len(WRITINGS), *OTHERS))
        known = digests.ErasedAddresses.of(session)
        for again in WRITINGS:
            with pytest.raises(InputError, match="a été effacée"):
                known.refuse(judge(again).key)
        for other in OTHERS:
            known.refuse(judge(other).key)
    assert not {place for place in naming_words(written, WIRE) if not place.startswith("campaigns.")}


@pytest.mark.long
def test_a_restore_finds_each_writing_again(written, tmp_path):
    digest = digests.digest_of(KEY, ADDRESS)
    digests.add_erasure(tmp_path, digests.DigestLine(digest, digests.sign_of(KEY), NOW))
    assert retention.replay_erasures(written, tmp_path, has_sorting_list=True, now=NOW, actor="horloge") == 1
    with written.reading() as session:
        purpose = session.scalars(select(Campaign.purpose)).first()
    assert purpose == "; ".join((*[digests.mark_of(digest)] * len(WRITINGS), *OTHERS))
