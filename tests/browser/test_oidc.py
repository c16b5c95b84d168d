"""An invitation is accepted with an issuer that knows nothing of us, and signed in with again, in a browser."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from pydantic import SecretStr

from outreach.access import accounts
from outreach.access.accounts import LinkKind
from outreach.core.settings import Settings
from outreach.core.text.roles import RoleName
from outreach.web.sign_in import oidc

mock = pytest.importorskip("oidc_provider_mock", reason="the issuer of this journey needs Python 3.12")
pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture
def issuer(app, served, monkeypatch):
    monkeypatch.setattr(Settings, "instant", lambda _settings: datetime.now(UTC))  # as the issuer does
    with mock.run_server_in_thread(user_claims=[mock.User(sub="s-1", claims={"groups": ["authors"]})]) as server:
        url = f"http://localhost:{server.server_port}"
        changed = {
            "bind": served.removeprefix("http://"),
            "oidc_issuer": url,
            "oidc_client_id": "outreach",
            "oidc_client_secret": SecretStr("hush"),
            "oidc_roles": "groups:authors=author",
        }
        here = app.extensions["outreach.settings"]
        app.extensions["outreach.settings"] = here.model_copy(update=changed)
        app.extensions.pop(oidc.EXTENSION, None)
        yield url


@pytest.fixture
def invitation(sample_database):
    """The path of the link that a person has received who has no account elsewhere."""
    token, now = accounts.new_token(), datetime.now(UTC)
    given = {"email": "lea@fwb.example", "name": "Léa", "roles": [RoleName.READER], "password_hash": ""}
    with sample_database.writing() as session:
        invited = accounts.add_user(session, now, "hugo.willems@fwb.example", **given)
        session.flush()
        accounts.make_link(session, invited.id, LinkKind.INVITATION, token, now=now)
    return f"{accounts.PATH}{token}"


def test_an_invited_person_binds_the_account_and_signs_in_with_the_issuer(
    chromium, served, issuer, invitation, violations
):
    context, faults = chromium.new_context(base_url=served, locale="fr-BE", reduced_motion="reduce"), []
    page = context.new_page()
    context.route(lambda url: not url.startswith((served, issuer)), lambda route: route.abort())  # the issuer's style
    page.on(
        "console", lambda m: faults.append(m) if m.type == "error" and m.location["url"].startswith(served) else None
    )

    page.goto(invitation)
    assert violations(page) == []
    page.get_by_role("link", name="Continuer chez localhost").click()
    page.get_by_role("button", name="Authorize as s-1").click()
    expect(page.get_by_text("lea@fwb.example")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Lier ce compte").click()
    expect(page.get_by_text("Votre compte est lié à votre identité")).to_be_visible()
    page.goto("/account")
    expect(page.get_by_text("rédaction", exact=True)).to_be_visible()
    page.get_by_role("button", name="Se déconnecter").click()
    assert violations(page) == []

    page.goto("/directory")
    page.get_by_role("link", name="Se connecter avec localhost").click()
    page.get_by_role("button", name="Authorize as s-1").click()
    expect(page.get_by_role("heading", name="Annuaire", level=1)).to_be_visible()
    page.goto("/account")
    page.get_by_role("button", name="Se déconnecter").click()

    page.get_by_role("link", name="Se connecter avec localhost").click()
    page.get_by_role("button", name="Deny access").click()
    expect(page.get_by_role("heading", name="Connexion refusée")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Revenir à la page de connexion").click()
    page.get_by_role("link", name="Se connecter avec localhost").click()
    page.get_by_label("Subject").fill("somebody-else")
    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_text("Aucun compte n’est lié à cette identité.")).to_be_visible()
    context.close()
    assert [fault.text for fault in faults if "status of 4" not in fault.text] == []
