"""An issuer of OpenID Connect on a real socket: it holds to the protocol, and lies where a test says so."""

import base64
import hashlib
import json
import secrets
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

CLIENT, SECRET = "outreach-test", "hush"


class Provider:
    """The issuer. A test may change what it says: `metadata`, `claims` of tokens, `userinfo`, its `key`, or `answer`.

    `answer` maps a path to the status, headers and body of a fixed answer. `asked` counts requests by path.
    """

    def __init__(self, port):
        self.url, self.key = f"http://127.0.0.1:{port}", new_key()
        self.metadata, self.claims, self.userinfo, self.answer = {}, {}, {}, {}
        self.asked, self.codes, self.before = Counter(), {}, lambda: None

    def authorize(self, address, subject, **claims):
        """What the browser brings back from this address, when its person identifies there: the query, by name."""
        parts = urlsplit(address)
        by_key = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/authorize"
        assert by_key["client_id"] == CLIENT
        assert by_key["response_type"] == "code"
        assert by_key["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = by_key, {"sub": subject, **claims}
        return {"code": code, "state": by_key["state"]}

    def documents(self):
        """What is read by GET."""
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
                **self.metadata,
            },
            "/keys": KeySet([self.key]).as_dict(private=False),
            "/userinfo": self.userinfo,
        }

    def redeem(self, form, authorization, now):
        """The tokens for a code, once."""
        proved = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked, claims = self.codes.pop(form.get("code"), ({}, {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if authorization != f"Basic {proved}" or challenge != asked.get("code_challenge"):
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        said = {**good(self.url, now), "nonce": asked["nonce"], **claims, **self.claims}
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": signed(said, self.key)}


def good(issuer, now):
    """The claims of a token that is in order at this instant, but its nonce."""
    at = int(now.timestamp())
    return {"iss": issuer, "aud": CLIENT, "sub": "s-1", "iat": at, "exp": at + 300}


def signed(claims, key, algorithm="ES256"):
    header = {"alg": algorithm, "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=[algorithm])


def new_key():
    return ECKey.generate_key("P-256", auto_kid=True)


@contextmanager
def running(instant):
    """A provider, whose clock is this function."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            provider.before()
            self.give(provider.answer.get(self.path) or (200, {}, json.dumps(provider.documents()[self.path])))

        def do_POST(self):
            provider.before()
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, said = provider.redeem(form, self.headers.get("Authorization"), instant())
            self.give(provider.answer.get(self.path) or (status, {}, json.dumps(said)))

        def give(self, answer):
            status, headers, body = answer
            provider.asked[self.path] += 1
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that has gone away
    provider = Provider(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()
