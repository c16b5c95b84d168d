"""What the service says of itself: its guide, its letterhead, its public statements."""
