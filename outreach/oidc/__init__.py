"""Signing in with an issuer of OpenID Connect: what it is asked, and what of its answers is believed; no database."""
