"""What a notice changes: the letter, the list of exclusion, the authority's sheet; or nothing (the D family)."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from outreach.core.audit import AuditEntry, entries_about
from outreach.delivery import bounces, outbox
from outreach.delivery.bounces import Handling, KeptNotice, NoticeVerdict, excluded_for_another
from outreach.delivery.bounces import _handling as handling
from outreach.delivery.bounces._models import KeptReport
from outreach.delivery.letters import TokenKind
from outreach.delivery.models import (
    Mailing,
    Message,
    MessageClass,
    MessageState,
    Purpose,
    Suppression,
    SuppressionReason,
)
from outreach.delivery.outbox import Settled
from outreach.delivery.outbox import _outcomes as outcomes
from outreach.delivery.smtp import Reply, result_of
from outreach.directory.models import Contact
from tests.conftest import NOW
from tests.delivery.bounces.returns import (
    FIRST,
    FORGED,
    KEYS,
    SECOND,
    THIRD,
    exclude_for_another,
    notice,
    report,
    sent,
    three_sent,
    told,
)
from tests.delivery.conftest import addresses, schools, states

S, H, V = MessageState, Handling, NoticeVerdict
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def mailing(database):
    return three_sent(database)


def take(database, content, now=LATER):
    with database.writing() as session:
        kept = handling.take_notice(session, bounces.read_notice(content, KEYS), now=now)
        return kept.handling if kept else None


def suppressed(database):
    with database.reading() as session:
        return {one.address_key: one.reason.value for one in session.scalars(select(Suppression))}


def bounced(database):
    with database.reading() as session:
        return set(session.scalars(select(Contact.address).where(Contact.bounced_at.is_not(None))))


def tally(database, mailing):
    with database.reading() as session:
        found = outbox.tally_mailings(session, [mailing])[mailing]
    assert found.total == found.intended
    return found


# D number: (notice, handling, is the letter refused, why its address is excluded)
CASES = {
    "D1": ("postfix", H.EXCLUDED, True, "hard_bounce"),
    "D1 utf-8": ("postfix-utf8", H.EXCLUDED, True, "hard_bounce"),
    "D1 gmail": ("gmail", H.EXCLUDED, True, "hard_bounce"),
    "D1 exchange": ("exchange", H.EXCLUDED, True, "hard_bounce"),
    "D1 prose": ("exim", H.EXCLUDED, True, "hard_bounce"),
    "D2": ("postfix-delayed", H.NOTHING, False, None),
    "D3": ("two-recipients", H.ELSEWHERE, False, None),
    "D7": ("absence-fr", H.NOTHING, False, None),
    "D7 dutch": ("absence-nl", H.NOTHING, False, None),
    "D7 bulk": ("absence-bulk", H.NOTHING, False, None),
    "D7 subject": ("absence-subject", H.NOTHING, False, None),
    "D8": ("arf", H.COMPLAINED, False, "complaint"),
    "D9": ("human", H.NOTHING, False, None),
    "D10": ("unsubscribe", H.UNSUBSCRIBED, False, "unsubscribed"),
    "D10 address": ("unsubscribe-address", H.UNSUBSCRIBED, False, "unsubscribed"),
    "D13 dutch": ("exchange-nl", H.NOTHING, False, None),
    "D13 french": ("exchange-fr", H.NOTHING, False, None),
    "D14": ("success", H.NOTHING, False, None),
    "D14 receipt": ("receipt", H.NOTHING, False, None),
}


def test_a_notice_with_our_token_changes_what_it_must_and_nothing_else(database):
    to = dict(zip(CASES, addresses(len(CASES)), strict=True))
    schools(database, len(CASES))
    mailing = sent(database, list(to.values()))
    handled = {}
    for case, (name, *_) in CASES.items():
        content = told(database, mailing, name, to[case])
        handled[case] = take(database, content)
    rows, stopped = states(database, mailing), suppressed(database)
    found = {
        case: (CASES[case][0], handled[case], rows[address].state is S.REFUSED, stopped.get(address))
        for case, address in to.items()
    }
    assert found == CASES
    assert bounced(database) == {address for address, reason in stopped.items() if reason == "hard_bounce"}
    counts, refused = tally(database, mailing), sum(one[2] for one in CASES.values())
    assert (counts.accepted, counts.refused) == (len(CASES) - refused, refused)
    with database.reading() as session:  # nothing is ever answered
        assert session.scalar(select(func.count()).select_from(Mailing)) == 1


def test_what_came_back_says_when_and_why_and_is_written_down(database, mailing):
    take(database, told(database, mailing, "postfix"))
    row = states(database, mailing)[FIRST]
    assert row.reply_text.startswith(f"revenu le 15/05/2021 : 550 5.1.1 <{FIRST}>: Recipient address rejected")
    assert (row.reply_status, row.settled_at, row.fenced_at) == ("5.1.1", LATER, NOW)
    with database.reading() as session:
        assert [entry.actor for entry in entries_about(session, f"message:{row.id}")] == [handling.RETURNS]
        assert [entry.sentence for entry in entries_about(session, "authority:9001")] == [
            f"Rejet constaté pour {FIRST}."
        ]
        assert len(entries_about(session, "exclusion:1")) == 1
        kept = session.scalars(select(KeptNotice)).one()
        assert (kept.verdict, kept.handling, kept.message_id) == (V.FAILED, H.EXCLUDED, row.id)
        assert [(one.recipient, one.status) for one in kept.reports] == [(FIRST, "5.1.1")]


def test_an_address_beyond_ascii_comes_back_as_any_other(database):
    schools(database, 1)
    mailing = sent(database, [address := "hélène@commune.example"])
    with database.writing() as session:
        session.execute(update(Message).values(address_ascii=""))
    content = told(database, mailing, "postfix-utf8", address)
    assert take(database, without_token(content).replace(b"l\xc3\xa8ne", b"le\xcc\x80ne")) is H.EXCLUDED
    assert bounced(database) == {address}


def test_each_recipient_of_a_notice_is_kept(database, mailing):
    take(database, told(database, mailing, "two-recipients"))
    with database.reading() as session:
        kept = session.scalars(select(KeptReport).order_by(KeptReport.number)).all()
        assert [(one.recipient, one.verdict, one.status) for one in kept] == [
            ("autre@ailleurs.example", V.DELAYED, "4.2.2"),
            ("secretariat@commune.example", V.FAILED, "5.1.1"),
        ]


def without_token(content):
    lines = [line for line in content.split(b"\r\n") if b"@courriel.example" not in line or b"Message-ID" in line]
    return b"\r\n".join(lines)


def test_without_a_token_the_message_id_and_its_recipient_prove_it_together(database, mailing):
    """D4."""
    content = without_token(told(database, mailing, "postfix"))
    assert bounces.read_notice(content, KEYS).proved is None
    stranger = content.replace(FIRST.encode(), b"po999999@adm.fwb.example")
    assert take(database, stranger) is H.UNVERIFIED
    crossed = content.replace(FIRST.encode(), SECOND.encode())
    assert take(database, crossed) is H.UNVERIFIED
    assert suppressed(database) == {}
    assert take(database, content) is H.EXCLUDED
    assert set(suppressed(database)) == {FIRST}


def test_a_forged_notice_is_kept_and_changes_nothing(database, mailing):
    """D5. Its Message-ID is one that a stranger would have to guess."""
    identity = states(database, mailing)[FIRST].public_id
    for name in ("postfix", "gmail", "exim", "arf", "unsubscribe", "unsubscribe-address"):
        content = notice(name, identity=identity, address=FIRST, keys=FORGED, ID="0" * 16)
        assert take(database, content) is (H.NOTHING if "unsubscribe" in name else H.UNVERIFIED), name
    assert states(database, mailing)[FIRST].state is S.ACCEPTED
    assert suppressed(database) == {}
    with database.reading() as session:
        assert session.scalars(select(KeptNotice.message_id)).all() == [None] * 6


def test_a_token_of_another_kind_proves_nothing(database, mailing):
    identity = bytes.fromhex(states(database, mailing)[FIRST].public_id)
    for kind in set(TokenKind) - {TokenKind.BOUNCE}:
        back = f"b-{KEYS.make(kind, identity)}@courriel.example"
        content = told(database, mailing, "exim", RETURN=back).replace(b"E1lhqYz", kind.encode())
        assert take(database, content) is H.UNVERIFIED, kind


def test_a_genuine_token_of_a_letter_that_is_not_here_proves_nothing(database, mailing):
    assert take(database, notice("postfix", identity="0" * 16, address=FIRST)) is H.UNVERIFIED


def test_a_token_acts_on_its_own_letter_only(database, mailing):
    """Who received one letter may say what they like of theirs, and nothing of another's."""
    content = told(database, mailing, "postfix").replace(FIRST.encode(), SECOND.encode())
    assert take(database, content) is H.ELSEWHERE
    assert {row.state for row in states(database, mailing).values()} == {S.ACCEPTED}
    assert suppressed(database) == {}


