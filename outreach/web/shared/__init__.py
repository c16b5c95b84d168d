"""What several pages share and that knows a subject: jobs, imports, charts, conditions, writing to a list."""
