"""The alerts of the service that the person who is signed in can act on."""

from collections.abc import Collection

from flask_login import current_user

from outreach.core.db import Session
from outreach.core.settings import listed
from outreach.delivery.smtp import Relay
from outreach.operations.health import ShownAlert, shown_alerts
from outreach.web.ui.request import now, settings


def alarms(session: Session, beside: Collection[int] = ()) -> list[ShownAlert]:
    """These alerts, without the pauses of the waves in `beside`, which the page shows elsewhere."""
    here = settings()
    relays = [Relay.at(url, here.sending_domain).name for url in here.relays]
    return shown_alerts(
        session, current_user.holds, relays, here.data, now=now(), beside=beside, to=listed(here.alerts_to)
    )
