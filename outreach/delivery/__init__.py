"""The outbox and the postman: mailings and their letters, and nothing about why they are sent."""
