"""What the service does for its own staff: mails, proposals, what they take over from each other."""
