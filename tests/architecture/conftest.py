from tests.application import app, author, backend, client, password, signed_in, standing

__all__ = ["app", "author", "backend", "client", "password", "signed_in", "standing"]
