"""Events pushed to programs that want to be told: the feed, batch by batch, signed, to addresses that are judged."""
