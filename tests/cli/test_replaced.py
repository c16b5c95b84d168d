"""Commands that are no more say, for one version, what takes their place, whatever they are called with."""

import json

import pytest
from click.testing import CliRunner

from outreach.cli.gone import GONE
from outreach.cli.main import PLACES, commands, load
from outreach.core.text.french import typeset


@pytest.mark.parametrize("name", GONE)
def test_a_command_that_is_no_more_names_what_replaces_it(name):
    for words in ((), ("7", "--as", "a@b.example"), ("--help",)):
        asked = CliRunner().invoke(commands, [*name.split(), *words])
        assert asked.exit_code != 0
        assert f"La commande {name} n’existe plus : {GONE[name]}." in str(asked.exception)
    told = CliRunner().invoke(commands, [*name.split(), "7", "--json"])
    assert json.loads(told.stdout)["error"] == typeset(f"La commande {name} n’existe plus : {GONE[name]}.")


@pytest.mark.parametrize("name", GONE)
def test_it_stands_in_no_list_of_commands(name):
    *group, command = name.split()
    assert f" {command} " not in CliRunner().invoke(commands, [*group, "--help"]).stdout


def visible(command):
    below = [each for each in getattr(command, "commands", {}).values() if not each.hidden]
    return sum(map(visible, below)) if below else 1


def test_commands_stay_few():
    """What pages do is done on pages: a command is for the machine, nights, emergencies, files and figures."""
    assert sum(visible(load(name)) for name in PLACES) <= 65
