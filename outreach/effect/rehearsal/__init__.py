"""Dress rehearsal: a campaign played many times in virtual time, before anything leaves; nothing is written."""
