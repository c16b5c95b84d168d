"""Who may sign in, and what each may do: people, their passwords, and failed sign-ins."""
