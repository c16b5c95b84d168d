"""No text that comes from outside makes a pattern work longer than in proportion to its length."""

import math
import re
import time

import pytest

from outreach.core import erasure
from tests.architecture.patterns import METHODS, calls, hard_texts, made_in_functions, patterns

NAME = "Anne-Lise D'Œuf"
PATTERNS = patterns()
LENGTH = 8_000  # characters; over as many a quadratic pattern takes many times MEASURABLE on any processor of today
SHORTER = (20, 40, 80, 160, 320)  # a pattern that is worse than quadratic takes as long over one of these
MEASURABLE = 0.00125  # seconds; what takes less over LENGTH characters is not quadratic
MOST_GROWTH = 3


def seconds(pattern, method, text):
    """The processor time of a call."""
    call = getattr(pattern, method)
    before = time.process_time()
    if method in {"sub", "subn"}:
        call("", text) if isinstance(text, str) else call(b"", text)
    elif method == "finditer":
        for _ in call(text):
            pass
    else:
        call(text)
    return time.process_time() - before


def text_of(pattern, parts, length):
    """A hard text of about this many characters, as the pattern reads it."""
    start, pump, end = parts
    text = start + pump * (length // len(pump)) + end
    return text if isinstance(pattern.pattern, str) else text.encode("utf-8", "replace")


def quickest(pattern, method, parts, length):
    """The processor time of a call over so much text, without what else the process did meanwhile."""
    text = text_of(pattern, parts, length)
    return min(seconds(pattern, method, text) for _ in range(3))


def growth(pattern, method, parts):
    """How much longer a call takes over twice the text; 1 where it takes too little time to be measured."""
    lengths = (*SHORTER, LENGTH)
    length = next((one for one in lengths if seconds(pattern, method, text_of(pattern, parts, one)) >= MEASURABLE), 0)
    if not length:
        return 1
    if length <= 80 and quickest(pattern, method, parts, length) >= MEASURABLE:
        return math.inf  # exponential: twice the text would take for ever
    shares = (
        quickest(pattern, method, parts, LENGTH // 2 * times) / quickest(pattern, method, parts, LENGTH // 4 * times)
        for times in (1, 1, 2)  # a busy machine disturbs the shortest texts, a quadratic pattern grows over any
    )
    return next((share for share in shares if share <= MOST_GROWTH), math.inf)


@pytest.mark.deep
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_time_in_proportion_to_its_text(name):
    pattern = PATTERNS[name]
    methods = calls().get(name.rpartition(".")[2]) or METHODS
    for parts in hard_texts(pattern):
        for method in sorted(methods):
            assert growth(pattern, method, parts) <= MOST_GROWTH, (method, parts)


@pytest.mark.deep
@pytest.mark.parametrize(
    "pump", ["Anne-Lise D", "Anne-Lise D'Œuf ", " ", "&#00000039;", "e\u0301", "\\", "&amp;", "&amp", "&aaaaaa"]
)
def test_a_name_is_taken_from_a_text_in_proportion_to_its_length(pump):
    def took(length):
        text, tries = f"{pump * (length // len(pump))} {NAME}s {NAME}", []
        for _ in range(3):
            before = time.process_time()
            assert erasure.Redaction(NAME, "…").taken_from(text).endswith(f"{NAME}s …")
            tries.append(time.process_time() - before)
        return min(tries)

    shares = (took(10 * LENGTH) / took(5 * LENGTH) for _ in range(3))
    assert next((share for share in shares if share <= MOST_GROWTH), math.inf) <= MOST_GROWTH


@pytest.mark.long
def test_every_pattern_is_compiled_where_its_time_is_measured():
    assert len(PATTERNS) > 80
    assert made_in_functions() == []


@pytest.mark.deep
def test_a_quadratic_pattern_is_caught():
    """Any of these would pass with the texts of one kind only."""
    for slow in (r"[^\s<>]+@", r"(a+)+b", r"<a[^>]*>", r"x\s*\s*y"):
        pattern = re.compile(slow)
        assert any(growth(pattern, "search", parts) > MOST_GROWTH for parts in hard_texts(pattern)), slow
