"""Signing in with an issuer: whom it lets in, what it refuses and in which words, and what stays as it was."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from pyotp import TOTP
from sqlalchemy import select, update

from outreach.access import accounts
from outreach.access.accounts import AccessLogEntry, LinkKind, TrailKind, User
from outreach.core.settings import FactorPolicy
from outreach.core.text.roles import RoleName
from outreach.operations.demo import people
from outreach.web.sign_in import oidc
from outreach.web.sign_in.access_log_queue import EXTENSION
from outreach.web.sign_in.oidc import KEPT
from outreach.web.sign_in.sessions import TOKEN
from tests.application import ASKED_AT
from tests.pages import elements, form_of, links, text_of
from tests.servers.issuer import CLIENT, SECRET, running
from tests.web.second_factor.test_entering import enrolled

__all__ = ["enrolled"]

ANNE = people.person_for("author").email
CHIEF = people.person_for("administrator").email
RULES = "groups:authors=author,groups:approvers=approver"


@pytest.fixture
def settings_of(app):
    """Change settings of the application."""

    def change(**values):
        now = app.extensions["outreach.settings"]
        app.extensions["outreach.settings"] = now.model_copy(update=values)
        app.extensions.pop(oidc.EXTENSION, None)

    return change


@pytest.fixture
def provider(app, settings_of):
    with running(app.extensions["outreach.settings"].instant) as started:
        settings_of(oidc_issuer=started.url, oidc_client_id=CLIENT, oidc_client_secret=SecretStr(SECRET))
        yield started


@pytest.fixture
def bound(sample_database):
    """Bind an account to a subject, and return its number."""

    def bind(provider, email, subject):
        with sample_database.writing() as session:
            user = session.scalars(select(User).where(User.email == email)).one()
            accounts.bind_identity(session, user.id, provider.url, subject, now=user.created_at)
            return user.id

    return bind


def gone(client, address="/sign-in/oidc"):
    """Where the browser is sent to identify its person."""
    answer = client.get(address)
    assert answer.status_code == 302, answer.text
    return answer.location


def back(client, given):
    """Come back from the issuer, and send the form of the page that it leads to."""
    page = client.get(oidc.RETURN, query_string=given)
    return page if page.status_code != 200 else client.post(oidc.RETURN, data=form_of(page))


def signed_in(client, provider, subject="s-1", address="/sign-in/oidc", **claims):
    return back(client, provider.authorize(gone(client, address), subject, **claims))


def told(app, database):
    assert app.extensions[EXTENSION].flush()
    with database.reading() as session:
        return session.scalars(select(AccessLogEntry).order_by(AccessLogEntry.id)).all()


@pytest.mark.long
def test_who_is_bound_signs_in_and_comes_to_the_page_that_was_asked(app, client, provider, bound, sample_database):
    bound(provider, ANNE, "s-1")
    (address, label), *_ = links(client.get(client.get("/directory?page=2").location), "/sign-in/oidc")
    assert label == "Se connecter avec 127.0.0.1"
    answer = signed_in(client, provider, address=address)
    assert answer.location == "/directory?page=2"
    assert client.get("/account").status_code == 200
    line = told(app, sample_database)[-1]
    assert (line.kind, line.person) == (TrailKind.SIGNED_IN, ANNE)
    assert line.detail.endswith(", par le service d’identification")


@pytest.mark.one_example
@pytest.mark.parametrize("target", ["//evil.test", "https://evil.test", "/\\evil.test", "/" + "a" * 400])
def test_signing_in_leads_nowhere_else(client, provider, bound, target):
    bound(provider, ANNE, "s-1")
    given = provider.authorize(client.get("/sign-in/oidc", query_string={"next": target}).location, "s-1")
    assert back(client, given).location == "/today"


def test_an_address_in_a_claim_opens_no_account(app, client, provider, sample_database):
    page = signed_in(client, provider, email=ANNE, email_verified=True)
    assert "Aucun compte n’est lié à cette identité. Ouvrez le lien de votre invitation" in text_of(page)
    assert client.get("/account").status_code == 302
    line = told(app, sample_database)[-1]
    assert (line.kind, line.person, line.detail) == (TrailKind.SIGN_IN_FAILED, "", "OIDC : identité inconnue")


def test_a_closed_account_stays_closed(client, provider, bound, sample_database):
    number = bound(provider, ANNE, "s-1")
    with sample_database.writing() as session:
        session.execute(update(User).where(User.id == number).values(active=False))
    assert "Votre compte est fermé." in text_of(signed_in(client, provider))
    assert client.get("/account").status_code == 302


@pytest.mark.one_example
@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"nonce": "another"}, "répond à une autre demande"),
        ({"iss": "https://idp.evil.test"}, "vient d’un autre service"),
        ({"aud": "another"}, "destinée à un autre service"),
        ({"exp": 1}, "a expiré"),
    ],
)
def test_an_answer_with_a_lie_is_refused_in_a_sentence(client, provider, bound, lie, words):
    bound(provider, ANNE, "s-1")
    provider.claims = lie
    page = signed_in(client, provider)
    assert page.status_code == 400
    assert words in text_of(page)
    assert "Recommencez depuis la page de connexion." in text_of(page)
    assert client.get("/account").status_code == 302


@pytest.mark.long
def test_a_return_that_no_sign_in_of_this_browser_began_is_refused(app, client, provider, bound):
    bound(provider, ANNE, "s-1")
    given, stranger = provider.authorize(gone(client), "s-1"), app.test_client()
    form = form_of(stranger.get("/sign-in"))
    for page in (
        back(stranger, given),
        stranger.post(oidc.RETURN, data={**form, **given}),
        back(client, {**given, "state": "another"}),
    ):
        assert page.status_code == 400
        assert "aucune connexion commencée dans ce navigateur" in text_of(page)
    page = back(client, {"state": given["state"], "error": "access_denied"})
    assert "n’a pas confirmé votre identité" in text_of(page)
    assert "aucune connexion commencée" in text_of(back(client, given)), "a state serves once"


@pytest.mark.journey
@pytest.mark.long
def test_two_tabs_end_in_one_session_and_an_answer_serves_once(client, provider, bound):
    bound(provider, ANNE, "s-1")
    first, second = (provider.authorize(gone(client, f"/sign-in/oidc?next=/{page}"), "s-1") for page in "ab")
    form = form_of(client.get(oidc.RETURN, query_string=first))
    assert client.post(oidc.RETURN, data=form).location == "/a"
    token = form_of(client.get("/account"))["csrf_token"]
    assert client.post(oidc.RETURN, data={**form, "csrf_token": token}).status_code == 400
    assert client.get(oidc.RETURN, query_string=first).location == "/today", "back to the page of the return"
    assert back(client, second).location == "/b"
    assert "Une session est déjà ouverte dans ce navigateur" in text_of(client.get("/account"))


def test_a_sign_in_that_took_more_than_ten_minutes_begins_anew(client, provider, settings_of):
    given = provider.authorize(gone(client), "s-1")
    settings_of(clock_offset=timedelta(minutes=11).total_seconds())
    assert "plus de dix minutes" in text_of(back(client, given))


@pytest.mark.long
def test_roles_by_claim_hold_from_the_sign_in_on(client, provider, bound, settings_of):
    settings_of(oidc_roles=RULES)
    bound(provider, ANNE, "s-1")
    page = signed_in(client, provider, groups=["administrators"])
    assert "ne vous donne aucun rôle ici" in text_of(page)
    assert client.get("/account").status_code == 302
    assert signed_in(client, provider, groups=["approvers", "authors"]).status_code == 302
    page = text_of(client.get("/account"))
    assert "rédaction" in page
    assert "validation" in page


@pytest.mark.long
def test_who_gives_roles_by_hand_is_told_that_claims_replace_them(signed_in, provider, settings_of):
    chief, said = signed_in("administrator"), "jusqu’à ce que la personne se connecte avec 127.0.0.1"
    assert said not in text_of(chief.get("/administration/accounts/1"))
    settings_of(oidc_roles=RULES)
    assert said in text_of(chief.get("/administration/accounts/1"))


def test_the_last_administrator_is_told_why_the_role_stays(client, provider, bound, settings_of):
    settings_of(oidc_roles=RULES)
    bound(provider, CHIEF, "s-1")
    assert signed_in(client, provider, groups=["readers"]).location == "/"
    page = text_of(client.get("/account"))
    assert KEPT in page
    assert "administration" in page


@pytest.mark.long
def test_of_who_comes_by_the_issuer_no_second_factor_of_ours_is_asked(client, provider, bound, password, settings_of):
    settings_of(second_factor=FactorPolicy.REQUIRED)
    bound(provider, CHIEF, "s-1")
    assert signed_in(client, provider, address="/sign-in/oidc?next=/administration").location == "/administration"
    assert client.get("/administration").status_code == 200
    assert "second-factor" in client.application.test_client().sign_in(CHIEF, password).location


@pytest.mark.long
def test_no_transaction_is_open_while_the_issuer_is_asked(app, client, author, provider, bound, sample_database):
    """Neither of a stranger who signs in, nor of somebody who binds an account, whose row was read before."""
    bound(provider, CHIEF, "s-1")
    open_ones = []
    provider.before = lambda: open_ones.append(sample_database.engine.pool.checkedout())
    with author.session_transaction() as cookie:  # as if the password had been given
        number, _, _ = cookie[TOKEN].partition(".")
        cookie[oidc.LEAVE] = [int(number), int(app.extensions["outreach.settings"].instant().timestamp())]
    # First, so that the issuer is asked what it may do by somebody whose account the page has read.
    given = provider.authorize(gone(author, "/sign-in/oidc?bind=1"), "s-2")
    assert back(author, given).location == "/account"
    assert app.extensions[EXTENSION].flush()  # the trail writes in a thread of its own
    assert back(client, provider.authorize(gone(client), "s-1")).status_code == 302
    assert len(open_ones) >= 4
    assert set(open_ones) == {0}


@pytest.mark.journey
@pytest.mark.long
def test_an_account_is_bound_only_after_its_password_and_by_its_own_person(app, signed_in, password, provider, bound):
    author = signed_in("author")
    assert gone(author, "/sign-in/oidc?bind=1") == "/account/oidc"
    wrong = author.send("/account/oidc", {"password": "wrong"})
    assert (wrong.status_code, "ne convient pas" in text_of(wrong)) == (422, True)
    page = author.send("/account/oidc", {"password": password})
    ((address, _),) = links(page, "/sign-in/oidc")
    given = provider.authorize(gone(author, address), "s-1")
    assert gone(author, address) == "/account/oidc", "the password counts for one way there"
    other = signed_in("approver")
    with author.session_transaction() as mine, other.session_transaction() as theirs:
        theirs[oidc.FLOWS] = mine[oidc.FLOWS]
    assert "Une autre personne est connectée" in text_of(back(other, given))
    page = author.get(back(author, given).location)
    assert "liée à 127.0.0.1 depuis le" in text_of(page)
    assert back(app.test_client(), given).status_code == 400
    bound(provider, ANNE, "s-1")  # nothing new


@pytest.mark.long
@pytest.mark.journey
def test_an_identity_is_bound_by_the_second_factor_too_where_there_is_one(signed_in, password, provider, enrolled):
    """Whoever found the password and an open session would else come in by an identity of its own, for good."""
    secret, _ = enrolled("author")
    author = signed_in("author", has_factor=True)
    assert "un code" in text_of(author.get("/account/oidc"))
    for code in ({}, {"code": "000000"}):
        refused = author.send("/account/oidc", {"password": password, **code})
        assert (refused.status_code, links(refused, "/sign-in/oidc?bind=1")) == (422, [])
        assert gone(author, "/sign-in/oidc?bind=1") == "/account/oidc"
    page = author.send("/account/oidc", {"password": password, "code": TOTP(secret).at(int(ASKED_AT.timestamp()))})
    assert "/sign-in/oidc?bind=1" in [address for address, _ in links(page)]
    assert gone(author, "/sign-in/oidc?bind=1").startswith(provider.url)


@pytest.fixture
def invited(sample_database):
    """The path of a link of this kind, for an account without a password."""

    def invite(kind=LinkKind.INVITATION, email="lea@fwb.example"):
        token, at = accounts.new_token(), ASKED_AT
        with sample_database.writing() as session:
            if not accounts.account_exists(session, email):
                given = {"name": "Léa", "roles": [RoleName.AUTHOR], "password_hash": ""}
                accounts.add_user(session, at, CHIEF, email=email, **given)
            accounts.make_link(session, accounts.account_of(session, email).id, kind, token, now=at)
        return f"{accounts.PATH}{token}"

    return invite


@pytest.mark.journey
@pytest.mark.long
def test_who_is_invited_may_sign_in_with_the_issuer_instead_of_choosing_a_password(app, client, provider, invited):
    page = client.get(invited())
    ((address, label),) = links(page, "/sign-in/oidc")
    assert label == "Continuer chez 127.0.0.1"
    given = provider.authorize(gone(client, address), "s-1", email=ANNE)
    shown = client.get(oidc.RETURN, query_string=given)
    assert "lea@fwb.example" in text_of(shown), "whoever was led here by another's link sees whose account it is"
    assert not elements(shown, "form[@id='oidc-return']"), "which the script would send"
    assert back(client, given).location == "/today"
    shown = client.get("/account")
    assert "lea@fwb.example" in text_of(shown)
    assert not links(shown, "/account/oidc") + links(shown, "/account/password")
    other = app.test_client()
    assert signed_in(other, provider).location == "/today"
    assert client.get(address).status_code == 410, "a link serves once"


def test_a_link_that_a_mailbox_alone_obtains_or_the_emergency_account_s_binds_nothing(
    client, provider, invited, settings_of
):
    settings_of(emergency_account=CHIEF)
    for path in (invited(LinkKind.FORGOTTEN, ANNE), invited(LinkKind.RESET, CHIEF)):
        assert not links(client.get(path), "/sign-in/oidc")
        assert client.get("/sign-in/oidc", query_string={"link": path.rpartition("/")[2]}).status_code == 410


@pytest.mark.journey
@pytest.mark.long
def test_with_passwords_off_a_link_binds_and_sets_no_password(client, provider, invited, settings_of):
    settings_of(emergency_account=CHIEF)
    path = invited()
    page = client.get(path)
    assert links(page, "/sign-in/oidc")
    assert not elements(page, "input[@type='password']")
    token = form_of(client.get("/sign-in"))["csrf_token"]
    chosen = {"csrf_token": token, "new_password": "le chat dort sur le toit"}
    assert client.post(path, data=chosen).status_code == 409
    answers = []
    for address in (ANNE, "nobody@fwb.example", CHIEF):
        client.send("/sign-in/forgotten", {"email": address})
        answers.append(text_of(elements(client.get("/sign-in"), "main")[0]))
    assert len(set(answers)) == 1, "which account keeps a password is nobody's business"
    assert "Les mots de passe ne servent plus ici" in answers[0]


@pytest.mark.long
def test_an_identity_of_another_account_is_not_bound_again(signed_in, password, provider, bound):
    bound(provider, ANNE, "s-1")
    chief = signed_in("approver")
    chief.send("/account/oidc", {"password": password})
    page = back(chief, provider.authorize(gone(chief, "/sign-in/oidc?bind=1"), "s-1"))
    assert "une personne n’a qu’un compte" in text_of(page)


def test_an_issuer_that_is_away_is_told_with_the_emergency_way(client, settings_of):
    settings_of(oidc_issuer="http://127.0.0.1:9", oidc_client_id=CLIENT)
    page = client.get("/sign-in/oidc")
    assert page.status_code == 503
    assert "ne répond pas" in text_of(page)
    assert "compte de secours" in text_of(page)


@pytest.mark.journey
@pytest.mark.long
def test_with_passwords_off_only_the_emergency_account_keeps_one(client, provider, password, settings_of):
    settings_of(emergency_account=CHIEF)
    tried = ((ANNE, password), (ANNE, "x"), ("nobody@fwb.example", "x"), (CHIEF, "x"))
    refused = {text_of(elements(client.sign_in(*one), "*[@id='error-summary']")[0]) for one in tried}
    assert len(refused) == 1, "which account keeps one is nobody's business"
    assert "Les mots de passe ne servent plus ici" in refused.pop()
    assert client.get("/account").status_code == 302
    assert client.sign_in(CHIEF.upper(), password).status_code == 302
    assert client.get("/account/password").status_code == 200


@pytest.mark.long
def test_with_passwords_off_nobody_else_changes_one_or_binds_by_one(signed_in, provider, settings_of):
    settings_of(emergency_account=CHIEF)
    author = signed_in("author")
    assert author.get("/account/password").status_code == 409
    assert author.get("/account/oidc").status_code == 409
    assert not {"/account/password", "/account/oidc"} & {address for address, _ in links(author.get("/account"))}


@pytest.mark.long
def test_without_an_issuer_nothing_of_it_is_offered(client, author):
    assert client.get("/sign-in/oidc").status_code == 404
    assert client.post(oidc.RETURN, data=form_of(client.get("/sign-in"))).status_code == 404
    assert not links(client.get("/sign-in"), "/sign-in/oidc")
    assert "identité" not in text_of(author.get("/account"))


def test_the_way_there_is_a_link_so_forms_still_lead_to_our_own_pages_only(client, provider):
    page = client.get("/sign-in")
    assert "form-action 'self';" in page.headers["Content-Security-Policy"]
    assert urlsplit(gone(client)).netloc == urlsplit(provider.url).netloc
