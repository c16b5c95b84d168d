"""A seventh network: one row. Tests run it as a module.

It runs in a process of its own, as the row has to be there before anything reads the table.
"""

import sys

from tests import one_row_more

FACTS = (
    'NetworkFacts("Officiel germanophone", {Level.PRIMARY: "CECP"}, administrations="la Communauté germanophone",'
    ' of="de la Communauté germanophone", own_words=re.compile(r"\\bcommission\\b"))'
)


one_row_more.load("outreach.directory.reference", "NetworkCode", f'GERMAN = "Germanophone", {FACTS}')

import sqlalchemy as sa  # noqa: E402 - only now does anything read the table

from outreach.campaigns.planning import Spares  # noqa: E402
from outreach.campaigns.segments import from_json  # noqa: E402
from outreach.campaigns.segments._context import NO_NAMES  # noqa: E402
from outreach.core.db import Database  # noqa: E402
from outreach.core.settings import read  # noqa: E402
from outreach.directory.models import Authority, Level, Network  # noqa: E402
from outreach.directory.reference import NetworkCode, ensure_reference, federation_of  # noqa: E402
from outreach.directory.supplied_names import NameBook  # noqa: E402
from outreach.reports import notes  # noqa: E402
from outreach.reports.notes import NoteRequest  # noqa: E402
from outreach.web.app import create_app  # noqa: E402
from tests.application import sign_in  # noqa: E402
from tests.conftest import NOW, STORY_DAY  # noqa: E402
from tests.web.api.conftest import Program, made  # noqa: E402

CODE = "Germanophone"
DAY = f"as_of={STORY_DAY.isoformat()}"


def main(url, data):
    """Give it an authority of the sample, and look at all that tells networks apart."""
    settings, database = read({"OUTREACH_DATA": data, "OUTREACH_DATABASE_URL": url}), Database(url)
    authority = give_it_an_authority(database)
    see_the_words(database, authority)
    app = create_app(settings, database)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    see_the_pages(sign_in(app, "author"), sign_in(app, "administrator"))
    see_the_programs(Program(app.test_client(), made(database, settings.instant())))


def give_it_an_authority(database):
    with database.writing() as session:
        ensure_reference(session)
        last = session.scalars(sa.select(Network).order_by(Network.position.desc())).first()
        assert (last.code, last.label) == (CODE, "Officiel germanophone")
        provincial = Network.code == NetworkCode.PROVINCIAL
        authority = session.scalars(
            sa.select(Authority).where(Authority.network.has(provincial)).order_by(Authority.id)
        ).first()
        authority.network_id = last.id
        return authority.id


def see_the_words(database, authority):
    assert federation_of(CODE, Level.PRIMARY) == "CECP"
    assert NetworkCode(CODE).facts.is_administration, "its offices are open in school breaks"
    assert "la COCOF et la Communauté germanophone" in Spares.URGENT.leaves
    assert "officiel germanophone" in from_json(f'{{"network": ["{CODE}"]}}').words(NO_NAMES)
    with database.reading() as session:
        names = NameBook.of(session, only=authority)
        own = names.authorities[authority].name.shown
        assert names.far(authority, (), f"{own}, commune"), "the words of another network"
        assert not names.far(authority, (), f"{own}, commission")
        told = notes.gather_note(session, NoteRequest(STORY_DAY, "Un bilan", networks=(CODE,)), now=NOW)
        assert "de la Communauté germanophone" in str(told.content)


def see_the_pages(author, admin):
    page = author.get(f"/?{DAY}").text
    assert "Officiel germanophone" in page
    assert "Officiel germanophone" in author.get(f"/situation/export.csv?{DAY}").text
    assert f'value="{CODE}"' in author.get("/directory").text, "a choice of its filter"
    assert "Communauté germanophone" in admin.get("/administration/closures").text


def see_the_programs(program):
    content = program.get(f"/situation?{DAY}").json
    assert CODE in str(content), content


if __name__ == "__main__":
    main(*sys.argv[1:])
