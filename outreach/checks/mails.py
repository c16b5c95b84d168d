"""Mails about alerts: one as an episode begins, one as it ends; one for both where none could leave meanwhile.

What comes and goes is told in one mail every ten minutes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import aliased

from outreach.alerts import AlertEpisode
from outreach.campaigns.letter.frozen import SenderIdentity
from outreach.checks.shown import told, words_of
from outreach.db import Session, take_turns
from outreach.staff_mail import letters
from outreach.staff_mail.letters import Said, StaffLetter

SERVICE = "service"
ALERTS = "alertes"  # in the Feedback-ID of a mail about an alert, which shows no address
CALM = timedelta(minutes=10)  # between mails about the same that begins again and again
STALE = timedelta(days=7)  # an episode that ended earlier is told to nobody, as when an address is first set


def untold(session: Session, *, now: datetime) -> Sequence[AlertEpisode]:
    """The episodes about whose beginning or end a mail is due, oldest first.

    None is due about what begins within ten minutes of a mail about an earlier episode of the same.
    """
    waits = or_(
        AlertEpisode.ended_at.is_(None) & AlertEpisode.told_began_at.is_(None),
        (AlertEpisode.ended_at > now - STALE) & AlertEpisode.told_ended_at.is_(None),
    )
    earlier = aliased(AlertEpisode)
    same = earlier.kind == AlertEpisode.kind, earlier.subject == AlertEpisode.subject, earlier.id < AlertEpisode.id
    lately = or_(earlier.told_began_at > now - CALM, earlier.told_ended_at > now - CALM)
    is_due = AlertEpisode.told_began_at.is_not(None) | ~exists().where(*same, lately)
    query = select(AlertEpisode).where(waits, is_due).order_by(AlertEpisode.began_at, AlertEpisode.id)
    return session.scalars(query).all()


def write(session: Session, to: Sequence[str], relays: Sequence[str], sending: SenderIdentity, *, now: datetime) -> int:
    """Put one mail about all that is untold into the outbox. Returns how many episodes it tells.

    To be called when mail can leave. Each beginning and each end is told once, whichever process writes.
    """
    take_turns(session, "alerts")
    episodes = untold(session, now=now)
    if not episodes:
        return 0
    if to:
        sentences = [told(each, words_of(session, each.kind, each.subject, relays)) for each in episodes]
        letter = letter_about(to, _subject(episodes), sentences)
        letters.post(session, letter, letters.write(letter, sending, now=now), sending, now=now, actor=SERVICE)
    for episode in episodes:
        episode.told_began_at = episode.told_began_at or now
        episode.told_ended_at = now if episode.ended_at else None
    return len(episodes)


def letter_about(to: Sequence[str], subject: str, sentences: Sequence[str]) -> StaffLetter:
    """A mail without links: whoever reads an alert may have no account."""
    return StaffLetter(to, subject, [Said(sentence) for sentence in sentences], list_name=ALERTS)


def _subject(episodes: Sequence[AlertEpisode]) -> str:
    if len(episodes) > 1:
        return f"{len(episodes)} alertes du service"
    (episode,) = episodes
    return f"{'Fin d’alerte' if episode.ended_at else 'Alerte'} : {episode.kind.label}"
