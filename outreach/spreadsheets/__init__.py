"""Tables that somebody sends: CSV, XLSX or ODS, read cell by cell, with a limit of size, time and memory."""
