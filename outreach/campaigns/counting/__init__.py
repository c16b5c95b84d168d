"""The classes of a campaign: what became of each authority and school that it means."""
