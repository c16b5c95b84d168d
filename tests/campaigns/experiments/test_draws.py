import json
import subprocess
import sys
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.campaigns.experiments import Listed, stratify
from outreach.campaigns.experiments import _design as design
from outreach.campaigns.experiments._design import DrawnStratum, DrawReason, Stratum, canonical
from outreach.core.settings import ROOT
from tests.campaigns.experiments.examples import some

CONTENT = {"letter": "Cher·ère responsable « 1er »\n\u007f\t", "window": 14, "fixed": None, "of": [True, "\u2028"]}
STRATA = stratify([*some(8), *some(7, several=True, first=9101), *some(20, "Communal", first=9201)]).strata


def names(listed):
    told = stratify(listed)
    return {stratum.name: len(stratum.fases) for stratum in told.strata}, told.outside


def test_a_stratum_is_a_network_its_size_and_whether_it_is_under_way():
    listed = [*some(6), *some(6, under_way=True, first=9101), *some(6, several=True, first=9201)]
    assert names(listed) == (
        {
            "Libre, une école, autres": 6,
            "Libre, une école, en préparation ou marché lancé": 6,
            "Libre, plusieurs écoles, autres": 6,
        },
        {},
    )


def test_a_stratum_under_six_drops_the_last_split_then_the_second():
    listed = [*some(6), *some(5, under_way=True, first=9101), *some(6, several=True, first=9201)]
    assert names(listed) == ({"Libre, une école": 11, "Libre, plusieurs écoles, autres": 6}, {})
    listed = [*some(40), *some(30, under_way=True, first=9101), *some(5, several=True, first=9201)]
    assert names(listed) == ({"Libre": 75}, {})


def test_a_network_under_six_and_who_shares_a_mailbox_stay_outside():
    listed = [*some(6), *some(1, "WBE", first=9100), *some(2, first=9200, shares=True)]
    outside = {9100: DrawReason.TOO_FEW, 9200: DrawReason.SHARED_MAILBOX, 9201: DrawReason.SHARED_MAILBOX}
    assert names(listed) == ({"Libre, une école, autres": 6}, outside)
    assert all(reason.label for reason in DrawReason)


@given(
    st.lists(
        st.builds(
            Listed,
            st.integers(1, 99999),
            st.sampled_from("AB"),
            st.booleans(),
            st.booleans(),
            st.integers(0, 9).map(bool),
        ),
        unique_by=lambda one: one.fase,
    ),
    st.randoms(use_true_random=False),
)
def test_everybody_is_in_one_stratum_of_six_or_outside_whatever_the_order_of_the_list(listed, chance):
    told = stratify(listed)
    inside = [fase for stratum in told.strata for fase in stratum.fases]
    assert sorted([*inside, *told.outside]) == sorted(one.fase for one in listed)
    assert all(len(stratum.fases) >= 6 for stratum in told.strata)
    assert len(inside) == told.drawn
    shuffled = list(listed)
    chance.shuffle(shuffled)
    assert stratify(shuffled) == told


def test_an_authority_ranks_by_the_digest_of_the_seed_and_its_digits():
    """Computed by hand, as a stranger reads the rule."""
    ranks = {fase: sha256(b"seed" + b"%d" % fase).hexdigest() for fase in range(9001, 9021)}
    order = tuple(sorted(ranks, key=ranks.get))
    assert design.drawn(b"seed", [Stratum("a", tuple(ranks))]) == (DrawnStratum("a", order),)
    places = [[fase for place, fase in enumerate(order) if place % 3 == departure] for departure in range(3)]
    assert [list(one) for one in DrawnStratum("a", order).departures] == places


@given(st.integers(6, 400), st.binary(min_size=32, max_size=32))
def test_departures_share_a_stratum_evenly(count, seed):
    (stratum,) = design.drawn(seed, [Stratum("a", tuple(range(count)))])
    sizes = [len(one) for one in stratum.departures]
    assert sum(sizes) == count
    assert 0 <= sizes[0] - sizes[2] <= 1


# Keys of a plan are such words. Elsewhere RFC 8785 sorts by UTF-16, and the program by code points.
KEYS = st.from_regex("[a-z_]+", fullmatch=True)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)))
def test_the_canonical_form_is_what_the_strangers_program_writes(value):
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(value) == plain.encode("utf-8")


NONCE = bytes(32)


def seed(nonce=NONCE, content=CONTENT, strata=STRATA, attempt=1, added=b""):
    return design.seed_of(nonce, design.content_digest(content, strata, attempt, added))


@pytest.mark.parametrize("added", [b"", bytes(range(16))], ids=["now", "under 0.3.0"])
def test_a_stranger_repeats_the_draw_with_nothing_of_ours(tmp_path, added):
    file = tmp_path / "draw.json"
    published = {
        "nonce": NONCE.hex(),
        "commitment": sha256(NONCE).hexdigest(),
        "approver_bytes": added.hex(),
        "attempt": 1,
        "content": CONTENT,
        "list": design.list_of(STRATA)[::-1],
    }
    file.write_text(json.dumps(published), encoding="utf-8")
    program = (ROOT / "docs" / "redraw.py").read_text(encoding="utf-8")
    assert "outreach" not in program
    assert len(program.splitlines()) <= 40
    alone = [sys.executable, "-I", "-S", "-c", program, file]
    again = json.loads(subprocess.run(alone, cwd=tmp_path, check=True, capture_output=True, text=True).stdout)
    assert again["seed"] == seed(added=added).hex()
    assert again["content_digest"] == design.content_digest(CONTENT, STRATA, 1, added).hex()
    assert [(one["name"], one["order"], one["departures"]) for one in again["strata"]] == [
        (one.name, list(one.order), [list(fases) for fases in one.departures])
        for one in design.drawn(seed(added=added), STRATA)
    ]
    file.write_text(json.dumps({**published, "commitment": "0" * 64}), encoding="utf-8")
    refused = subprocess.run(alone, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "not the one" in refused.stderr


def test_each_of_nonce_content_list_attempt_and_approver_changes_the_seed():
    others = [
        {"nonce": b"\1" * 32},
        {"content": 0},
        {"strata": STRATA[1:]},
        {"attempt": 2},
        {"added": bytes(16)},
    ]
    assert len({seed(**changed) for changed in [{}, *others]}) == 6
