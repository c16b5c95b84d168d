"""Mails to staff: news, digests, requests, and letters about accounts."""
