"""The changes that the program is tried with."""

import ast

import pytest

from tools.mutants import candidates, spliced

SOURCE = """\
LIMIT = 3


def is_late(days, one, é):
    if days > LIMIT and not one.is_over:
        one.tell(days + 1)
        return True
    return é
"""


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("comparison", {"if (days >= LIMIT) and not one.is_over:"}),
        ("and/or", {"if ((days > LIMIT) or (not one.is_over)):"}),
        ("not", {"if days > LIMIT and (one.is_over):"}),
        ("if", {"if (not (days > LIMIT and (not one.is_over))):"}),
        ("+/-", {"one.tell((days - (1)))"}),
        ("constant", {"one.tell(days + 2)", "return False"}),
        ("dropped line", {"pass"}),
        ("return None", {"return None"}),
    ],
)
def test_one_place_in_the_body_of_a_function_is_written_otherwise(kind, lines):
    before = [line.strip() for line in SOURCE.splitlines()]
    came = set()
    for found, node, new in candidates(ast.parse(SOURCE)):
        if found == kind:
            after = [line.strip() for line in spliced(SOURCE, node, new).splitlines()]
            (changed,) = [late for early, late in zip(before, after, strict=True) if early != late]
            came.add(changed)
    assert came == lines
