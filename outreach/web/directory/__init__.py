"""The directory's pages: authorities, their addresses and history, the suppression list."""