def test_a_refusal_where_mail_goes_on_to_is_told_and_changes_nothing(database, mailing):
    content = told(database, mailing, "exchange").replace(FIRST.encode(), b"jeanne@commune.example")
    assert take(database, content) is H.ELSEWHERE
    assert take(database, content.replace(b"5c6ce0b2", b"again")) is H.ELSEWHERE
    assert suppressed(database) == {}
    with database.reading() as session:
        (entry,) = entries_about(session, "authority:9001")
        assert f"Courriel à {FIRST} rejeté plus loin par jeanne@commune.example : 5.1.10" in entry.sentence


OTHER = "jeanne@commune.example"
FORWARDED = {
    "postfix": f"Original-Recipient: rfc822;{FIRST}\nFinal-Recipient: rfc822; {OTHER}",
    "sendmail": f"Final-Recipient: RFC822; {FIRST}\nX-Actual-Recipient: RFC822; {OTHER}",
    "sendmail, asked": f"Original-Recipient: rfc822;{FIRST}\nFinal-Recipient: RFC822; {FIRST}\n"
    f"X-Actual-Recipient: RFC822; {OTHER}",
    "exim": f"Final-Recipient: rfc822;{OTHER}",
}


@pytest.mark.one_example
@pytest.mark.parametrize("status", ["5.1.1", "5.2.1", "5.2.2", "5.4.4"])
@pytest.mark.parametrize("fields", FORWARDED.values(), ids=FORWARDED)
def test_a_mailbox_that_forwards_to_one_that_refuses_goes_on_and_its_history_names_both(
    database, mailing, fields, status
):
    for again in range(3):
        content = of_fields(database, mailing, FIRST, f"{fields}\nAction: failed\nStatus: {status}", again)
        assert take(database, content) is H.ELSEWHERE
    assert (suppressed(database), bounced(database)) == ({}, set())
    assert states(database, mailing)[FIRST].state is S.ACCEPTED
    with database.reading() as session:
        (entry,) = entries_about(session, "authority:9001")
        assert f"Courriel à {FIRST} rejeté plus loin par {OTHER} : {status}" in entry.sentence


