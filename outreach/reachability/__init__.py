"""Reachability: whom mail reaches, which domains take mail, and who looks after those that no letter reaches."""
