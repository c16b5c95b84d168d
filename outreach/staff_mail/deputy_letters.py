"""Mails to a deputy: whom the deputy stands in for on which days, and that it was taken back."""

from datetime import datetime

from outreach.accounts import colleagues
from outreach.approvals import deputies
from outreach.approvals.models import Deputy
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity
from outreach.db import Session
from outreach.staff_mail import letters
from outreach.staff_mail.letters import Said, StaffLetter

PAGE = "/account/deputies"


def write(
    session: Session, named: Deputy, sending: SenderIdentity, *, now: datetime, is_over: bool = False
) -> tuple[StaffLetter, Frozen]:
    """The mail to a deputy who is about to be named, or whose days are about to end, laid out to be posted.

    It takes its time: no transaction that writes should be open.
    """
    absent, days = colleagues.name_of(session, named.absent), deputies.spelt(named)
    subject, sentence = f"Vous remplacez {absent} {days}", "Ces jours-là, le service vous écrit aussi à sa place."
    if is_over:
        subject, sentence = f"Vous ne remplacez plus {absent}", f"Le remplacement, prévu {days}, prend fin plus tôt."
    said = [Said(f"{subject}. {sentence}", PAGE)]
    letter = StaffLetter([named.deputy], subject, said, colleagues.name_of(session, named.deputy), named.absent)
    return letter, letters.write(letter, sending, now=now)
