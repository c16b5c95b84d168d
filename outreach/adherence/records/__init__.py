"""Records of adherence: what was told by whom for which day, by lists or by hand."""
