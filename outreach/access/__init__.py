"""Who may come in, see, and approve: accounts, scopes, sign-in by an issuer, approvals."""
