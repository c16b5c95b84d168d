"""Contacts by file: lists of addresses and who reads them, compared with what is known, applied, undone."""
