"""The directory: networks, federations, authorities, schools, sites, contacts, and the register."""
