"""Pages from which staff answer a response by mail, and those of the prepared texts."""
