"""The guide inside the service: every page and picture opens, searches find sections, the bar leads to them."""

import pytest

from outreach.core.site import _guide as guide
from outreach.web.pages.staff.guide import BASE
from outreach.web.ui.navigation import HELP
from tests.pages import elements, links, text_of


@pytest.mark.one_example
@pytest.mark.parametrize("name", sorted(path.stem for path in guide.FOLDER.glob("*.md")))
def test_every_page_opens_with_its_pictures_and_leads_nowhere_else(author, name):
    page = author.get(f"{BASE}/{name}")
    assert page.status_code == 200
    shown = [picture.get("src") for picture in elements(page, "main//img")]
    assert all(path.removeprefix(f"{BASE}/files/") in guide.guide_files() for path in shown)
    (text,) = elements(page, "div[@class='prose guide']")
    for address, words in links(text):
        path = address.partition("#")[0].removeprefix(BASE).strip("/")
        assert path in {"", *guide.pages(BASE)} or path.removeprefix("files/") in guide.guide_files(), words


def test_a_picture_is_served_and_nothing_beside(author):
    assert author.get(f"{BASE}/files/annuaire.png").mimetype == "image/png"
    assert author.get(f"{BASE}/files/README.md").status_code == 404
    assert author.get(f"{BASE}/personne").status_code == 404


def test_a_search_finds_sections_whatever_accents_and_capitals(author):
    page = author.get(f"{BASE}?q=TELEPHONE perdu")
    assert f"{BASE}/second-facteur#téléphone-perdu" in [address for address, _ in links(page)]
    assert "Aucun passage n’a tous ces mots" in text_of(author.get(f"{BASE}?q=zzz"))


def test_the_bar_leads_from_pages_to_sections_that_exist(app, author):
    views = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert set(HELP) <= views | {view.partition(".")[0] for view in views}
    for about in HELP.values():
        name, _, section = about.partition("#")
        assert section in {"", *(one.anchor for one in guide.guide_page(name, BASE).sections)}, about
    assert f"{BASE}/second-facteur" in [address for address, _ in links(author.get("/account/second-factor"))]


def test_a_demonstration_says_why_it_asks_no_second_factor(author):
    assert "Cette démonstration n’en demande à personne" in text_of(author.get("/account"))
