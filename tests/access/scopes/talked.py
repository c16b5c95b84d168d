"""Rows, in the scope of SeGEC and out of it, of what hangs on campaigns, letters, answers, draws and notes."""

from sqlalchemy import insert, select

from outreach.adherence import programmes
from outreach.core.db import Base
from outreach.delivery.models import MessageSubject
from outreach.directory.models import Contact
from outreach.engagement.replies import Response
from tests.conftest import NOW, STORY_DAY

SIGNED, NOTED = {"at": NOW, "actor": "x"}, {"at": NOW, "actor": "x", "note": "dit"}


def add(session, table, **values):
    """Insert a row; returns the first column of its key."""
    return session.execute(insert(Base.metadata.tables[table]).values(**values)).inserted_primary_key[0]


def rows_of(session, table):
    """The rows of a table as mappings, in the order of their keys."""
    table = Base.metadata.tables[table]
    return session.execute(select(table).order_by(*table.primary_key.columns)).mappings().all()


def talk(session, schools, letters):
    """Add them: about each of these schools (its key, that of its authority), and about letters that were answered."""
    (campaign,) = rows_of(session, "campaigns")
    draft = add(session, "campaigns", **{**campaign, "id": campaign["id"] + 1, "state": "draft"})
    last = rows_of(session, "waves")[-1]
    unmeant = {**last, "id": last["id"] + 1, "campaign_id": draft, "number": 1, "mailing_id": None}
    waves = {campaign["id"]: last["id"], draft: add(session, "waves", **unmeant)}
    mailing = rows_of(session, "mailings")[-1]
    add(session, "mailings", **{**mailing, "id": mailing["id"] + 1, "purpose": "staff"})
    authorities = sorted({authority for _, authority in schools})
    for one, wave in waves.items():
        _of_campaign(session, one, wave)
        _of_draw(session, one, authorities)
        _of_authorities(session, one, wave, authorities)
    for at, (school, authority) in enumerate(schools):
        _of_school(session, school, authority, campaign["strand_id"], is_withdrawn=at % 2 == 1)
    for at, letter in enumerate(letters):
        _of_letter(session, letter, on_rung=at % 2 == 1)
    for number in (1, 2):
        _note(session, number, is_published=number == 1)


def _of_campaign(session, campaign, wave):
    words = {"state": "draft", "subject": "x", "letter": "x", "asked_at": NOW}
    add(session, "added_reminders", campaign_id=campaign, created_at=NOW, created_by="x", **words)
    add(session, "campaign_transitions", campaign_id=campaign, state="draft", content_hash="x", **NOTED)
    add(session, "wave_transitions", wave_id=wave, state="planned", **NOTED)
    exempted = add(session, "exemptions", campaign_id=campaign, wave_id=wave, kind="calm", reason="dit", **SIGNED)
    add(session, "exemption_withdrawals", exemption_id=exempted, withdrawn_at=NOW, withdrawn_by="x")
    add(session, "uncounted_campaigns", campaign_id=campaign, authorities=1)


def _of_draw(session, campaign, authorities):
    drawn = {"commitment": "x", "nonce": "x", "plan": "{}", "plan_digest": "x", "list_digest": "x"}
    made = {"approver_bytes": "00", "seed": "x", "drawn_at": NOW, "submitted_at": NOW}
    attempt = add(session, "draw_attempts", campaign_id=campaign, number=1, **drawn, **made)
    add(session, "followed_draws", campaign_id=campaign, attempt_id=attempt, followed_at=NOW)
    for authority in authorities:
        where = {"fase": authority, "stratum": "x", "letters": 1, "departure": 1}
        add(session, "drawn_authorities", attempt_id=attempt, authority_id=authority, **where)


def _of_authorities(session, campaign, wave, authorities):
    excepted = add(session, "audience_exceptions", campaign_id=campaign, reason="dit", **SIGNED)
    known = {row["authority_id"] for row in rows_of(session, "staged_authorities") if row["wave_id"] == wave}
    for authority in authorities:
        add(session, "excepted_authorities", exception_id=excepted, authority_id=authority, letters=1)
        if authority not in known:
            add(session, "staged_authorities", wave_id=wave, authority_id=authority, letters=1, of_schools=0)


