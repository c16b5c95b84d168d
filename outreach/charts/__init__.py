"""Charts: what they show, the marks that they are drawn of at each width, and those marks as SVG."""
