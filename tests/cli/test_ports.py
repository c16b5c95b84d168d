"""The addresses that `./run` opens: both are looked at before anything is prepared."""

import socket
from contextlib import contextmanager

import pytest

from outreach.cli.running.web import place_of_pages, with_a_mailbox
from outreach.core.settings import Settings
from outreach.core.text.errors import Refused

HERE = "127.0.0.1"


@contextmanager
def taken():
    """An address of this machine at which something listens while the block runs."""
    with socket.create_server((HERE, 0)) as listener:
        yield f"{HERE}:{listener.getsockname()[1]}"


def unnamed(mailbox, **named):
    """Settings whose usual mailbox is this one: the environment names another address for it nowhere."""
    return Settings.model_construct(set(named), **{**Settings(**named).model_dump(), "demo_mailbox": mailbox})


def test_where_the_pages_address_is_taken_the_sentence_names_both_settings():
    with taken() as place, pytest.raises(Refused) as refusal:
        place_of_pages(Settings(bind=place))
    assert all(word in str(refusal.value) for word in (place, "déjà", "OUTREACH_BIND", "OUTREACH_DEMO_MAILBOX"))


def test_a_demonstrations_mailbox_takes_a_free_port_by_itself(capsys):
    with taken() as place:
        moved = with_a_mailbox(unnamed(place))
        assert moved.demo_mailbox != place
        assert moved.relays == (f"smtp://{moved.demo_mailbox}",)
        assert {place, moved.demo_mailbox} <= set(capsys.readouterr().out.replace(",", " ").replace(".\n", " ").split())
    assert with_a_mailbox(moved) is moved


def test_a_mailbox_does_not_take_the_address_of_the_pages():
    with taken() as place:
        free = with_a_mailbox(unnamed(place)).demo_mailbox
    beside = unnamed(free, bind=free)
    assert with_a_mailbox(beside).demo_mailbox != free


def test_a_mailbox_whose_address_was_named_is_refused_where_it_is_taken():
    with taken() as place, pytest.raises(Refused, match="OUTREACH_DEMO_MAILBOX"):
        with_a_mailbox(Settings(demo_mailbox=place))
