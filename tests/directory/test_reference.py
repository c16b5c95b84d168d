"""The table of networks: one row says all that the service knows of one."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from outreach.directory.models import Level, Network
from outreach.directory.reference import FEDERATIONS, NetworkCode, federation_of


def test_the_database_has_a_row_for_each_network_in_the_order_of_the_table(database):
    with database.reading() as session:
        stored = session.execute(select(Network.code, Network.label).order_by(Network.position)).all()
    assert stored == [(network.value, network.facts.label) for network in NetworkCode]


def test_a_network_names_known_federations_and_the_one_without_is_one_authority():
    named = {network: {federation_of(network, level) for level in Level} for network in NetworkCode}
    assert [network for network, theirs in named.items() if theirs == {None}] == [NetworkCode.WBE]
    assert set.union(*named.values()) - {None} == set(FEDERATIONS)


def test_communes_provinces_and_the_cocof_work_in_school_breaks():
    administrations = [network for network in NetworkCode if network.facts.is_administration]
    assert administrations == [NetworkCode.MUNICIPAL, NetworkCode.PROVINCIAL, NetworkCode.COCOF]


@pytest.mark.long
def test_a_seventh_network_is_a_row(sample_database, templates):
    """In words, sending hours, names, pages and files, and for programs: without another line."""
    url = sample_database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.directory.seventh_network", url, str(templates.data)]
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
