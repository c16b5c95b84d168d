"""What tests talk to in processes of their own: relays, PostgreSQL, Postfix, brokers."""
