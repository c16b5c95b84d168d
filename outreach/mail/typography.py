"""No-break spaces where French wants them."""

import re

WIDE, NARROW = "\u00a0", "\u202f"


def typeset(text: str) -> str:
    """Put no-break spaces where French wants them: before `: ; ! ?` and inside « »."""
    text = re.sub(r" (?=[:»])|(?<=«) ", WIDE, text)
    return re.sub(r" (?=[;!?])", NARROW, text)
