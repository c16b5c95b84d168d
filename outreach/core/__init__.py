"""What every house stands on: text and time, settings, database, audit, jobs, tables, files; it knows no subject."""
