"""Joinings that other services sign and send: kept once, applied within a pass of the clock, judged where unknown."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select
from standardwebhooks import Webhook

from outreach.adherence import programmes
from outreach.adherence.imports import JoiningLists, covered_until
from outreach.adherence.models import AdherenceRecord, JoiningList, Status
from outreach.adherence.situation import standing_of_schools
from outreach.core import tables
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.directory.models import School
from outreach.integrations import signatures, webhooks_in
from outreach.integrations.webhooks_in import (
    Delivery,
    HookDelivery,
    KeptDelivery,
    RowJudgement,
    WebhookSource,
    keep_deliveries,
)
from outreach.integrations.webhooks_in import _deliveries as applying
from outreach.integrations.webhooks_in._models import HookRow
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.programmes import FIRST, PROGRAMME, SECOND

NO_BREAK = "\u00a0"
BY = {"now": NOW, "actor": AUTHOR}
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PUBLIC = signatures.written_public(KEY.public_key().public_bytes_raw())


@pytest.fixture
def sender(sample_database):
    with sample_database.writing() as session:
        made = webhooks_in.make_source(session, name="subsides", public_key=PUBLIC, known=["WBE"], **BY)
        return made.id


@pytest.fixture
def silent(sample_database):
    """FASE numbers of schools without a status in the first strand."""
    with sample_database.reading() as session:
        rows = standing_of_schools(NOW.date(), [programmes.get_programme(session).strands[0]])
        found = select(School.fase).join(rows, rows.c.school_id == School.id).where(rows.c.status == Status.NONE)
        return session.scalars(found.order_by(School.fase)).all()


def row(school, **more):
    return {"school": school, "strand": 1, "status": "joined", "day": "2021-05-10", **more}


def body_of(*rows, **more):
    return json.dumps({"type": "adherence", "timestamp": "2021-05-15T09:00:00Z", "data": {"items": rows, **more}})


@pytest.fixture
def post(app):
    """Send a delivery, signed by a key; `change` alters what is sent after it was signed."""
    client, settings = app.test_client(), app.extensions["outreach.settings"]

    def send(body, name="subsides", identity="msg_1", late=0, key=KEY, header=None, change=lambda body: body):
        stamp = str(int((settings.instant() + timedelta(seconds=late)).timestamp()))
        signed = signatures.content(identity, stamp, body.encode())
        values = {"webhook-id": identity, "webhook-timestamp": stamp}
        values["webhook-signature"] = header(signed) if header else signatures.sign(key, signed)
        return client.post(
            f"/hooks/adherence/{name}", data=change(body), headers=values, content_type="application/json"
        )

    return send


def count(database, what):
    with database.reading() as session:
        return session.scalar(select(func.count(what)))


def keep_all(database, sender, rows):
    with database.writing() as session:
        return keep_deliveries(session, [Delivery(sender, f"m{n}", [one], None, NOW) for n, one in enumerate(rows)])


def test_a_delivery_is_kept_once_and_applied_by_the_clock(post, sender, silent, sample_database):
    body = body_of(row(silent[0]), row(silent[1]), complete_until="2021-05-14")
    first, again = post(body), post(body)
    fields = {"programme": FIRST, "programme_name": "Mes outils numériques", "received": 2}
    assert (first.status_code, first.json) == (202, {**fields, "new": True})
    assert (again.status_code, again.json) == (200, {**fields, "new": False})
    assert applying.apply_waiting(sample_database, NOW) == 1
    assert applying.apply_waiting(sample_database, NOW) == 0
    with sample_database.reading() as session:
        (delivery,) = session.scalars(select(HookDelivery))
        assert (delivery.complete_until.isoformat(), webhooks_in.state_of(delivery)) == ("2021-05-14", "appliqué")
        days = {one.code: day for one, day in covered_until(session, programmes.get_programme(session)).items()}
        assert (days["WBE"], days["COCOF"]) == (delivery.complete_until, None), "of its networks alone"
        theirs = session.scalars(select(AdherenceRecord).where(AdherenceRecord.list_id == delivery.list_id)).all()
        assert [(one.status, one.recorded_by, one.source) for one in theirs] == [
            (Status.JOINED, f"hook:{sender}", "subsides")
        ] * 2
    with sample_database.writing() as session:
        tables.undo_import(session, JoiningLists(NOW.date()), **BY)
        (delivery,) = session.scalars(select(HookDelivery))
        assert webhooks_in.state_of(delivery) == "annulé"


@pytest.mark.one_example
@pytest.mark.parametrize(
    "wrong",
    [
        {"late": -301},
        {"late": 301},
        {"key": Ed25519PrivateKey.generate()},
        {"change": lambda body: body.replace("joined", "declined")},
        {"header": lambda _: "v1a,AAAA v1,%%% v2,x"},
        {"header": lambda _: ""},
    ],
    ids=["old", "early", "wrong key", "altered", "nonsense", "none"],
)
def test_what_is_not_signed_now_by_the_sender_is_refused(post, sender, silent, sample_database, wrong):
    refused = post(body_of(row(silent[0])), **wrong)
    assert (refused.status_code, refused.mimetype) == (401, "application/problem+json")
    assert count(sample_database, HookDelivery.id) == 0


ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group by which Ed25519 signs (RFC 8032)
FIELD = 2**255 - 19
BY_NOBODY = (1).to_bytes(32, "little") + bytes(32)  # R is the neutral element, S is 0: right for a key of small order


D, ROOT = -121665 * pow(121666, -1, FIELD) % FIELD, pow(2, (FIELD - 1) // 4, FIELD)  # of −x² + y² = 1 + d·x²·y²; of −1


def x_of(y):
    """An x with which y is a point of the curve (RFC 8032, §5.1.3); None where there is none."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    return next((one for one in (x, x * ROOT % FIELD) if one * one % FIELD == square), None)


