"""Réponses: the inbox, and letters to one authority."""
