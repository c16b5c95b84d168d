"""OpenID Connect: what an issuer is asked, and what of its answers is believed; no database."""