@pytest.mark.one_example
@pytest.mark.parametrize(
    "fields",
    [
        f"Original-Recipient: rfc822;{FIRST}\nFinal-Recipient: rfc822; {FIRST.upper()}",
        f"Original-Recipient: rfc822;{FIRST}\nFinal-Recipient: LOCAL; jeanne",
        f"Final-Recipient: RFC822; {FIRST}\nX-Actual-Recipient: X-Unix; |/usr/bin/procmail",
        f"Original-Recipient: rfc822;{FIRST}",
    ],
)
def test_a_mailbox_that_itself_fails_is_excluded_whatever_its_server_calls_it(database, mailing, fields):
    content = of_fields(database, mailing, FIRST, f"{fields}\nAction: failed\nStatus: 5.1.1")
    assert take(database, content) is H.EXCLUDED


def test_an_exclusion_for_another_address_is_found_by_its_notice_until_one_names_the_mailbox(database):
    """As notices of before excluded: whatever failed behind the mailbox that a letter was written to."""
    to = ["po9001@adm.fwb.example", "hélène@commune.example", "po9003@adm.fwb.example"]
    schools(database, 3)
    exclude_for_another(database, to[0])
    for named in (OTHER, "HE\u0301LE\u0300NE@commune.example"):
        exclude_for_another(database, to[1], named)
    exclude_for_another(database, to[2], "po9003")  # a local name: the mailbox itself
    with database.reading() as session:
        keys = {one.address_key: one.id for one in session.scalars(select(Suppression))}
        assert excluded_for_another(session) == {keys[to[0]]: OTHER}
    with database.writing() as session:
        outbox.lift_suppression(session, to[0], SuppressionReason.HARD_BOUNCE, now=LATER, actor="x")
        assert excluded_for_another(session) == {}


def test_a_letter_of_long_ago_changes_nothing_any_more(database, mailing):
    """D6."""
    content = told(database, mailing, "postfix")
    assert take(database, content, now=NOW + timedelta(days=30, seconds=1)) is H.TOO_OLD
    assert suppressed(database) == {}
    other = told(database, mailing, "postfix", SECOND)
    assert take(database, other, now=NOW + timedelta(days=30)) is H.EXCLUDED


