"""Networks, federations, organising authorities, schools, sites and contacts, and the register they come from."""
