"""The outbox and the dispatcher: mailings and their letters, and nothing about why they are sent."""