@pytest.mark.parametrize("name", ["arf", "unsubscribe", "unsubscribe-address"])
def test_a_complaint_and_an_unsubscription_are_never_too_old(database, mailing, name):
    take(database, told(database, mailing, name), now=NOW + timedelta(days=400))
    assert set(suppressed(database)) == {FIRST}


def test_the_same_notice_fifty_times_is_one(database, mailing):
    """D12."""
    content = told(database, mailing, "postfix")
    assert [take(database, b"Received: %d\r\n" % one + content) for one in range(50)] == [H.EXCLUDED] + [None] * 49
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(KeptNotice)) == 1
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 3


def test_fifty_notices_of_one_letter_come_to_the_same(database, mailing):
    content = told(database, mailing, "postfix")
    several = [content.replace(b"20210515090207", str(number).encode()) for number in range(50)]
    assert [take(database, one) for one in several] == [H.EXCLUDED] + [H.NOTHING] * 49
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 3
    assert tally(database, mailing).refused == 1


@pytest.mark.one_example
@pytest.mark.parametrize("no_domain", ["5.1.2", "5.4.4", "5.4.310"])
def test_what_excludes_an_address_is_what_a_relay_says_at_once(database, mailing, no_domain):
    """No such domain twice in a day, full three times, policy never."""
    back = {no_domain: FIRST, "5.2.2": SECOND, "5.7.1": THIRD}
    for round_ in range(3):
        again = mailing if round_ == 0 else sent(database, [FIRST, SECOND, THIRD])
        for status, address in back.items():
            assert take(database, of_status(database, again, address, status)) in {H.REFUSED, H.EXCLUDED}
        expected = {address for status, address in back.items() if status == no_domain} if round_ == 1 else set()
        expected = {FIRST, SECOND} if round_ == 2 else expected
        assert set(suppressed(database)) == expected
    assert bounced(database) == {FIRST, SECOND}


@pytest.mark.parametrize(
    ("said", "excluded"), [("550 5.2.1 The account is disabled", True), ("550 5.2.1 receiving mail too quickly", False)]
)
def test_a_disabled_mailbox_is_excluded_at_once_and_one_that_only_gets_too_much_is_not(
    database, mailing, said, excluded
):
    fields = f"Final-Recipient: rfc822; {FIRST}\nAction: failed\nStatus: 5.2.1\nDiagnostic-Code: smtp; {said}"
    assert take(database, of_fields(database, mailing, FIRST, fields)) is (H.EXCLUDED if excluded else H.REFUSED)


@pytest.mark.parametrize(("status", "needed"), [("5.1.2", 2), ("5.2.2", 3)])
def test_a_notice_of_a_letter_from_before_an_exclusion_was_lifted_counts_no_more(database, mailing, status, needed):
    def is_excluded_by(letter):
        take(database, of_status(database, letter, FIRST, status))
        with database.reading() as session:
            return bool(outbox.in_force(session, [FIRST]))

    late = [sent(database, [FIRST]) for _ in range(3)]
    first = [mailing, *(sent(database, [FIRST]) for _ in range(needed - 1))]
    assert [is_excluded_by(letter) for letter in first][-1]
    with database.writing() as session:
        outbox.lift_suppression(session, FIRST, SuppressionReason.HARD_BOUNCE, now=LATER, actor="x")
    assert not any(is_excluded_by(letter) for letter in late)
    again = [sent(database, [FIRST]) for _ in range(needed)]
    with database.writing() as session:
        session.execute(update(Message).where(Message.mailing_id.in_(again)).values(fenced_at=LATER))
    assert [is_excluded_by(letter) for letter in again] == [False] * (needed - 1) + [True]


def of_status(database, mailing, address, status):
    return of_fields(
        database, mailing, address, f"Final-Recipient: rfc822; {address.upper()}\nAction: failed\nStatus: {status}"
    )


def of_fields(database, mailing, address, fields, again=0):
    identity = states(database, mailing)[address].public_id
    token = f"b-{KEYS.make(TokenKind.BOUNCE, bytes.fromhex(identity))}@courriel.example"
    return report(fields, token=token, ident=f"<{identity}.{again}@relais.example>")


def test_a_domain_that_is_gone_excludes_so_many_addresses_and_no_more_without_a_person(database, monkeypatch):
    monkeypatch.setattr(outcomes, "MOST_OF_A_DOMAIN", 2)
    to = addresses(4)
    schools(database, len(to))
    for _ in range(2):
        mailing = sent(database, to)
        for address in to:
            take(database, of_status(database, mailing, address, "5.1.2"))
    assert set(suppressed(database)) == set(to[:2])


