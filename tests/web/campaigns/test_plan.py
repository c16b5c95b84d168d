"""« Le plan » of a campaign's last step: what leaves when and to how many, as soon as there are dates."""

from tests.pages import text_of
from tests.web.campaigns.test_campaigns import begun, dated

__all__ = ["begun"]


def test_the_last_step_says_what_leaves_when_and_what_is_not_known(author, begun):
    assert "Le plan" not in text_of(author.get(f"{begun}/check"))
    dated(author, begun)
    shown = text_of(author.get(f"{begun}/check"))
    for told in ("Le plan", "Première vague", "Relance 2", "au plus", "n’est pas connu", "non une prévision"):
        assert told in shown
    assert author.get(f"{begun}/rehearsal").status_code == 404
