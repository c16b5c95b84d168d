"""`./run school report`: a departure recorded, withdrawn, and what it refuses."""

import pytest
from click.testing import CliRunner

from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.directory.authority_sheet import authority_by_fase, schools
from outreach.directory.editions import school_reports
from outreach.settings import read
from tests.conftest import NOW

GONE = ("--gone", "--on", "2021-05-10", "--source", "Appel du secrétariat")


@pytest.fixture
def school(sample_database):
    """The FASE number of a school of authority 9300."""
    with sample_database.reading() as session:
        return str(schools(session, authority_by_fase(session, 9300)).page(1)[0].school.fase)


@pytest.fixture
def report(sample_database, templates):
    """Run the command in this process; returns its status and what it printed."""

    def run(*words):
        operation = Operation()
        operation.settings = read({"OUTREACH_DATA": str(templates.data)})
        operation.database, operation.now = sample_database, NOW
        result = CliRunner().invoke(commands, ["school", "report", *words], obj=operation)
        return result.exit_code, result.stdout_bytes.decode() + str(result.exception or "")

    return run


def test_a_departure_is_recorded_and_withdrawn(report, school, sample_database):
    assert report(school, *GONE)[0] == 0
    with sample_database.reading() as session:
        (told,) = school_reports.reports(session, authority_by_fase(session, 9300))
        assert (str(told.school.fase), told.report.since.isoformat()) == (school, "2021-05-10")
    assert report(school, "--withdraw")[0] == 0
    with sample_database.reading() as session:
        assert school_reports.reports(session, authority_by_fase(session, 9300)) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--source", "Appel"), "--gone ou --closed"),
        (("--withdraw", "--closed"), "--gone ou --closed"),
        (("--closed",), "Dites qui l’a signalé"),
        (("--closed", "--source", "Appel", "--on", "2021-05-16"), "dans l’avenir"),
        (("--withdraw",), "Aucun signalement ne vaut"),
    ],
)
def test_a_fault_ends_with_status_1_and_a_sentence(report, school, words, said):
    status, told = report(school, *words)
    assert (status, said in told) == (1, True), told


def test_a_number_that_no_school_has_is_refused(report):
    assert report("99999", *GONE) == (1, "Aucune école ne porte le numéro FASE 99999.")
