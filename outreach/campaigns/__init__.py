"""Campaigns: their letters and audiences, their approval, and the waves that send them."""
