"""Lists that people send as files: read once, kept to be checked, judged, applied and undone, by one protocol."""
