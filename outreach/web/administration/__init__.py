"""The pages of those who look after the service: its accounts, and other subjects, a module each."""