@pytest.mark.parametrize(
    ("state", "details", "handled", "after"),
    [
        (S.HANDING, {}, H.EXCLUDED, S.REFUSED),
        (S.IN_DOUBT, {}, H.EXCLUDED, S.REFUSED),
        (S.QUEUED, {"resent_at": NOW}, H.EXCLUDED, S.REFUSED),
        (S.QUEUED, {}, H.NOTHING, S.QUEUED),
        (S.EXPIRED, {}, H.NOTHING, S.EXPIRED),
        (S.REFUSED, {}, H.NOTHING, S.REFUSED),
    ],
)
def test_only_what_is_out_comes_back(database, mailing, state, details, handled, after):
    with database.writing() as session:
        session.execute(update(Message).where(Message.address == FIRST).values(state=state, **details))
    assert take(database, told(database, mailing, "postfix")) is handled
    assert states(database, mailing)[FIRST].state is after
    tally(database, mailing)


def test_a_late_answer_of_the_relay_does_not_bring_a_letter_back_to_life(database, mailing):
    with database.writing() as session:
        session.execute(update(Message).where(Message.address == FIRST).values(state=S.HANDING))
    take(database, told(database, mailing, "postfix"))
    key = states(database, mailing)[FIRST].id
    with database.writing() as session:
        answer = Settled(key, "f", result_of(Reply(250, ("2.0.0 Ok",)), after_dot=True))
        outcomes.record_outcomes(session, [answer], now=LATER, again_at=LATER)
    assert states(database, mailing)[FIRST].state is S.REFUSED


def test_unsubscribing_by_mail_is_written_down_as_by_the_link_and_once(database, mailing):
    content = told(database, mailing, "unsubscribe-address")
    several = [content.replace(b"<u2@", f"<{number}@".encode()) for number in range(3)]
    assert [take(database, one) for one in (*several, several[0])] == [H.UNSUBSCRIBED] * 3 + [None]
    identity = states(database, mailing)[SECOND].public_id
    with database.writing() as session:
        letter = outbox.message_named(session, bytes.fromhex(identity))
        assert outbox.unsubscribe_letter(session, letter, now=LATER, detail=f"lien du courriel {identity}")
    with database.reading() as session:
        rows = session.scalars(select(Suppression).order_by(Suppression.id)).all()
        entries = [entries_about(session, f"exclusion:{row.id}") for row in rows]
        told_of = {
            (one.actor, one.sentence.replace(str(row.id), "1"), one.at)
            for row, (one,) in zip(rows, entries, strict=True)
        }
    assert [(row.address_key, row.created_by, row.scope) for row in rows] == [
        (address, "destinataire", "awareness") for address in (FIRST, SECOND)
    ]
    assert "reçu par courriel au sujet du courriel" in rows[0].detail
    assert len(told_of) == 1


def test_a_letter_that_is_not_here_unsubscribes_nobody(database, mailing):
    assert take(database, notice("unsubscribe-address", identity="0" * 16, address=FIRST)) is H.UNVERIFIED
    assert suppressed(database) == {}


def test_an_unsubscription_by_mail_stops_awareness_only_and_proves_that_a_doubt_arrived(database, mailing):
    with database.writing() as session:
        session.execute(update(Message).where(Message.address == FIRST).values(state=S.IN_DOUBT))
    take(database, told(database, mailing, "unsubscribe"))
    assert states(database, mailing)[FIRST].state is S.ACCEPTED
    with database.reading() as session:
        stopped = [outbox.suppressed_among(session, [FIRST], kind) for kind in MessageClass]
        assert stopped == [{FIRST}, set()]


@pytest.mark.parametrize("name", ["arf", "unsubscribe", "unsubscribe-address"])
def test_what_is_done_with_a_trial_means_nothing(database, mailing, name):
    with database.writing() as session:
        session.execute(update(Mailing).values(purpose=Purpose.TEST))
    assert take(database, told(database, mailing, name)) is H.NOTHING
    assert suppressed(database) == {}


def test_a_letter_counts_as_complained_of_once_and_from_a_moment_on(database, mailing):
    sent(database, [FIRST])
    for number in range(2):
        take(database, told(database, mailing, "arf", THIRD).replace(b"7f3d-arf", str(number).encode()))
    take(database, told(database, mailing, "arf", SECOND))
    with database.reading() as session:
        moments = (NOW, LATER)
        assert [handling.count_complaints(session, mailing, since=moment) for moment in moments] == [2, 0]
        assert handling.count_complaints(session, mailing + 1, since=NOW) == 0
