"""Commands about campaigns, their letters and what came of them."""
