"""Addresses that behave as their names say, for whoever integrates: taken, refused, absent, complaining."""

from email.message import EmailMessage
from enum import StrEnum
from textwrap import dedent

DOMAIN = "simulateur.example"


class Behaviour(StrEnum):
    """What becomes of a letter to an address of the domain, by what stands before `@` or a `+` there."""

    TAKEN = "livre"
    REFUSED = "refuse"
    ABSENT = "absent"
    COMPLAINING = "plaint"


def behaviour(address: str) -> Behaviour | None:
    """How an address behaves; None for any that is not simulated."""
    local, _, domain = address.casefold().rpartition("@")
    name = local.partition("+")[0]
    return Behaviour(name) if domain == DOMAIN and name in set(Behaviour) else None


def refusal(address: str) -> str:
    """What the mailbox says of an address that refuses, '' of any other."""
    return "550 5.1.1 No such mailbox (simulated)" if behaviour(address) is Behaviour.REFUSED else ""


def answer(address: str, sender: str) -> bytes | None:
    """What comes back to the sender of a letter that an address took, as a message; None where nothing does."""
    found = behaviour(address)
    if found is Behaviour.ABSENT:
        return _absence(address, sender)
    return _complaint(address, sender) if found is Behaviour.COMPLAINING else None


def _absence(address: str, sender: str) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = address, sender, "Absence du bureau"
    message["Auto-Submitted"] = "auto-replied"
    message.set_content("Je suis en congé (réponse simulée).")
    return message.as_bytes()


def _complaint(address: str, sender: str) -> bytes:
    """A report of abuse (RFC 5965)."""
    text = f"""\
        From: postmaster@{DOMAIN}
        To: {sender}
        Subject: Complaint
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=feedback-report; boundary="report"

        --report
        Content-Type: text/plain

        The recipient marked this letter as unwanted (simulated).
        --report
        Content-Type: message/feedback-report

        Feedback-Type: abuse
        User-Agent: simulated/1
        Version: 1
        Original-Mail-From: <{sender}>
        Original-Rcpt-To: <{address}>
        --report--
        """
    return dedent(text).encode()
