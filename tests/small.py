"""The small sample: a sixth of the fictitious register, with each network and zone and every awkward case of it.

What a page shows of an authority does not depend on how many others there are, but what the page costs does.
"""

from itertools import groupby
from operator import attrgetter

from outreach.operations.demo import sample
from outreach.operations.demo.population import populate

NAMED = set(range(9300, 9306))  # whom tests name
AWKWARD = 30  # authorities of one school that the sample makes its cases of
MOST, OF_ONE = 15, 60  # schools that an authority keeps, and one that is its network


def authorities():
    """Those of the sample that the small one keeps, in the same order, with the first of their schools."""
    every = populate()
    single, pairs = sample._single_basic(every)[:AWKWARD], sample._with_two_basic(every)[:2]
    of_each_zone = {one.place.zone: one for one in reversed(every)}.values()
    kept = {one.fase for one in (*single, *pairs, every[-1], *of_each_zone)} | NAMED
    for _, found in groupby(every, attrgetter("network")):
        theirs = list(found)
        kept |= {one.fase for one in (*theirs[:2], *theirs[2::9], theirs[-1])}
        for one in theirs:
            del one.schools[OF_ONE if len(theirs) == 1 else MOST :]
    return [one for one in every if one.fase in kept]
