"""Postal addresses of authorities and schools: read from the register, checked, corrected with history, returned."""
