"""Template databases that a later run takes over."""

import pytest

from tests import kept


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "outreach/web").mkdir(parents=True)
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    monkeypatch.setattr(kept, "PAGES", tmp_path / "outreach/web")
    return tmp_path


def made(folder):
    (folder / "data").mkdir(parents=True)
    (folder / "data/password").write_text("x")
    (folder / "template_sample.sqlite3").write_text("rows")
    return folder


def test_a_template_is_taken_with_its_data_as_long_as_nothing_differs_that_made_it(root, tmp_path):
    place, here, then = tmp_path / "kept", made(tmp_path / "here"), tmp_path / "then"
    assert not kept.Kept(place).take("sample", then)
    kept.Kept(place).keep("sample", here)
    (root / "outreach/web/page.py").write_text("makes no template")
    assert kept.Kept(place).take("sample", then)
    assert (then / "template_sample.sqlite3").read_text() == "rows"
    assert (then / "data/password").exists()
    (root / "outreach/sample.py").write_text("makes another")
    assert not kept.Kept(place).take("sample", tmp_path / "later")


def test_only_the_newest_are_kept(root, tmp_path):
    place, here = tmp_path / "kept", made(tmp_path / "here")
    kept.Kept(place).keep("sample", here)
    (root / "outreach/sample.py").write_text("")
    kept.Kept(place).keep("sample", here)
    assert [one.name for one in place.iterdir()] == [kept.state()]
