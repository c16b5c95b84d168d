"""What may be an archive waits for the sorting list, is sealed into a file, then emptied; every figure holds."""

import json
import threading
from base64 import b64decode
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from outreach.adherence import programmes, situation
from outreach.campaigns.letter import WordsGone, as_read, as_shown, sender_of, subject_read, subjects_kept
from outreach.campaigns.models import Campaign
from outreach.campaigns.results import campaign_results, overall_figures, verify_ledger
from outreach.core import audit
from outreach.core.audit import AuditEntry
from outreach.core.settings import read
from outreach.core.text.dates import today
from outreach.core.text.errors import Refused
from outreach.delivery.models import Composition, Mailing, Message, MessageState, Purpose
from outreach.engagement.replies import Respondent, Response, ResponseStep
from outreach.operations import retention
from outreach.operations.retention import RULES, Archives, count_over, forget_by_rule
from tests.audit.test_seals import seal
from tests.conftest import NOW
from tests.engagement.replies.test_answers import AT, SENDING

ARCHIVES = [rule for rule in RULES if rule.is_archive]
IN_TWO, IN_THREE, IN_TEN = (NOW + timedelta(days=days) for days in (750, 1110, 3670))


@pytest.fixture
def archives(tmp_path):
    return Archives.of(read({"OUTREACH_DATA": str(tmp_path), "OUTREACH_SORTING_LIST": "TT-2027-04"}))


def told(database, now):
    """What has to be the same before and after a purge."""
    with database.reading() as session:
        campaigns = session.scalars(select(Campaign).order_by(Campaign.id)).all()
        programme = programmes.get_programme(session)
        return (
            situation.count_situation(session, programme, today(AT)).as_json(),
            [_told(campaign_results(session, campaign, now=now)) for campaign in campaigns],
            repr(overall_figures(session, [campaign.id for campaign in campaigns], now=now)),
            verify_ledger(session, now=now),
            audit.verify_seals(session).fault,
        )


def _told(results):
    return results.counts.as_json(), results.answers


def purge(database, now, archives=None):
    return {rule.name: forget_by_rule(database, rule, lambda: now, threading.Event(), archives) for rule in RULES}


def test_without_a_sorting_list_nothing_goes_that_may_be_an_archive(three_answered, tmp_path):
    assert Archives.of(read({"OUTREACH_DATA": str(tmp_path)})) is None
    gone = purge(three_answered, IN_TEN)
    assert {rule.name: gone[rule.name] for rule in ARCHIVES} == dict.fromkeys([rule.name for rule in ARCHIVES], 0)
    with three_answered.reading() as session:
        assert "" not in session.scalars(select(Composition.content)).all()


@pytest.mark.long
def test_words_go_after_their_time_and_every_figure_holds(three_answered, archives):
    seal(three_answered)
    before = told(three_answered, IN_TEN)
    assert before[3:] == ([], "")
    for now, gone in (
        (IN_TWO, {"responses": 3}),
        (IN_THREE, {"letters": 3, "mailings": 1}),
        (IN_TEN, {"response_steps": 2}),
    ):
        purged = purge(three_answered, now, archives)
        assert {rule.name: purged[rule.name] for rule in ARCHIVES if purged[rule.name]} == gone
        seal(three_answered)
        assert told(three_answered, IN_TEN) == before
    with three_answered.reading() as session:
        assert [count_over(session, rule, now=IN_TEN) for rule in retention.in_force(session)] == [0] * len(RULES)
        assert set(session.scalars(select(Composition.content))) == {""}
        assert session.scalars(select(Respondent.response_id)).all() == []
        assert set(session.execute(select(Response.comment, Response.proposed_address))) == {("", "")}
        assert set(session.execute(select(ResponseStep.actor, ResponseStep.note))) == {("", "")}
        campaigns = select(Mailing.letter).where(Mailing.purpose == Purpose.CAMPAIGN)
        assert not [letter for letter in session.scalars(campaigns) if "Madame" in letter]


