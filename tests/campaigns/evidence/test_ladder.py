"""The ladder of a campaign as it is written down: read back as it was, refused where it would double a channel."""

import pytest

from outreach.campaigns.evidence import ReachChannel, RungWhen, stored_steps, write_steps
from outreach.campaigns.evidence._channels import MOST_DAYS
from outreach.core.text.errors import InputError

PAPER, CALL = ReachChannel.PAPER, ReachChannel.CALL


def test_rungs_are_kept_in_the_order_of_their_days_and_read_back():
    kept = write_steps([(CALL, 12, RungWhen.SILENT), (PAPER, 5, RungWhen.FAILED)])
    assert [(rung.number, rung.channel, rung.days, rung.when) for rung in stored_steps(kept)] == [
        (1, PAPER, 5, RungWhen.FAILED),
        (2, CALL, 12, RungWhen.SILENT),
    ]
    assert stored_steps("") == []
    assert stored_steps(write_steps([(PAPER, 1, RungWhen.ALWAYS)]))[0].in_words == (
        "Lettre sur papier, 1 jour après la vague, toujours : la lettre sur papier suit le courriel"
    )


def test_the_longest_ladder_fits_its_column():
    others = [one for one in ReachChannel if one is not ReachChannel.MAILBOX]
    longest = [(channel, MOST_DAYS - number, RungWhen.SILENT) for number, channel in enumerate(others)]
    assert len(write_steps(longest)) < 300


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ([(PAPER, 5, RungWhen.FAILED), (PAPER, 6, RungWhen.FAILED)], "une fois au plus"),
        ([(PAPER, 5, RungWhen.FAILED), (CALL, 5, RungWhen.FAILED)], "propre délai"),
        ([(PAPER, 0, RungWhen.FAILED)], "Un délai compte"),
        ([(PAPER, MOST_DAYS + 1, RungWhen.FAILED)], "Un délai compte"),
        ([(CALL, 5, RungWhen.ALWAYS)], "Seule la lettre sur papier"),
    ],
)
def test_a_ladder_that_would_double_a_channel_or_a_day_is_refused(chosen, said):
    with pytest.raises(InputError, match=said):
        write_steps(chosen)