def small_points():
    """The eight points whose order divides 8, each in all of its 32 bytes' ways of writing, too large numbers included.

    From the first of order 8 by adding, so that nothing here is copied from what is tested.
    """

    def add(one, two):
        (a, b), (c, e) = one, two
        part = D * a * b * c * e
        across, along = (a * e + b * c) * pow(1 + part, -1, FIELD), (b * e + a * c) * pow(1 - part, -1, FIELD)
        return across % FIELD, along % FIELD

    def times(count, point):
        sum_ = (0, 1)
        for bit in f"{count:b}":
            sum_ = add(sum_, sum_)
            sum_ = add(sum_, point) if bit == "1" else sum_
        return sum_

    eighth = next(
        found for y in range(3, 11) if (x := x_of(y)) is not None and times(4, found := times(ORDER, (x, y))) != (0, 1)
    )
    points = {times(n, eighth) for n in range(8)}
    assert len(points) == 8
    written = {y + more for _, y in points for more in (0, FIELD) if y + more < 2**255}
    return [(y + sign).to_bytes(32, "little") for y in sorted(written) for sign in (0, 2**255)]


def test_no_key_of_small_order_is_taken_and_nothing_is_signed_by_one(sample_database):
    points = small_points()
    assert len(points) == 14
    for key in points:
        with pytest.raises(InputError, match="faible"), sample_database.writing() as session:
            webhooks_in.make_source(session, name="faible", public_key=signatures.written_public(key), known=[], **BY)
        header = "v1a," + base64.b64encode(BY_NOBODY).decode()
        forged = [signatures.is_signed(header, f"{n}", "0", b"", key=key, secret=b"s") for n in range(64)]
        assert not any(forged), key.hex()


