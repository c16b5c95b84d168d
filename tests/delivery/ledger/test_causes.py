"""Why a letter was put off or refused, in French, from what a relay replied."""

import pytest

from outreach.delivery.models import Message, MessageState
from outreach.delivery.outbox._listing import cause, cause_of


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        (550, "5.1.1", "l’adresse n’existe pas"),
        (None, "5.1.1", "l’adresse n’existe pas"),
        (452, "4.2.2", "la boîte est pleine"),
        (556, "5.1.10", "le domaine de l’adresse ne reçoit pas de courriels"),
        (550, "5.7.26", "le serveur du destinataire refuse nos courriels"),
        (550, "5.0.0", "la boîte n’existe pas ou refuse les courriels"),
        (451, "4.7.1", "le serveur demande d’attendre"),
        (421, "", "le serveur est momentanément fermé"),
        (499, "", "le serveur demande d’attendre"),
        (599, "", "le serveur d’envoi refuse le courriel"),
        (None, "", "le serveur d’envoi refuse le courriel"),
    ],
)
def test_a_reply_is_said_in_french(code, status, said):
    assert cause(code, status) == said


def test_only_what_a_reply_explains_has_a_cause():
    def said(state, **reply):
        given = {"reply_code": None, "reply_status": "", "reply_text": ""} | reply
        return cause_of(Message(state=state, **given))

    assert said(MessageState.QUEUED) == ""
    assert said(MessageState.ACCEPTED, reply_code=250) == ""
    assert said(MessageState.QUEUED, reply_code=451, reply_status="4.7.1") == "le serveur demande d’attendre"
    assert said(MessageState.EXPIRED, reply_code=452, reply_status="4.2.2") == (
        "la boîte est pleine, et le délai est passé"
    )
