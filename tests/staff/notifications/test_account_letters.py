"""Links to choose a password: by mail, for one use, and nowhere to be read once their letter has left."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from outreach.access import accounts
from outreach.access.accounts import DeadLink, LinkKind
from outreach.core.text.addresses import judge
from outreach.core.text.errors import InputError, Refused
from outreach.core.text.roles import RoleName
from outreach.delivery import outbox
from outreach.delivery.models import Batch, Mailing, Message, MessageState, Reason, SuppressionReason
from outreach.delivery.smtp import Guard
from outreach.staff import invitations, notifications
from outreach.staff.notifications import AccountHolder
from tests import factories
from tests.campaigns.conftest import SENDING
from tests.conftest import NOW
from tests.staff.notifications.test_notices import mail_of

CHIEF, GUEST = "hugo.willems@fwb.example", "lea.roland@fwb.example"
LEA = AccountHolder(GUEST, "Léa Roland", [RoleName.AUTHOR])
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def invited(database):
    """The token of an invitation that waits in the outbox."""
    with database.writing() as session:
        factories.add_people(session, NOW)
        invitations.invite(session, LEA, now=NOW, actor=CHIEF, examples=True)
    return send(database)


def send(database, now=NOW):
    with database.reading() as session:
        kind = invitations.kind_for(accounts.account_of(session, GUEST))
    mail = notifications.write_account_mail(kind, SENDING, LEA, by="Hugo Willems", contact=CHIEF, now=now)
    with database.writing() as session:
        invitations.send(session, accounts.account_of(session, GUEST), mail, SENDING, now=now, actor=CHIEF)
    return mail.token


def choose(database, token, now=LATER):
    with database.writing() as session:
        return accounts.choose_password(session, token, "digest", now=now).email


def change(database, verb):
    with database.writing() as session:
        verb(session, accounts.account_of(session, GUEST), now=NOW, actor=CHIEF)


def settle(database, state, now=LATER):
    """Let the letter have this state, and the clock pass; returns what the outbox holds of it."""
    with database.writing() as session:
        for letter in session.scalars(select(Message)):
            letter.state, letter.fence_id = state, "f"
    with database.writing() as session:
        notifications.empty_settled(session, now=now)
    with database.reading() as session:
        return session.scalars(select(Mailing.letter)).one()


def test_an_invitation_is_accepted_once(database, invited):
    with database.reading() as session:
        assert accounts.read_link(session, invited, now=LATER).kind is LinkKind.INVITATION
        assert not accounts.is_active(session, GUEST), "nothing is told or handed to who has not accepted"
        sign = accounts.account_of(session, GUEST).fs_uniquifier
    assert choose(database, invited) == GUEST
    with database.reading() as session:
        guest = accounts.user_named(session, GUEST)
        assert guest.password == "digest"
        assert guest.fs_uniquifier != sign, "no session goes on that begins at this moment by an older password"
    with pytest.raises(DeadLink, match="déjà servi"):
        choose(database, invited)


def test_a_link_that_does_not_serve_says_why(database, invited):
    for altered in (invited[:-1], f"{invited}x", "x", "\ud800"):
        with pytest.raises(DeadLink, match="pas entier"):
            choose(database, altered)
    with pytest.raises(DeadLink, match=r"expiré le 18 mai 2021 à 11\sh.*à l’administration"):
        choose(database, invited, NOW + timedelta(hours=72))
    newer = send(database)
    with pytest.raises(DeadLink, match="ne vaut plus"):
        choose(database, invited)
    change(database, accounts.close_account)
    with pytest.raises(DeadLink, match="compte est fermé"):
        choose(database, newer)
    with pytest.raises(Refused, match="rouvrez-le"):
        send(database)
    change(database, accounts.reopen_account)
    with pytest.raises(DeadLink, match="ne vaut plus"):
        choose(database, newer)


def test_what_the_outbox_holds_of_a_link_is_emptied_once_its_relay_has_it(database, invited):
    assert invited in settle(database, MessageState.HANDING)
    held = settle(database, MessageState.ACCEPTED)
    assert invited not in held
    assert "Votre compte" in held, "the subject stays"
    with database.reading() as session:
        for table in ("mailings", "compositions", "account_links", "audit_entries", "messages", "account_letters"):
            assert invited not in str(session.execute(text(f"SELECT * FROM {table}")).all()), table  # noqa: S608
    assert choose(database, invited) == GUEST, "the link in the letter still serves"


@pytest.mark.parametrize("state", [MessageState.REFUSED, MessageState.IN_DOUBT])
def test_a_letter_that_no_relay_took_is_emptied_as_well(database, invited, state):
    assert invited not in settle(database, state)


def test_a_letter_that_still_waits_does_not_leave_with_a_dead_link(database, invited):
    assert invited not in settle(database, MessageState.QUEUED, NOW + timedelta(hours=73))
    with database.reading() as session:
        assert session.scalars(select(Message.reason)).one() is Reason.CANCELLED


def test_a_link_may_be_shown_instead_and_ends_the_one_in_the_letter(database, invited):
    with database.writing() as session:
        shown = invitations.show(session, accounts.account_of(session, GUEST), now=NOW, actor=CHIEF)
    with pytest.raises(DeadLink):
        choose(database, invited)
    assert choose(database, shown) == GUEST


def test_where_a_letter_would_not_leave_it_is_refused_at_once(database, invited):
    trial = Guard(anybody=False, allowed=frozenset({"@b.example"}), protected=frozenset({"cfwb.example"}))
    refusals = {"x@a.example": "liste de test", "x@sub.cfwb.example": "protégé", GUEST: "liste d’exclusion"}
    with database.writing() as session:
        outbox.suppress_address(session, judge(GUEST).key, SuppressionReason.STAFF, now=NOW, actor=CHIEF)
    with database.reading() as session:
        for address, reason in refusals.items():
            with pytest.raises(InputError, match=reason):
                invitations.refuse_withheld(session, Guard(anybody=True) if address == GUEST else trial, address)
        invitations.refuse_withheld(session, trial, "x@b.example")


def test_the_letter_says_who_invites_for_what_and_until_when(database, invited):
    with database.reading() as session:
        to, subject, said = mail_of(session, session.scalars(select(Batch)).one(), NOW)
    assert (to, subject) == (GUEST, "Votre compte du service de sensibilisation")
    for words in ("Hugo Willems vous ouvre un compte", "rédaction", "le 18 mai 2021 à 11 h", invited, CHIEF):
        assert words in said


@pytest.mark.parametrize(
    ("role", "said"), [(RoleName.FEDERATION, "votre fédération, SeGEC,"), (RoleName.NETWORK, "votre réseau, WBE,")]
)
def test_an_adviser_is_told_what_for_and_each_sentence_once(role, said):
    adviser = AccountHolder(GUEST, "Léa Roland", [role], said.split(", ")[1].rstrip(","))
    mail = notifications.write_account_mail(
        LinkKind.INVITATION, SENDING, adviser, by="Hugo Willems", contact=CHIEF, now=NOW
    )
    text = mail.frozen.draft.text.replace("\u00a0", " ")
    assert f"lire où en sont les membres de {said} et proposer des corrections." in " ".join(text.split())
    assert text.count("Choisissez votre mot de passe") == text.count("(heure de Bruxelles)") == 1
