"""How names of authorities and schools are shown."""