def test_a_key_that_is_no_point_of_the_curve_is_refused_in_words_and_nothing_is_signed_by_one(sample_database):
    written = [(y, (y + sign).to_bytes(32, "little")) for y in range(2, 60) for sign in (0, 2**255)]
    for y, key in written:
        if x_of(y) is not None:
            assert signatures.public_key(signatures.written_public(key)) == key
            continue
        with pytest.raises(InputError, match="aucun point de la courbe"), sample_database.writing() as session:
            webhooks_in.make_source(session, name="faux", public_key=signatures.written_public(key), known=[], **BY)
        header = "v1a," + base64.b64encode(BY_NOBODY).decode()
        assert not signatures.is_signed(header, "m", "0", b"", key=key, secret=b"s")
    assert 20 < sum(x_of(y) is None for y, _ in written) < len(written) - 20
    for _ in range(50):
        own = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        assert signatures.public_key(signatures.written_public(own)) == own


def test_a_signature_has_one_way_of_writing():
    signature = KEY.sign(b"m.1.x")
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    public = KEY.public_key().public_bytes_raw()
    taken = [
        signatures.is_signed("v1a," + base64.b64encode(one).decode(), "m", "1", b"x", key=public, secret=b"s")
        for one in (signature, other)
    ]
    assert taken == [True, False]


@pytest.mark.long
def test_a_name_serves_one_delivery_and_another_under_it_is_refused(post, sender, silent, sample_database):
    body = body_of(row(silent[0]), complete_until="2021-05-14")
    assert post(body).status_code == 202
    others = [body_of(row(silent[1])), body_of(row(silent[0])), body_of(row(silent[0]), row(silent[1]))]
    for other in others:
        refused = post(other)
        assert (refused.status_code, refused.mimetype) == (409, "application/problem+json")
        assert "webhook-id" in refused.json["detail"]
    turned = row(silent[0])
    assert post(body_of(dict(reversed(turned.items())), complete_until="2021-05-14")).status_code == 200
    assert post(others[0], identity="msg_2").status_code == 202
    assert count(sample_database, HookDelivery.id) == 2


def test_of_two_under_one_name_that_come_at_once_the_first_is_kept(sender, silent, sample_database):
    three = [Delivery(sender, "m", [row(school)], None, NOW) for school in (silent[0], silent[1], silent[0])]
    with sample_database.writing() as session:
        assert keep_deliveries(session, three) == [KeptDelivery.NEW, KeptDelivery.TAKEN, KeptDelivery.AGAIN]
    assert count(sample_database, HookDelivery.id) == 1


def test_a_day_to_come_is_refused(post, sender, silent):
    assert post(body_of(row(silent[0]), complete_until="2999-01-01")).status_code == 400


