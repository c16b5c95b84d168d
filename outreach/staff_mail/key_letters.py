"""Mails to administrators about keys of programs that write: each key once, however it came to do so."""

from collections.abc import Sequence
from datetime import datetime

from outreach import french
from outreach.accounts import colleagues
from outreach.api_keys import keys
from outreach.api_keys.models import ApiKey, KeyWriting
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.db import Database, Session, take_turns
from outreach.roles import RoleName
from outreach.staff_mail import letters
from outreach.staff_mail.letters import Said, StaffLetter

PAGE = "/administration/api-keys"
TELLER = "système"
NOT_YOURS = "Si cette clé ne vous dit rien, terminez-la : son programme n’entre plus, aussitôt."


def tell(database: Database, sending: SenderIdentity, *, now: datetime) -> int | None:
    """Post one mail about the keys that write and were told to nobody yet; returns its mailing, or None for none."""
    with database.reading() as session:
        untold = keys.untold(session, now=now)
        if not untold or not (to := [one.email for one in colleagues.with_role(session, RoleName.ADMINISTRATOR)]):
            return None
        letter = StaffLetter(to, _subject(untold), [_said(session, key) for key in untold], contact=to[0])
        frozen, told = letters.write(letter, sending, now=now), [key.id for key in untold]
    with database.writing() as session:
        take_turns(session, "api_keys")
        found = keys.untold(session, now=now)
        if [key.id for key in found] != told:  # another clock told them, or one more was made: the next pass tells it
            return None
        for key in found:
            key.told_at = now
        return letters.post(session, letter, frozen, sending, now=now, actor=TELLER)


def _subject(told: Sequence[ApiKey]) -> str:
    count = len(told)
    return "Un programme peut écrire dans le service" if count == 1 else f"{count} programmes peuvent écrire"


def _said(session: Session, key: ApiKey) -> Said:
    name, until = f"La clé {key.id}, « {key.name} »,", f"jusqu’au {french.spelt_day(key.expires_at)}"
    what = "écrit dans le service : elle enregistre des listes d’adhésions"
    if key.writing is KeyWriting.KEPT:
        why = "Écrire est devenu un droit ; elle le garde, car elle avait écrit dans les 90 jours avant la mise à jour."
    else:
        why = f"{colleagues.name_of(session, key.made_by)} l’a faite le {french.moment(key.made_at)}."
    return Said(f"{name} {what}, {until}. {why} {NOT_YOURS}", PAGE)
