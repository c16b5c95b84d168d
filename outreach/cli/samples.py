"""Loads a demonstration's sample, once an installation: apart, because it needs half the program."""

from datetime import date, datetime, timedelta

from outreach.campaigns.letter import SenderIdentity
from outreach.cli.preparation import add_people
from outreach.core.db import Database
from outreach.core.settings import Mode, Settings
from outreach.core.text import dates
from outreach.core.text.errors import Refused
from outreach.core.text.roles import RoleName
from outreach.directory import register
from outreach.operations.demo import finished, mailbox, people, sample, story

BEFORE = timedelta(days=4)  # the story's first campaign is written three days before it leaves


def load_sample(
    database: Database, settings: Settings, now: datetime, today: date, *, with_story: bool = False
) -> None:
    """Load the demonstration's people and directory. `with_story` adds a recent campaign and its results.

    Raises Refused outside a demonstration, and when the directory was ever filled. With the story, also when letters
    leave this machine, or when `today` is not the clock's day.
    """
    if settings.mode is not Mode.DEMO:
        raise Refused("L’annuaire fictif ne se charge qu’en mode démonstration.")
    if with_story and not settings.stays_here:
        raise Refused("L’histoire se raconte dans la boîte de démonstration : retirez OUTREACH_SMTP_URL.")
    if with_story and today != dates.today(now):
        raise Refused("L’histoire se raconte au jour de l’horloge : déplacez-la par --now, sans --today.")
    add_people(database, settings, now)
    author = people.person_for(RoleName.AUTHOR).email
    with database.writing() as session:
        if register.was_ever_filled(session):
            raise Refused("L’annuaire contient déjà une édition du registre : l’exemple se charge dans une base vide.")
        known_at = story.first_wave(now) - BEFORE if with_story else now  # who had joined is known as the story begins
        sample.load(session, now=known_at, today=today, actor=author, mailbox_domain=settings.mailbox_domain)
        chief = people.person_for(RoleName.ADMINISTRATOR).email
        people.fill(session, now=now, today=min(today, dates.today(now)), actor=chief)
        posted = []
        if with_story:
            finished.load(session, now=now)
            posted = story.tell(session, SenderIdentity.of(settings), now=now)
            finished.tell(session, SenderIdentity.of(settings), now=now)
    for letter in posted:
        mailbox.keep(mailbox.folder_of(settings.data), letter.wire, letter.at)