def by_hand(written, signed):
    raw = base64.b64decode(written.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()


def by_library(written, signed):
    identity, stamp, text = signed.decode().split(".", 2)
    return Webhook(written).sign(identity, datetime.fromtimestamp(int(stamp), UTC), text)


@pytest.mark.parametrize("sign", [by_hand, by_library])
def test_a_shared_secret_signs_too(app, post, silent, sample_database, sign):
    with sample_database.writing() as session:
        salt = webhooks_in.make_source(session, name="secret", public_key="", known=[], **BY).salt
    secret = signatures.secret_of(app.extensions["outreach.settings"].secret_key.get_secret_value(), salt)
    written = signatures.written_secret(secret)

    def header(signed):
        return f"v1 v1, v1,%%% v1,AAAA {sign(written, signed)}"

    body = body_of(row(silent[0]))
    for wrong in ({"late": -301}, {"late": 301}, {"change": lambda body: body + " "}):
        assert post(body, name="secret", header=header, **wrong).status_code == 401
    assert post(body, name="secret", header=lambda signed: sign("whsec_AAAA", signed)).status_code == 401
    assert post(body, name="secret", header=header).status_code == 202


def test_what_is_no_text_is_signed_by_no_secret():
    told = b"m.1.\xff"
    for said in (hmac.digest(b"s", told, "sha256"), b""):
        header = f"v1,{base64.b64encode(said).decode()}"
        assert signatures.is_signed(header, "m", "1", b"\xff", key=None, secret=b"s") is False


def test_a_sender_that_is_unknown_or_ended_sends_nothing(post, sender, silent, sample_database):
    assert post(body_of(row(silent[0])), name="autre").status_code == 404
    with sample_database.writing() as session:
        webhooks_in.end_source(session, sender, **BY)
    assert post(body_of(row(silent[0]))).status_code == 404


@pytest.mark.one_example
@pytest.mark.parametrize("body", ["", "[]", "{}", '{"data": 1}', '{"data": {"items": []}}', '{"data": {"items": [1]}}',
                                  '{"data": {"items": [{}], "complete_until": "x"}}', "[" * 100_000])  # fmt: skip
def test_a_body_that_is_none_is_refused(post, sender, sample_database, body):
    assert post(body).status_code == 400
    assert count(sample_database, HookDelivery.id) == 0


@pytest.mark.one_example
@pytest.mark.parametrize(
    "odd", ['"\\ud800"', "[" * 9_000 + "]" * 9_000, '{"\\udfff": 1}'], ids=["half", "deep", "name"]
)
def test_a_row_that_no_database_takes_is_refused_and_holds_up_nothing(post, sender, silent, sample_database, odd):
    body = body_of(row(silent[0], more="ODD")).replace('"ODD"', odd)
    assert post(body).status_code == 400
    assert post(body_of(row(silent[0])), identity="msg_2").status_code == 202
    assert applying.apply_waiting(sample_database, NOW) == 1


def states(session):
    """What became of each delivery, in the order in which they came."""
    return [
        webhooks_in.state_of(one).replace(NO_BREAK, " ")
        for one in sorted(webhooks_in.list_deliveries(session).every(), key=lambda one: one.id)
    ]


def test_a_delivery_says_how_many_of_its_rows_await_staff_beside_what_became_of_others(
    post, sender, silent, sample_database
):
    post(body_of(row(silent[0]), row(1), row(2)))
    assert applying.apply_waiting(sample_database, NOW) == 1
    post(body_of(row(silent[0])), identity="msg_2")
    assert applying.apply_waiting(sample_database, NOW) == 1
    with sample_database.reading() as session:
        assert states(session) == ["appliqué, 2 lignes à juger", "rien de nouveau"]
    with sample_database.writing() as session:
        tables.undo_import(session, JoiningLists(NOW.date()), **BY)
        assert states(session)[0] == "annulé, 2 lignes à juger"


def test_what_is_unknown_waits_for_staff_who_try_it_again_or_drop_it(sender, silent, sample_database):
    keep_all(sample_database, sender, [row(silent[0]), row(1), row(silent[1], strand=77), {"école": "?"}])
    assert applying.apply_waiting(sample_database, NOW) == 4
    with sample_database.reading() as session:
        rows, waiting = webhooks_in.unresolved_rows(session, 10)
        assert waiting == 3
        assert {json.loads(one.content).get("strand") for one in rows} == {1, 77, None}
        first, second = rows[0].id, rows[1].id
        assert states(session) == ["appliqué"] + ["1 ligne à juger"] * 3
    with sample_database.writing() as session:
        webhooks_in.judge_row(session, first, RowJudgement.RETRIED, **BY)
        webhooks_in.judge_row(session, second, RowJudgement.DROPPED, **BY)
        assert states(session) == ["appliqué", "lignes jugées", "1 ligne à juger", "lignes jugées", "attend l’horloge"]
        with pytest.raises(Refused, match="déjà écartée"):
            webhooks_in.judge_row(session, second, RowJudgement.RETRIED, **BY)
    assert applying.apply_waiting(sample_database, NOW) == 1
    assert count(sample_database, HookRow.id) == 4, "it cannot be read this time either"


def test_a_joining_after_the_closing_waits_for_staff_with_the_day(sender, silent, sample_database):
    with sample_database.writing() as session:
        programmes.get_programme(session).strand(1).closed_on = date(2021, 5, 9)
    keep_all(sample_database, sender, [row(silent[0]), row(silent[1], day="2021-05-09")])
    applying.apply_waiting(sample_database, NOW)
    with sample_database.reading() as session:
        (left,) = session.scalars(select(HookRow)).all()
        assert "Le volet 1 a fermé le 9 mai 2021" in left.fault.replace(NO_BREAK, " ")


def test_a_row_tried_again_takes_no_name_that_its_service_may_give(sender, silent, sample_database):
    keep_all(sample_database, sender, [row(1), row(2)])
    assert applying.apply_waiting(sample_database, NOW) == 2
    with sample_database.reading() as session:
        first, second = (one.id for one in webhooks_in.unresolved_rows(session, 10)[0])
    named = [Delivery(sender, f"ligne {one}", [row(silent[0])], None, NOW) for one in (first, second)]
    with sample_database.writing() as session:
        assert keep_deliveries(session, named[:1]) == [KeptDelivery.NEW]
        for one in (first, second):
            webhooks_in.judge_row(session, one, RowJudgement.RETRIED, **BY)
        session.flush()
        assert keep_deliveries(session, named) == [KeptDelivery.AGAIN, KeptDelivery.NEW], "the second was never sent"


@pytest.mark.long
def test_a_delivery_that_cannot_be_applied_waits_for_staff_and_others_go_on(sender, silent, sample_database):
    day_of_none = NOW.date()  # no network of this name is known any more
    with sample_database.writing() as session:
        session.get_one(WebhookSource, sender).networks = '["Disparu"]'
        other = webhooks_in.make_source(session, name="autre", public_key="", known=[], **BY).id
        sent = [
            (sender, silent[0], None),
            (sender, silent[1], day_of_none),
            (other, silent[2], None),
            (sender, silent[3], None),
        ]
        keep_deliveries(
            session, [Delivery(of, f"m{n}", [row(school)], day, NOW) for n, (of, school, day) in enumerate(sent)]
        )
        keep_deliveries(session, [Delivery(sender, "m9", [{}], None, NOW)])
        session.scalars(select(HookDelivery).where(HookDelivery.webhook_id == "m9")).one().body = "{"
    assert applying.apply_waiting(sample_database, NOW) == 5
    with sample_database.reading() as session:
        rows, _ = webhooks_in.unresolved_rows(session, 10)
        assert {(one.delivery.webhook_id, one.fault) for one in rows} == {
            ("m1", applying.UNAPPLIED),
            ("m9", applying.UNREAD),
        }
        joined = select(School.fase).join(AdherenceRecord, AdherenceRecord.school_id == School.id)
        ours = joined.where(AdherenceRecord.recorded_at == NOW, AdherenceRecord.recorded_by.like("hook:%"))
        states = set(session.scalars(ours))
    assert states == {silent[0], silent[2], silent[3]}
    with sample_database.writing() as session:
        for one in webhooks_in.unresolved_rows(session, 10)[0]:
            webhooks_in.judge_row(session, one.id, RowJudgement.RETRIED, **BY)
    assert applying.apply_waiting(sample_database, NOW) == 2
    assert count(sample_database, HookRow.id) == 3, "what cannot be read waits again, alone"


@pytest.mark.long
def test_ten_thousand_deliveries_become_a_few_lists(sender, silent, sample_database):
    before, schools = count(sample_database, JoiningList.id), silent * (10_000 // len(silent) + 1)
    with sample_database.writing() as session:
        deliveries = [Delivery(sender, f"m{n}", [row(school)], None, NOW) for n, school in enumerate(schools[:10_000])]
        assert set(keep_deliveries(session, deliveries)) == {KeptDelivery.NEW}
    assert applying.apply_waiting(sample_database, NOW) == 10_000
    assert count(sample_database, JoiningList.id) == before + 1, "the second says nothing new"
    assert count(sample_database, HookRow.id) == 0


def test_senders_have_names_of_their_own_and_keys_that_are_keys(sample_database, sender):
    with sample_database.writing() as session:
        for name in ("", "Majuscule", "a/b", "-a", "x" * 41):
            with pytest.raises(InputError):
                webhooks_in.make_source(session, name=name, public_key="", known=[], **BY)
        with pytest.raises(InputError, match="Ed25519"):
            webhooks_in.make_source(session, name="a", public_key="whpk_AAAA", known=[], **BY)
        with pytest.raises(InputError, match="Réseau inconnu"):
            webhooks_in.make_source(session, name="a", public_key="", known=["X"], **BY)
        with pytest.raises(Refused):
            webhooks_in.make_source(session, name="subsides", public_key="", known=[], **BY)
        with pytest.raises(Refused, match="vaudrait aussi"):
            webhooks_in.make_source(session, name="b", public_key=PUBLIC, known=[], **BY)
        webhooks_in.end_source(session, sender, **BY)
        webhooks_in.make_source(session, name="b", public_key=PUBLIC, known=[], **BY)


@pytest.mark.journey
@pytest.mark.long
def test_the_page_says_what_came_and_what_it_did(signed_in, sender, silent, sample_database, password):
    from tests.pages import text_of

    keep_all(sample_database, sender, [row(silent[0]), row(1)])
    applying.apply_waiting(sample_database, NOW)
    chief = signed_in("administrator")
    page = text_of(chief.get("/administration/hooks"))
    assert "1 ligne à juger" in page.replace("\u00a0", " ")
    assert "appliqué" in page
    response = chief.send("/administration/hooks", {"name": "entrepot"})
    assert "Confirmez que c’est vous" in text_of(response)
    with sample_database.reading() as session:
        assert webhooks_in.get_source_named(session, "entrepot") is None
    made = chief.send("/administration/hooks", {"name": "entrepot", "password": password})
    assert "whsec_" in made.text
    assert "whsec_" not in chief.get("/administration/hooks").text
    signed_in("author").send("/administration/hooks/rows/1/dropped", page="/administration/hooks")
    assert "à juger" not in text_of(chief.get("/administration/hooks"))


def test_what_a_service_sends_is_of_its_programme_whatever_else_is_loaded(post, sender, silent, sample_database):
    other = {"public_key": signatures.written_public(OTHER.public_key().public_bytes_raw()), "known": [], **BY}
    with sample_database.writing() as session:
        programmes.load_programme(session, PROGRAMME, **BY)
        with pytest.raises(Refused, match=f"« {FIRST} », « {SECOND} »"):
            webhooks_in.make_source(session, name="lecture", **other)
        with pytest.raises(NotFound):
            webhooks_in.make_source(session, name="lecture", programme="autre", **other)
        webhooks_in.make_source(session, name="lecture", programme=SECOND, **other)
    for body in (body_of(row(silent[0]), row(silent[1], programme=SECOND)), body_of(row(silent[0]), programme=SECOND)):
        refused = post(body)
        said = refused.json["detail"].replace(NO_BREAK, " ")
        assert (refused.status_code, f"« {FIRST} », et la ligne " in said, f"de « {SECOND} »" in said) == (
            409,
            True,
            True,
        )
    taken = post(body_of(row(silent[0]), programme=FIRST))
    assert (taken.status_code, taken.json["programme"], taken.json["programme_name"]) == (
        202,
        FIRST,
        "Mes outils numériques",
    )
    assert post(body_of(row(silent[1])), name="lecture", key=OTHER).json["programme"] == SECOND
    assert applying.apply_waiting(sample_database, NOW) == 2
    with sample_database.reading() as session:
        lists = {one.received_by: one.programme.code for one in session.scalars(select(JoiningList))}
    assert (lists[f"hook:{sender}"], lists[f"hook:{sender + 1}"]) == (FIRST, SECOND)
