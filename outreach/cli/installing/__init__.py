"""Installing: the database migrated, the sample loaded, and the first accounts of a demonstration."""
