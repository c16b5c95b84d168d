"""Replies on the page of a letter: kinds of answers, their records, their effects, and the inbox."""
