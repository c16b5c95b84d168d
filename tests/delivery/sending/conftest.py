"""Rounds that take their time."""

import pytest


@pytest.fixture
def unhurried(monkeypatch):
    """A round waits for the relay, which answers everything: on a busy machine, too, it is a round of them all."""
    monkeypatch.setattr("outreach.delivery.sending.postman.TURN_SECONDS", 60)
    monkeypatch.setattr("outreach.delivery.sending.postman.PATIENCE_SECONDS", 60)
