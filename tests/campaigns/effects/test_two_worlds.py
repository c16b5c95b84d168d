"""Nothing splits joinings or answers by departure before the day of the figure: two worlds that differ in this alone.

The same authorities join and answer on the same days in both, and were drawn into other departures. Every page, file,
command, mail to staff and figure has the same counts in both, those of other campaigns, too. Names and numbers of
authorities are masked: a draw gives each its departure, which its list tells (`campaign draw --json`), and an
authority's sheet tells its letters.
"""

import hashlib
import html
import io
import json
import re
import subprocess
import zipfile
from collections import Counter
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from outreach.adherence.models import RollUp
from outreach.campaigns import lifecycle
from outreach.cli.context import Operation
from outreach.cli.main import commands
from outreach.delivery.models import MessageClass
from outreach.metrics import figures
from outreach.segments import saved
from outreach.segments.calm import KEY
from outreach.segments.criteria import And, NotWrittenSince, RolledUp
from outreach.segments.criteria_json import to_json
from outreach.settings import Calm
from outreach.settings.model import Settings
from tests import factories
from tests.application import sign_in, standing
from tests.architecture.test_sweeps import SAMPLES, addresses
from tests.campaigns.draws.conftest import START, drawable
from tests.campaigns.effects.two_worlds import live, worlds
from tests.conftest import NOW
from tests.factories import AUTHOR
from tests.web.api.conftest import Program, made

__all__ = ["drawable", "standing"]
MASKS = [
    (re.compile(pattern), told)
    for pattern, told in (
        (r"[0-9a-f]{32,}|[a-z2-7]{30,}|[\w-]{40,}|'nonce-[^']+'", "…"),
        (r"\bdraft=\d+", "…"),
        (r'name="(?:csrf_token|draft_page)"[^>]*>|csrf-token" content="[^"]*"|name="draft_page" value="\d+"', "…"),
        (r"FASE 9\d{3}\b|/directory/9\d{3}\b|\bpo00\d{4}@|\b9[0-2]\d\d\b|\b1000\d{3}\b", "…"),
        (r"Administration communale \d+|Institut d’enseignement secondaire \d+-\d+|/letters/\d+", "…"),
        (r'(data-label="Reçus cette année">)[^<]*', "…"),  # of the first authorities by name
    )
]
LEFT_OUT = re.compile(r"/directory/9002\b.*")  # one authority's sheet
STATEMENTS = (
    *("campaign list", "campaign status 1", "campaign reach 1", "campaign effect 1", "campaign forecasts"),
    *(
        "campaign audience 1",
        "campaign audience 2",
        "campaign audience 3",
        "report situation",
        "report actions",
        "directory count",
        "directory reachability",
        "bounces",
        "suppressions",
    ),
)
KEYED = ("/situation", "/campaigns", "/campaigns/1", "/segments", "/responses", "/adherence-records", "/events")


OTHERS = {2: MessageClass.AWARENESS, 3: MessageClass.STATUTORY}
BESIDE = (
    *(f"/campaigns/{number}/{page}" for number in OTHERS for page in ("check", "audience", "audience.csv", "dates")),
    *(f"/campaigns/2/audience?reason={reason}" for reason in ("solicited", "drawn", "joined")),
)


class Stopped(Settings):
    """Settings whose clock stands still."""

    def instant(self):
        return self.at


@pytest.fixture
def pair(templates, drawable, tmp_path):
    """Two databases with the same draft."""
    copies = [templates.copy("sqlite", "drawable", _folder(tmp_path / name)) for name in ("one", "other")]
    opened = [templates.open(next(copy)) for copy in copies]
    for database in opened:
        _others(database)
    yield opened
    for database, copy in zip(opened, copies, strict=True):
        database.dispose()
        next(copy, None)


