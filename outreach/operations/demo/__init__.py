"""The demonstration: a made-up region, its people, and a year of campaigns."""
