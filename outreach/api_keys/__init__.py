"""Keys by which programs read the service and send it joinings: made and ended by administrators, never by programs."""