def _others(database):
    """Drafts of other campaigns that leave near waves of the draw, a segment, and a rule of calm."""
    database.info[KEY] = Calm(1, 10)
    recent = NotWrittenSince(days=6)
    with database.writing() as session:
        for kind in OTHERS.values():
            stated = factories.invitation(title=f"Autre {kind}", reminders=(), message_class=kind)
            campaign = factories.campaign(session, stated, NOW)
            moment = {"criteria": to_json(recent), "starts_at": START + timedelta(days=27)}
            lifecycle.revise(session, campaign, moment, now=NOW, actor=AUTHOR)
        joined = And((recent, RolledUp(strand=1, states=(RollUp.COMPLETE,))))
        saved.save(session, "Sans courriel récent", joined, now=NOW, actor=AUTHOR)


def _folder(path):
    path.mkdir()
    return path


def masked(text):
    text = html.unescape(text)
    for pattern, told in MASKS:
        text = pattern.sub(told, text)
    return text


def _words_of(response):
    """What a page or a file says: the cells of a workbook, the text of a PDF, the digest of a picture."""
    said = response.get_data()
    if said.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(said)) as parts:
            sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/")]
        return re.sub(r"<[^>]*>", "\n", "".join(sheets))
    if said.startswith(b"%PDF"):
        return subprocess.run(["pdftotext", "-", "-"], input=said, capture_output=True, check=True).stdout.decode()
    is_words = response.content_type.startswith(("text/", "application/json", "image/svg"))
    return said.decode() if is_words else f"image {int(hashlib.sha256(said).hexdigest()[:7], 16)}"


def everything(standing, database, at):
    """What pages, files, programs, commands and the monitor are told, by where it stands."""
    app = standing.anew(database)
    settings = Stopped.model_construct(**dict(app.extensions["outreach.settings"]))
    object.__setattr__(settings, "at", at)
    app.extensions["outreach.settings"] = settings
    said, seen = {}, Counter()
    pages = {
        address
        for wave in map(str, range(1, 10))
        for kinds in ({"kind": "csv", "ending": "svg"}, {"kind": "xlsx", "ending": "png"})
        for method, endpoint, address in addresses(app, {**SAMPLES, **kinds, "fase": "9002", "wave": wave})
        if method == "GET" and not LEFT_OUT.fullmatch(address) and not endpoint.startswith(("mailbox.", "api."))
    }
    pages |= {*BESIDE}
    for role in ("author", "administrator"):
        client = sign_in(app, role, has_factor=True)
        for address in sorted(pages - said.keys()):
            response = FlaskClient.open(client, address)
            seen[response.status_code] += 1
            if response.status_code in {200, 409}:
                said[address] = masked(_words_of(response))
            elif response.status_code != 403:
                pages.remove(address)
    program = Program(app.test_client(), made(database, at))
    said |= {f"/api{path}": masked(program.get(path).get_data(as_text=True)) for path in KEYED}
    for wave in range(1, 5):
        path = f"/campaigns/1/waves/{wave}/recipients"
        said[f"/api{path}"] = masked(program.get(path).get_data(as_text=True))
    for words in STATEMENTS:
        operation = Operation()
        operation.settings, operation.now = settings, at
        operation.opened = operation.database = database
        for more in ((), ("--json",)):
            result = CliRunner().invoke(commands, [*words.split(), *more], obj=operation)
            said[f"./run {words} {' '.join(more)}"] = masked(result.output)
    with database.reading() as session:
        told = [(one.name, one.labels, list(one.values)) for one in figures.of_database(session, now=at)]
    said["metrics"] = json.dumps([one for one in told if "seconds" not in one[0]])
    assert not any(status >= 500 for status in seen), seen
    return said


@pytest.mark.long
@pytest.mark.parametrize("days", [22, *(pytest.param(day, marks=pytest.mark.deep) for day in (8, 50))])
@pytest.mark.timeout(1800)
def test_two_worlds_that_differ_by_departure_alone_are_told_alike(standing, pair, days):
    course = worlds(*pair)
    said = []
    for database in pair:
        live(database, course, days)
        said.append(everything(standing, database, START + timedelta(days=days, hours=12)))
    one, other = said
    assert one.keys() == other.keys()
    assert len(one) > 150
    differing = {
        where: [line for line in one[where].splitlines() if line not in other[where].splitlines()][:5]
        for where in one
        if one[where] != other[where]
    }
    assert differing == {}
    assert "ne se comptent pas avant le jour de son chiffre" in one["/campaigns/1/progress"]
