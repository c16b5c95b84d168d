"""Planning: a campaign's audience, dates and hours, and the states it passes through."""