def _of_school(session, school, authority, strand, *, is_withdrawn):
    proposed = {"kind": "school", "state": "waiting", "said": "dit", "answer": "", "address": ""}
    by = {"scope_kind": "network", "scope_code": "WBE", "proposed_at": NOW, "proposed_by": "x"}
    add(session, "proposals", authority_id=authority, school_id=school, **proposed, **by)
    stated = {"status": "declined", "word": "declared", "reason": "dit", "source": "x"}
    dated = {"effective_on": STORY_DAY, "recorded_at": NOW, "recorded_by": "x"}
    record = add(session, "adherence_records", school_id=school, strand_id=strand, **stated, **dated)
    if is_withdrawn:
        add(session, "record_withdrawals", record_id=record, withdrawn_at=NOW, withdrawn_by="x")


def _of_letter(session, letter, *, on_rung):
    seen = {"agent": "browser", "is_head": False, "hit_class": "human", "why": "nothing_suspect"}
    add(session, "hits", message_id=letter.id, link=0, at=NOW, version=1, **seen)
    of = {"mailing_id": letter.mailing_id, "authority_id": letter.authority_id, "message_id": letter.id}
    step = add(session, "reach_steps", rung=1, channel="call", state="due", due_at=NOW, **of)
    add(session, "reach_transitions", step_id=step, state="due", **NOTED)
    noted = {"kind": "phone", "day": STORY_DAY, "person": "x", "note": "x", "recorded_at": NOW, "recorded_by": "x"}
    call = add(session, "calls", authority_id=letter.authority_id, **noted)
    add(session, "reach_calls", call_id=call, step_id=step, outcome="call_back")
    _of_paper(session, letter, step)
    theirs = (Contact.authority_id == letter.authority_id, Contact.address_key == letter.address_key)
    for contact in session.scalars(select(Contact.id).where(*theirs)).all():
        confirmed = {"at": NOW, "way": "staff", "actor": "x", "note": "dit", "about": ""}
        add(session, "address_confirmations", contact_id=contact, **confirmed)
    kept = {"digest": f"{letter.id:064}", "read_at": NOW, "verdict": "human", "handling": "nothing"}
    add(session, "bounce_notices", message_id=letter.id, **kept)
    wrote = dict.fromkeys(("ident", "sender", "sender_key", "sender_name", "subject", "folded"), "x") | {"text": "dit"}
    received = {"digest": f"{letter.id:064}", "received_at": NOW, "is_automatic": False, "attached_by": "mark"}
    add(session, "received_mails", authority_id=letter.authority_id, message_id=letter.id, **wrote, **received)
    answer = session.scalars(select(Response.id).where(Response.message_id == letter.id)).one()
    add(session, "response_steps", response_id=answer, step="taken", **NOTED)
    fields = {"kind": "answer", "state": "to_verify", "doubt": "no_page", "digest": "x", "at": NOW, "changed_at": NOW}
    add(session, "sent_forms", message_id=letter.id, authority_id=letter.authority_id, **fields)
    if on_rung:
        add(session, "reach_answers", response_id=answer, step_id=step)
    else:
        add(session, "acknowledgements", response_id=answer)
        add(session, "response_withdrawals", response_id=answer, withdrawn_at=NOW, because="not_ours")
    listed = select(MessageSubject.school_id).where(MessageSubject.message_id == letter.id)
    for school in session.scalars(listed).all():
        add(session, "response_schools", response_id=answer, school_id=school)


def _of_paper(session, letter, step):
    campaign = next(row["campaign_id"] for row in rows_of(session, "waves") if row["mailing_id"] == letter.mailing_id)
    made = {"mailing_id": letter.mailing_id, "made_at": NOW, "made_by": "x", "letters": 1, "has_sheet": False}
    batch = add(session, "paper_batches", campaign_id=campaign, **made)
    place = {"recipient": "x", "street": "x", "house_number": "1", "box": "", "postcode": "1000", "locality": "x"}
    add(session, "paper_letters", batch_id=batch, step_id=step, place=1, school_keys="1 2", **place)


def _note(session, number, *, is_published):
    fields = {"title": "x", "as_of": STORY_DAY, "known_at": NOW, "figures": "{}", "text": "dit", "sha256": "x"}
    programme = programmes.get_programme(session).id
    note = add(session, "notes", programme_id=programme, frozen_at=NOW, frozen_by="x", **fields)
    ranked = {"position": number, "year": 2021, "rank": number, "number": f"2021-00{number}"}
    sealed = {"approved_as": "x", "previous_sha256": "", "signature": "x", "public_key": "x"}
    add(session, "note_approvals", note_id=note, approved_at=NOW, **ranked, **sealed)
    if is_published:
        add(session, "note_publications", note_id=note, published_at=NOW, published_by="x")
