"""Signing in: sessions, passwords, second factors, an issuer of OpenID Connect."""
