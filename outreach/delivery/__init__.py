"""The outbox and the postman: messages and mailings, and nothing about why they are sent."""
