"""What awaits a person today, and what a colleague takes over from who leaves."""
