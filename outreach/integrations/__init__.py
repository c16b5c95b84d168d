"""Other programs: keys of the API, webhooks that come in, webhooks that go out."""
