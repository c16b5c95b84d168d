"""Keys of programs: shown once, a year at most, ended at once, refused where nothing could hold them to a scope."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from outreach.access.accounts import Colleagues
from outreach.core import audit
from outreach.core.text.errors import InputError, NotFound, Refused
from outreach.integrations import api_keys
from outreach.integrations.api_keys import ApiKey, KeyState
from tests.conftest import NOW
from tests.factories import AUTHOR

BY = {"now": NOW, "actor": AUTHOR}
WANTED = {"name": "Tableau de bord", "role": "reader", "days": 90}


@pytest.mark.postgresql
def test_a_key_serves_until_it_expires_or_ends_and_lies_nowhere_in_the_database(database):
    with database.writing() as session:
        made, secret = api_keys.make(session, **WANTED, **BY)
        assert api_keys.shown(session, secret, now=NOW) is made
        assert api_keys.shown(session, secret, now=NOW + timedelta(days=90)) is None
        assert made.state(NOW + timedelta(days=90)) is KeyState.EXPIRED
        for other in ("", secret[:-1], secret + "x", "\ud800", "x" * 1000):
            assert api_keys.shown(session, other, now=NOW) is None
        assert secret.encode() not in session.scalar(select(ApiKey.digest))
        api_keys.end(session, made.id, **BY)
        assert api_keys.shown(session, secret, now=NOW) is None
        with pytest.raises(Refused, match="déjà terminée"):
            api_keys.end(session, made.id, **BY)
        with pytest.raises(NotFound):
            api_keys.end(session, 99, **BY)
        lines, name = [entry.sentence for entry in audit.entries_about(session, made.actor)], Colleagues()[made.actor]
    assert [sentence[:5] for sentence in lines] == ["Clé 1", "Clé 1"]
    assert not any(secret in sentence for sentence in lines)
    assert name == "programme, clé n° 1"


@pytest.mark.parametrize("days", [0, -1, 366, 10**9])
def test_a_key_lasts_a_day_at_least_and_a_year_at_most(database, days):
    with database.writing() as session, pytest.raises(InputError, match="1 à 365"):
        api_keys.make(session, **WANTED | {"days": days}, **BY)


@pytest.mark.parametrize(
    ("role", "says"),
    [(role, "Indiquez un rôle") for role in ("", "author", "reader:x", "federation", "network:")]
    + [(role, "code connu") for role in ("federation:x", "network:x")],
)
def test_an_unknown_role_is_refused(database, role, says):
    with database.writing() as session, pytest.raises(InputError, match=says):
        api_keys.make(session, **WANTED | {"role": role}, **BY)


def test_writing_is_a_right_of_its_own_that_the_audit_names(database):
    with database.writing() as session:
        reads, _ = api_keys.make(session, **WANTED, **BY)
        writes, _ = api_keys.make(session, **WANTED | {"name": "Plateforme"}, writes=True, **BY)
        assert (reads.writes, writes.writes) == (False, True)
        (told,) = (entry.sentence for entry in audit.entries_about(session, writes.actor))
        assert "avec le droit d’écrire" in told
        with pytest.raises(InputError, match="n’écrit pas"):
            api_keys.make(session, **WANTED | {"name": "Fédération", "role": "network:WBE"}, writes=True, **BY)


def test_two_keys_in_service_never_have_one_name(database):
    with database.writing() as session:
        made, _ = api_keys.make(session, **WANTED, **BY)
        with pytest.raises(Refused, match="s’appelle déjà"):
            api_keys.make(session, **WANTED, **BY)
        api_keys.end(session, made.id, **BY)
        api_keys.make(session, **WANTED, **BY)


def test_a_use_is_noted_once_a_minute(database):
    with database.writing() as session:
        made, _ = api_keys.make(session, **WANTED, **BY)
        assert api_keys.is_use_due(made, now=NOW)
        noted = []
        for seconds in (0, 30, 59, 60, 90):
            api_keys.note_use(session, made.id, now=NOW + timedelta(seconds=seconds))
            session.refresh(made)
            noted.append((made.last_used_at - NOW).total_seconds())
    assert noted == [0, 0, 0, 60, 60]
