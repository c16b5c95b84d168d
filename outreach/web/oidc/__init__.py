"""Signing in with the issuer of OpenID Connect, on pages."""
