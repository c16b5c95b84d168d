"""The calls of a campaign's ladder: whom to call, held by one person at a time, and what each call brought."""
