"""Letters of every kind as they leave, to authorities and schools with the hardest names."""

from itertools import cycle

from sqlalchemy import select

from outreach.access.accounts import LinkKind, User
from outreach.campaigns import correspondence, planning, waves
from outreach.campaigns.correspondence import Writer
from outreach.campaigns.letter import Composer, WrittenLetter, freeze_letter
from outreach.campaigns.review import PLACEHOLDER
from outreach.core.settings import ROOT
from outreach.core.text.roles import RoleName
from outreach.delivery.models import Batch, Mailing, Message, Purpose
from outreach.delivery.outbox import Addressee, due_in
from outreach.directory.models import Authority, Ownership, School
from outreach.engagement.replies import Answer, Given
from outreach.operations.health import _watch as watch
from outreach.staff import notifications
from outreach.staff.notifications import AccountHolder, Said, StaffLetter
from tests import factories
from tests.campaigns.conftest import DEADLINE, READING, approved, launch, settle
from tests.conftest import NOW
from tests.factories import AUTHOR

ONE, MANY = "une école", "147 écoles"
# As the register writes them: « SPÉCIALISÉ » holds a drug's name, for whom only ASCII letters make a word.
AUTHORITIES = ("POUVOIR ORGANISATEUR DE L'ENSEIGNEMENT SPÉCIALISÉ SAINT-JOSEPH ASBL", "WALLONIE-BRUXELLES ENSEIGNEMENT")
SCHOOLS = (
    "ÉCOLE D'ENSEIGNEMENT SECONDAIRE SPÉCIALISÉ",
    "INSTITUT D'ENSEIGNEMENT SPÉCIALISÉ DE LA FÉDÉRATION WALLONIE-BRUXELLES",
    "C.E.B.E. SPÉCIALISÉ N° 3",
    "ÉCOLE LIBRE SPÉCIALISÉE LES ÉCUREUILS",
    "IPES SPÉCIALISÉ DU HAINAUT",
    'ATHÉNÉE ROYAL "LES 100 PREMIERS" !',
    "COLLÈGE DU SACRÉ-COEUR ET DE LA BONNE CHANCE",
)
TEXT = "Madame, Monsieur,\n\nMerci pour votre réponse. Puis-je vous appeler lundi ?\n\nBien cordialement,\n((contact))"


def settle_hard_names(database):
    """Fill an empty database with two authorities and their schools."""
    settle(database, 1, schools=1)
    settle(database, 1, schools=147)
    with database.writing() as session:
        for rows, names in ((Authority, AUTHORITIES), (School, SCHOOLS)):
            for row, name in zip(session.scalars(select(rows).order_by(rows.id)), cycle(names), strict=False):
                row.name = name


def as_they_leave(database):
    """Each letter's kind and case in words, with its bytes."""
    for stated in planning.ready_made(ROOT / "campaigns").values():
        yield from _ready_made(database, stated)
    yield from _after_a_wave(database)
    yield from _to_staff(database)


def _ready_made(database, stated):
    """To one school; and to many, as a reminder where the letter has a sentence for it: each sentence leaves once."""
    letter = PLACEHOLDER.sub("Le montant était inexact : il est de 500 €.", stated.letter)
    cases = ((False, ONE), ("(% if rappel %)" in letter, MANY))
    with database.writing() as session:
        campaign = factories.campaign(session, stated.model_copy(update={"letter": letter, "strand": 1}), NOW)
        written = WrittenLetter.of(session, campaign)
        few, many = session.scalars(select(Authority).order_by(Authority.id))
        to = {ONE: _addressee(session, few), MANY: _addressee(session, many)}
        for is_reminder, case in cases:
            frozen = freeze_letter(written, READING, DEADLINE, is_reminder=is_reminder)
            sent = waves.send_one(
                session, written, frozen, READING, to[case], Purpose.TEST, "v1", now=NOW, actor=AUTHOR
            )
            yield f"{stated.title}{' (rappel)' * is_reminder}, {case}", _wire(session, sent.id)


def _addressee(session, authority):
    return Addressee(authority.id, *[f"po{authority.fase:06}@adm.fwb.example"] * 3, _schools(session, authority.id))


def _schools(session, authority):
    return tuple(session.scalars(select(Ownership.school_id).where(Ownership.authority_id == authority)))


def _after_a_wave(database):
    launch(database, approved(database), sending=READING)
    with database.writing() as session:
        left = session.scalars(select(Message).order_by(Message.id.desc())).first()
        joined = dict.fromkeys(_schools(session, left.authority_id)[:5], Answer.JOINED)
        (response,) = waves.receive_answer(session, left, Given(joined), READING, now=NOW)
        yield "Accusé de réception", _wire(session, _last(session, Purpose.CONFIRMATION))
        prepared = correspondence.prepare_reply(
            session, response, TEXT, Writer("Nadia Lambert", AUTHOR), READING, now=NOW
        )
        correspondence.send_reply(session, response, prepared, READING, "a" * 32, now=NOW, actor=AUTHOR)
        yield "Réponse du service", _wire(session, _last(session, Purpose.REPLY))


def _to_staff(database):
    told = [Said("La campagne « Invitation » attend votre avis.", "/campaigns/1")]
    news = StaffLetter([AUTHOR], "Invitation : à valider", told, "Nadia Lambert", AUTHOR, may_be_fewer=True)
    holder = AccountHolder(AUTHOR, "Nadia Lambert", [RoleName.AUTHOR])
    with database.writing() as session:
        frozen = notifications.write_mail(news, READING, now=NOW)
        told = notifications.post_mail(session, news, frozen, READING, now=NOW, actor=AUTHOR)
        yield "Au personnel : nouvelles d’une campagne", _wire(session, told)
        mail = notifications.write_account_mail(LinkKind.FORGOTTEN, READING, holder, contact=AUTHOR, now=NOW)
        user = session.scalars(select(User.id).where(User.email == AUTHOR)).one()
        link = notifications.post_account_mail(session, mail, user, READING, now=NOW, actor=AUTHOR)
        yield "Au personnel : mot de passe", _wire(session, link)
        said = ["Le relais ne répond plus depuis 9 h.", "Les envois attendent."]
        alert = watch.letter_about([AUTHOR], "Alerte : le relais ne répond plus", said)
        notifications.post_mail(
            session, alert, notifications.write_mail(alert, READING, now=NOW), READING, now=NOW, actor=watch.SERVICE
        )
        yield "Au personnel : alerte", _wire(session, _last(session, Purpose.STAFF))


def _last(session, purpose):
    return session.scalars(select(Mailing.id).where(Mailing.purpose == purpose).order_by(Mailing.id.desc())).first()


def _wire(session, mailing):
    session.flush()
    batch = session.scalars(select(Batch.id).where(Batch.mailing_id == mailing)).one()
    due = due_in(session, batch, now=NOW)
    (composed,) = Composer(READING, lambda: NOW)(session, session.get_one(Mailing, mailing), due).values()
    return composed.wire
