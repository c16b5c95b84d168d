"""`/hooks/adherence/NAME`: what a sender signs is kept at once, and answered; the clock applies it within seconds."""

import json
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, current_app, request

from outreach.core.db import Database
from outreach.core.text.errors import InputError, NotFound
from outreach.integrations import signatures, webhooks_in
from outreach.integrations.webhooks_in import LONGEST_ID, Delivery, KeptDelivery, WebhookSource
from outreach.web.public.tracking_endpoint import Batches, NotHandled
from outreach.web.ui import errors
from outreach.web.ui.request import current_day, now, reading, settings

pages = Blueprint("hooks", __name__, url_prefix="/hooks")
EXTENSION = "outreach.webhooks"
UNSIGNED = "La signature de cet envoi n’est pas juste, ou il est vieux de plus de cinq minutes. Rien n’est enregistré."
TAKEN = "Un autre envoi a déjà ce « webhook-id » : donnez-en un nouveau à celui-ci. Rien n’en est enregistré."
AGAIN = {"Retry-After": "30"}


def install(app: Flask, database: Database) -> None:
    """Give an application what keeps deliveries: many that come at once are kept by one transaction."""

    def keep(deliveries: Sequence[Delivery]) -> Sequence[KeptDelivery]:
        with database.writing() as session:
            return webhooks_in.keep_deliveries(session, deliveries)

    app.extensions[EXTENSION] = Batches[Delivery, KeptDelivery]("hook deliveries were not kept", keep)


@pages.post("/adherence/<name>")
def receive(name: str) -> Response:
    """Keep a delivery of joinings. One that was kept already is answered alike; its name serves no other one."""
    body, identity = request.get_data(), request.headers.get("webhook-id", "")
    with reading() as session:
        sender = webhooks_in.get_source_named(session, name)
        if sender is None:
            raise NotFound("Aucun service de ce nom n’envoie ici.")
        if not _is_theirs(sender, identity, body):
            return errors.answer(401, UNSIGNED)
        number, about = sender.id, webhooks_in.programme_of(session, sender)
    if not 0 < len(identity) <= LONGEST_ID or not identity.isprintable():
        raise InputError("« webhook-id » manque, ou dépasse 255 signes.")
    rows, until = webhooks_in.read_delivery(body, current_day())
    webhooks_in.refuse_others(rows, about)
    batches: Batches[Delivery, KeptDelivery] = current_app.extensions[EXTENSION]
    try:
        became = batches.put(Delivery(number, identity, rows, until, now()))
    except NotHandled:
        return errors.answer(503, "Réessayez : rien n’est enregistré.", AGAIN)
    if became is KeptDelivery.TAKEN:
        return errors.answer(409, TAKEN)
    named = {"programme": about and about.code, "programme_name": about and about.name}
    values = {**named, "received": len(rows), "new": became is KeptDelivery.NEW}
    return Response(json.dumps(values), 202 if became is KeptDelivery.NEW else 200, content_type="application/json")


def _is_theirs(sender: WebhookSource, identity: str, body: bytes) -> bool:
    timestamp = request.headers.get("webhook-timestamp", "")
    if not signatures.is_in_time(timestamp, now()):
        return False
    secret = signatures.secret_of(settings().own_key, sender.salt)
    header = request.headers.get("webhook-signature", "")
    return signatures.is_signed(header, identity, timestamp, body, key=sender.public_key, secret=secret)
