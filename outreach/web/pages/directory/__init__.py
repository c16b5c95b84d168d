"""The directory and its mailboxes."""
