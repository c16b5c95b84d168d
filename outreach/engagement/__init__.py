"""What comes back: answers, openings and clicks, and what is known of each mailbox."""
