"""Charts: marks, drawings and their SVG, also as slides."""
