"""Names in a letter that the service writes itself: words that the language of letters leaves as they are."""

import re
from collections.abc import Sequence

from outreach.directory.models import School
from outreach.french import plural

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def plain(words: str) -> str:
    """Words in which the language of letters reads no markup and no field."""
    return PUNCTUATION.sub(r"\\\1", " ".join(words.split()))


def listed(schools: Sequence[School], most: int) -> str:
    """A list of schools with their FASE numbers, in the language of letters; beyond `most` they are counted."""
    lines = [f"- {plain(school.display_name)} (FASE {school.fase})" for school in schools[:most]]
    more = len(schools) - len(lines)
    return "\n".join([*lines, f"- et {plural(more, 'autre école', 'autres écoles')}"] if more else lines)
