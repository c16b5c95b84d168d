"""Staff accept a proposal, which is then done, or refuse it; who proposed it is told by mail and on the page."""

from datetime import date, datetime

from sqlalchemy import Select, select

from outreach import audit, french
from outreach.campaigns.letter.frozen import Frozen, SenderIdentity
from outreach.db import Session, take_turns
from outreach.delivery.ledger import suppressions
from outreach.directory import contacts
from outreach.directory.contacts import Particulars, subject_of
from outreach.directory.editions import school_reports
from outreach.directory.editions.school_reports import Fate
from outreach.directory.models import MailboxKind
from outreach.errors import InputError, NotFound, Refused
from outreach.mail.addresses import Judgement
from outreach.proposals.models import Proposal, ProposalKind, ProposalState
from outreach.staff_mail import letters
from outreach.staff_mail.letters import Said, StaffLetter
from outreach.text import line_of_words

LONGEST = 500
PAGE = "/proposals"


def by_key(session: Session, key: int) -> Proposal:
    """The proposal with this number. Raises NotFound."""
    found = session.get(Proposal, key)
    if found is None:
        raise NotFound("Cette proposition n’existe pas.")
    return found


def waiting() -> Select[Proposal]:
    """Select the proposals that await staff, the oldest first."""
    query = select(Proposal).where(Proposal.state == ProposalState.WAITING)
    return query.order_by(Proposal.proposed_at, Proposal.id)


def answered(
    made: Proposal, *, accepts: bool, answer: str, sending: SenderIdentity, now: datetime, name: str, contact: str
) -> tuple[StaffLetter, Frozen]:
    """The mail that tells the answer to whoever proposed, by `name`, laid out to be posted.

    It takes its time: no transaction that writes should be open. Raises InputError where a refusal says no reason.
    """
    answer = line_of_words(" ".join(answer.split()))
    if len(answer) > LONGEST or (not answer and not accepts):
        raise InputError(f"Dites pourquoi, en {LONGEST} caractères au plus : la personne le lira.")
    verdict = "est acceptée" if accepts else "n’est pas retenue"
    because = f" : {answer.rstrip('.')}" if answer else ""
    about = f"Votre proposition sur {made.authority.display_name}, « {made.subject} », {verdict}{because}."
    subject = f"Votre proposition {verdict} : {made.authority.display_name}"
    letter = StaffLetter([made.proposed_by], subject, [Said(about, PAGE)], name, contact)
    return letter, letters.write(letter, sending, now=now)


def accept(
    session: Session,
    made: Proposal,
    answer: str,
    mail: tuple[StaffLetter, Frozen],
    sending: SenderIdentity,
    *,
    judged: Judgement | None,
    today: date,
    now: datetime,
    actor: str,
) -> None:
    """Do what is proposed, as staff would by hand, and tell so. `judged` is the proposed address, judged again.

    Raises Refused where it was decided already, and what correcting an address or reporting a school raises.
    """
    _take(session, made)
    source = f"proposé par {made.scope_code}"
    if made.kind is ProposalKind.SCHOOL and made.school is not None:
        source = f"{source} : {made.said}"[: school_reports.LONGEST]
        of, gone = made.school.fase, Fate.GONE
        school_reports.report(
            session, made.authority, of, gone, day=today, source=source, now=now, today=today, actor=actor
        )
    elif judged is not None:
        _correct(session, made, judged, source, now=now, actor=actor)
        suppressions.vouch(session, judged.key, now=now, actor=actor)
    _close(session, made, ProposalState.ACCEPTED, answer, now=now, actor=actor)
    letters.post(session, *mail, sending, now=now, actor=actor)


def _correct(session: Session, made: Proposal, judged: Judgement, source: str, *, now: datetime, actor: str) -> None:
    """Put the proposed address in the place of the one it corrects, or beside the others."""
    held = made.contact
    if held is None:
        told, kind = Particulars(source=source), MailboxKind.IMPERSONAL
        contacts.add(session, made.authority, judged, now=now, actor=actor, particulars=told, kind=kind)
        return
    told = Particulars.of(held).but({"source": source})
    kind = held.mailbox_kind
    contacts.correct(session, made.authority, held, judged, now=now, actor=actor, particulars=told, kind=kind)


def refuse(
    session: Session,
    made: Proposal,
    answer: str,
    mail: tuple[StaffLetter, Frozen],
    sending: SenderIdentity,
    *,
    now: datetime,
    actor: str,
) -> None:
    """Refuse a proposal, and tell why. Raises Refused where it was decided already."""
    _take(session, made)
    _close(session, made, ProposalState.REFUSED, answer, now=now, actor=actor)
    letters.post(session, *mail, sending, now=now, actor=actor)


def _take(session: Session, made: Proposal) -> None:
    take_turns(session, "proposal", made.id)
    session.refresh(made)
    if made.state is not ProposalState.WAITING and made.decided_at is not None:
        raise Refused(f"Cette proposition est déjà {made.state.label.lower()}, le {french.moment(made.decided_at)}.")


def _close(session: Session, made: Proposal, state: ProposalState, answer: str, *, now: datetime, actor: str) -> None:
    made.state, made.answer = state, line_of_words(" ".join(answer.split()))
    made.decided_at, made.decided_by = now, actor
    said = f"Proposition de {made.scope_code}, « {made.subject} » : {state.label.lower()}."
    audit.record(session, now, actor, said, subject_of(made.authority))
