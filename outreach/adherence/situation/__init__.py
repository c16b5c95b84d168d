"""The situation: how schools stand on a day, as known at a moment, counted, grouped and put in words."""
