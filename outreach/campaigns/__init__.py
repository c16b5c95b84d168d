"""What we say, to whom, when: campaigns, their approval, and the waves that carry them."""
