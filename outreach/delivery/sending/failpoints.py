"""The named stages of a round, at which a test can kill the process."""

from enum import StrEnum


class Failpoint(StrEnum):
    """A stage of a round. The postman reports each to a callback, so that a test can kill it exactly there.

    AFTER_RCPT and MID_BODY are stages of a single letter: its RCPT and DATA were accepted; half its body is written.
    """

    AFTER_COMPOSE = "after_compose"
    AFTER_RCPT = "after_rcpt"
    MID_BODY = "mid_body"
    BEFORE_FENCE = "before_fence"
    AFTER_FENCE = "after_fence"
    AFTER_DOT = "after_dot"
    AFTER_REPLY = "after_reply"
    AFTER_RECORD = "after_record"
