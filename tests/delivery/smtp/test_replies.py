"""What a relay said, as it is kept."""

import pytest

from outreach.delivery.letters import INERT, Keys, TokenKind
from outreach.delivery.smtp import LONGEST_KEPT, Reply, result_of

TOKEN = Keys([b"k" * 32]).make(TokenKind.BOUNCE, b"12345678")


@pytest.mark.parametrize("filler", [0, LONGEST_KEPT - 50])
def test_a_reply_that_quotes_the_sender_or_a_link_is_no_key_to_the_letter(filler):
    said = f"5.1.0 {'x' * filler} <b-{TOKEN}@adm.fwb.example>: rejected, https://a.example/u/{TOKEN.upper()}"
    kept = result_of(Reply(550, (said,)), after_dot=False).text
    assert TOKEN[:8] not in kept.lower()
    assert kept == said.replace(TOKEN, INERT).replace(TOKEN.upper(), INERT)[:LONGEST_KEPT]
