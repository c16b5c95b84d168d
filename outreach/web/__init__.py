"""Pages: the only folder that speaks HTTP. Views ask the domain and hold no SQL."""
