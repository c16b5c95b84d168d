"""Pages of letters on paper: the postal addresses that they go to."""