def test_a_sealed_file_holds_what_went_and_the_audit_its_digest(three_answered, archives):
    with three_answered.reading() as session:
        message = session.scalars(select(Message).order_by(Message.id)).first()
        subject = subject_read(session, message, SENDING, now=NOW)
    purge(three_answered, IN_THREE, archives)
    (letters,) = archives.folder.glob("letters-*.jsonl")
    lines = [json.loads(line) for line in letters.read_bytes().splitlines()]
    assert (lines[0]["letter"], lines[0]["subject"]) == (message.public_id, subject)
    assert lines[0]["text"].startswith("Madame, Monsieur")
    sealed = letters.with_suffix(".seal.json").read_bytes()
    told_of = json.loads(sealed)
    digest = sha256(letters.read_bytes()).hexdigest()
    assert (told_of["sha256"], told_of["rows"], told_of["sorting_list"]) == (digest, len(lines), "TT-2027-04")
    signed_by = Ed25519PublicKey.from_public_bytes(b64decode(told_of["public_key"]))
    signed_by.verify(letters.with_suffix(".seal.sig").read_bytes(), sealed)
    assert {path.stat().st_mode & 0o777 for path in archives.folder.iterdir()} == {0o600}
    with three_answered.reading() as session:
        said = session.scalars(select(AuditEntry.sentence).where(AuditEntry.subject == "retention")).all()
        assert [sentence for sentence in said if digest in sentence and "TT-2027-04" in sentence]
        assert "Ondine Vif" in (next(archives.folder.glob("responses-*.jsonl"))).read_text(encoding="utf-8")


def test_without_a_key_that_seals_nothing_goes(three_answered, tmp_path):
    keyless = {"OUTREACH_DATA": str(tmp_path), "OUTREACH_SORTING_LIST": "TT", "OUTREACH_NOTE_KEY_FILE": "/none.pem"}
    with pytest.raises(Refused, match=r"clé.*Rien n’est effacé"):
        purge(three_answered, IN_THREE, Archives.of(read(keyless)))
    assert list(tmp_path.rglob("*.part")) == []
    with three_answered.reading() as session:
        assert "" not in session.scalars(select(Composition.content)).all()


def test_the_exact_letter_says_since_when_its_words_are_gone(three_answered, archives):
    purge(three_answered, IN_THREE, archives)
    with three_answered.reading() as session:
        message = session.scalars(select(Message).order_by(Message.id)).first()
        for read_again in (subject_read, as_read, as_shown):
            with pytest.raises(WordsGone, match="n’est plus conservé depuis le 29 mai 2024"):
                read_again(session, message, SENDING, now=IN_THREE)
        assert subjects_kept(session, [message.id]) == {}
        assert sender_of(session, message)


def test_a_letter_on_the_way_keeps_its_mailing(three_answered, archives):
    with three_answered.writing() as session:
        waiting = session.scalars(select(Message).order_by(Message.id)).first()
        waiting.state, key, mailing = MessageState.QUEUED, waiting.id, waiting.mailing_id
    purge(three_answered, IN_THREE, archives)
    with three_answered.reading() as session:
        assert session.get_one(Mailing, mailing).emptied_at is None
        assert session.get_one(Composition, key).content


def test_words_that_letters_share_stay_as_long_as_a_letter_keeps_its_own(three_answered, archives):
    with three_answered.writing() as session:
        retention.change_rule(session, "letters", "10 ans", now=NOW, actor="x")
    for hours in range(3):
        with three_answered.reading() as session:
            rules = retention.in_force(session)
        now = IN_THREE + timedelta(hours=hours)
        of_letters = [rule for rule in rules if rule.name in {"letters", "mailings"}]
        assert [
            forget_by_rule(three_answered, rule, lambda at=now: at, threading.Event(), archives) for rule in of_letters
        ] == [0, 0]
    assert list(archives.folder.glob("mailings-*")) == []
    assert purge(three_answered, IN_TEN, archives)["mailings"] == 1


def test_the_words_of_a_wave_that_was_cancelled_while_its_letters_were_written_go_too(three_answered, archives):
    (rule,) = [rule for rule in RULES if rule.name == "mailings"]
    (letters,) = [rule for rule in RULES if rule.name == "letters"]
    assert forget_by_rule(three_answered, letters, lambda: IN_THREE, threading.Event(), archives) == 3
    with three_answered.writing() as session:
        mailing = session.scalars(select(Mailing).where(Mailing.purpose == Purpose.CAMPAIGN)).one()
        mailing.filled_at = None
    assert forget_by_rule(three_answered, rule, lambda: IN_TWO, threading.Event(), archives) == 0
    assert forget_by_rule(three_answered, rule, lambda: IN_THREE, threading.Event(), archives) == 1
