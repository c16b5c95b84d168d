"""What commands prepare before they begin, where several begin at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from outreach.access.accounts import User
from outreach.cli import preparation
from outreach.core.db import take_lock
from outreach.operations.demo import people
from tests.campaigns.waves.test_retrying import wait_for_somebody_whose_turn_it_is_not
from tests.conftest import NOW


@pytest.mark.parametrize("backend", ["postgresql"])
def test_processes_that_begin_at_once_add_the_people_of_a_demonstration_in_turns(database, settings):
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            take_lock(session, preparation.PEOPLE)
            other = pool.submit(preparation.add_people, database, settings, NOW)
            wait_for_somebody_whose_turn_it_is_not(session)
        other.result()
    preparation.add_people(database, settings, NOW)
    with database.reading() as session:
        assert session.scalar(select(func.count(User.id))) == len(people.PEOPLE)
