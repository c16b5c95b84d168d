"""Tables: columns and listings, files that people send and get, and the one protocol of imports."""
