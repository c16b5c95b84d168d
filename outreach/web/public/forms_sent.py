"""What is known of a form that came from a letter's page: whether a person sent it, and whether a code led there."""

from datetime import timedelta

from outreach.campaigns.paper import entering
from outreach.delivery.models import Message, MessageState
from outreach.mail.tokens import Token
from outreach.web.ui.fields import posted
from outreach.web.ui.request import now

TOO_SOON = timedelta(seconds=3)  # a scanner submits forms as soon as a letter arrives; a person reads first


def is_by_code(read: Token | None) -> bool:
    """Whether the code of a letter on paper led to the answer page, and no mail."""
    return read is not None and read.link == entering.BY_CODE


def is_human(message: Message) -> bool:
    """Whether a form comes from a person. One sent within 3 s of the relay's acceptance has to be confirmed."""
    if posted("confirmed") == "1" or message.state is not MessageState.ACCEPTED:
        return True
    return message.settled_at is None or now() - message.settled_at > TOO_SOON
