"""What is one's own: today, account, calendar, delegates."""
