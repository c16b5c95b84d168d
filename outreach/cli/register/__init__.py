"""Commands about the directory, its mailboxes and where schools stand."""
