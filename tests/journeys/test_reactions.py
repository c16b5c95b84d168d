"""`campaign reactions` prints the rows of the page: all of them, those of a wave, those without a reaction."""

import json

from outreach.campaigns import lifecycle
from outreach.campaigns.results import reaction_list, reactions
from outreach.campaigns.results.reaction_list import ReactionFilters
from outreach.measuring.reactions import Reaction
from outreach.responses.kinds import Answer
from tests.campaigns.conftest import people, strand
from tests.campaigns.results.test_figures import LATER, answer, sent
from tests.journeys.test_operator import run

__all__ = ["people", "run", "sent", "strand"]


def test_the_command_prints_the_rows_of_all_and_of_those_without_a_reaction(run, database, strand, sent):
    one, *_ = sent
    answer(database, strand, one, Answer.HELP)
    with database.reading() as session:
        campaign = lifecycle.campaign_numbered(session, 1)
        asked = reactions.asked_of(campaign, now=LATER)
        every, none = (
            reaction_list.of(session, asked, ReactionFilters(reaction=kind), waves={}).objects()
            for kind in (None, Reaction.NONE)
        )
    for rows, arguments in ((none, ["--none"]), (every, ["--wave", 1])):
        told = json.loads(run("campaign", "reactions", 1, *arguments, "--json").stdout)
        assert told == {"campaign": 1, "items": rows}
    *lines, last = run("campaign", "reactions", 1, "--none").stdout.splitlines()
    assert len(lines) == len(none)
    counted = "n’ont ni répondu ni adhéré 3, ont répondu ou adhéré 1, aucun courriel remis 3."
    assert last == f"Pouvoirs organisateurs 7\u00a0: {counted}"
