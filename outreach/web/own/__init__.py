"""Pages about oneself: one's account, day, deputies and calendar, and what one hands over."""
