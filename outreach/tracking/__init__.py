"""Responses to letters, the inbox of staff, and the measurement of openings and clicks."""
