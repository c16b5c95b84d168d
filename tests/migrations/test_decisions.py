"""Decisions from revision 0052 on: what older tables said is taken over with its digests, and goes back."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select, text

from outreach import migrations
from outreach.approvals import reading
from outreach.approvals.models import Content, Decision, DecisionKind, Extent
from outreach.audit import seals
from outreach.campaigns.verification import verify
from outreach.db import Session
from outreach.notes import listing
from outreach.notes.known_notes import known_notes
from outreach.roles import RoleName
from outreach.staff_mail.models import StaffNotice
from tests.conftest import NOW, state_from
from tests.migrations.dumps import bare, insert
from tests.migrations.test_populated import dumped

DUMP = json.loads((Path(__file__).parent / "0029.json").read_text(encoding="utf-8"))
NADIA, MARC = "nadia.lambert@fwb.example", "marc.dethier@fwb.example"
pytestmark = pytest.mark.postgresql


def moves(*said, start=1, **named):
    """Transitions a minute apart: (state, actor, note, digest, authorities, letters)."""
    return [
        {"id": start + number, **named, "state": state, "at": f"2021-06-0{number + 1}T09:00:00+00:00", "actor": actor}
        | {"note": note, "content_hash": digest * 64, "authorities": authorities, "addresses": letters}
        for number, (state, actor, note, digest, authorities, letters) in enumerate(said)
    ]


OF_CAMPAIGN = moves(
    ("to_approve", NADIA, "soumise à validation", "a", 10, 12),
    ("draft", MARC, "renvoyée à qui l’écrit : trop long", "a", 0, None),
    ("draft", NADIA, "modifiée", "b", 0, None),
    ("to_approve", NADIA, "soumise à validation", "b", 9, 11),
    ("approved", MARC, "validée en sachant que 3 PO reçoivent un autre courriel", "b", 9, 11),
    ("approved", MARC, "validée pour le public tel qu’il est devenu", "b", 20, None),
    ("cancelled", NADIA, "annulée", "b", 0, None),
    ("draft", NADIA, "reprise en brouillon", "b", 0, None),
    start=6,
    campaign_id=2,
)
OF_REMINDER = moves(
    ("to_approve", NADIA, "soumise", "c", 4, 5),
    ("approved", MARC, "validée", "c", 4, 5),
    ("abandoned", NADIA, "abandonnée", "c", 0, None),
    start=2,
    added_reminder_id=1,
)
NOTICES = [
    {"id": 2, "user_id": 1, "due_at": "2021-06-05T09:00:00+00:00", "settled_at": None, "mailing_id": None}
    | {"campaign_transition_id": 10, "reminder_transition_id": None, "wave_transition_id": None},
    {"id": 3, "user_id": 1, "due_at": "2021-06-05T09:00:00+00:00", "settled_at": None, "mailing_id": None}
    | {"campaign_transition_id": None, "reminder_transition_id": 3, "wave_transition_id": None},
]


NOTED = {"at": "2021-06-01T09:00:00+00:00", "later": "2021-06-02T09:00:00+00:00"}
OF_NOTES = {
    "notes": [
        {"id": key, "programme_id": 1, "title": title, "as_of": "2021-05-15", "known_at": NOTED["at"], "figures": "{}"}
        | {"text": "", "sha256": digest * 64, "frozen_at": NOTED["at"], "frozen_by": NADIA, "corrects_id": None}
        for key, title, digest in ((1, "Approuvée", "d"), (2, "Refusée", "e"), (3, "En attente", "f"))
    ],
    "note_approvals": [
        {"position": 1, "note_id": 1, "corrects_id": None, "year": 2021, "rank": 1, "number": "2021-001"}
        | {"approved_at": NOTED["later"], "approved_by": MARC, "approved_as": "validation", "previous_sha256": ""}
        | {"signature": "x", "public_key": "x"}
    ],
    "note_refusals": [{"note_id": 2, "refused_at": NOTED["later"], "refused_by": MARC, "reason": "Trop tôt."}],
    "prepared_texts": [
        {"id": key, "use": use, "text": words, "written_at": NOTED["at"], "written_by": NADIA}
        for key, use, words in ((2, "help", "Aide"), (3, "joined", "Nouveau"))
    ],
}


@state_from("empty")
def before(database, _settings):
    """A populated database of revision 0052."""
    emptied = bare(database.engine.url.render_as_string(hide_password=False))
    migrations.upgrade(emptied.engine, "0029")
    insert(emptied, DUMP)
    migrations.upgrade(emptied.engine, "0052")
    insert(emptied, {"campaign_transitions": OF_CAMPAIGN, "added_reminder_transitions": OF_REMINDER})
    insert(emptied, {"staff_notices": NOTICES})
    insert(emptied, OF_NOTES)
    emptied.dispose()


@state_from("before")
def taken_over(database, _settings):
    """The same, brought to the newest revision."""
    migrations.upgrade(database.engine)


def test_what_was_decided_is_taken_over_with_its_digest_and_goes_back_row_by_row(before):
    held = dumped(before)
    migrations.upgrade(before.engine)
    with Session(before.engine) as session:
        told = [
            (made.kind.value, made.actor, made.digest[0], made.extent, made.reason)
            for made in reversed(reading.history(session, ["campaign:2"]))
        ]
        assert told[1:] == [
            ("submitted", NADIA, "a", Extent(10, 12), ""),
            ("sent_back", MARC, "a", Extent(0), "trop long"),
            ("written", NADIA, "b", Extent(0), "modifiée"),
            ("submitted", NADIA, "b", Extent(9, 11), ""),
            ("approved", MARC, "b", Extent(9, 11), "en sachant que 3 PO reçoivent un autre courriel"),
            ("confirmed", MARC, "b", Extent(20), ""),
            ("withdrawn", NADIA, "b", Extent(0), "annulée"),
        ]
        kinds = [made.kind.value for made in reversed(reading.history(session, ["reminder:1"]))]
        assert kinds == ["written", "submitted", "approved", "withdrawn"]
        titles = [row["title"] for row in held["campaigns"]]
        assert {made.title for made in session.scalars(select(Decision))} >= set(titles)
        of_notices = [
            session.get_one(Decision, one.decision_id).kind.value for one in session.scalars(select(StaffNotice))
        ]
        assert of_notices == ["written", "approved", "approved"]
        left = session.execute(text("SELECT id, note FROM campaign_transitions")).all()
        assert left == [(13, "reprise en brouillon")]
        approved = Content("campaign:1", reading.last(session, "campaign:1").digest, "", "")
        assert reading.approval(session, approved) is not None
        assert seals.verify(session).fault == ""
        assert verify(session, now=NOW) == []
    migrations.downgrade(before.engine, "0052")
    assert dumped(before) == held


def test_what_is_decided_since_goes_back_after_what_was_before_it(taken_over):
    said = {"digest": "d" * 64, "title": "x", "at": NOW.replace(month=7), "reason": ""}
    with taken_over.writing() as session:
        for kind, actor in ((DecisionKind.SUBMITTED, NADIA), (DecisionKind.APPROVED, MARC)):
            session.add(Decision(subject="campaign:2", kind=kind, actor=actor, **said))
            session.flush()
    migrations.downgrade(taken_over.engine, "0052")
    with Session(taken_over.engine) as session:
        last = text("SELECT state, actor, content_hash FROM campaign_transitions ORDER BY id DESC LIMIT 2")
        assert session.execute(last).all() == [("approved", MARC, "d" * 64), ("to_approve", NADIA, "d" * 64)]
    migrations.upgrade(taken_over.engine)
    with Session(taken_over.engine) as session:
        assert [made.kind.value for made in reading.history(session, ["campaign:2"])][:2] == ["approved", "submitted"]


def test_notes_and_texts_keep_who_decided_about_which_digest(taken_over):
    with Session(taken_over.engine) as session:

        def told(subject):
            return [
                (made.kind.value, made.actor, made.digest, made.title, made.reason)
                for made in reversed(reading.history(session, [subject]))
            ]

        assert told("note:1") == [
            ("submitted", NADIA, "d" * 64, "Approuvée", ""),
            ("approved", MARC, "d" * 64, "Approuvée", "sous le numéro 2021-001"),
        ]
        assert told("note:2")[1] == ("refused", MARC, "e" * 64, "Refusée", "Trop tôt.")
        digest = sha256(b"Bonjour").hexdigest()
        assert [kind for kind, *_ in told("text:1")] == ["submitted", "approved", "withdrawn"]
        assert told("text:1")[1] == ("approved", MARC, digest, "Adhésion confirmée", "")
        assert told("text:2") == []
        awaited = reading.awaiting(session, MARC, {RoleName.APPROVER})
        assert {thing.value: [made.key for made in found] for thing, found in awaited.items()} == {
            "note": [3],
            "text": [3],
        }
        assert [(note.id, note.state.value) for note in listing.listed(session).every()] == [
            (3, "frozen"),
            (2, "refused"),
            (1, "approved"),
        ]
        assert known_notes(session).figures == {"2021-001": "d" * 64}
