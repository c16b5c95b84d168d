"""What awaits a person: one list of tasks, as a page, as a number in the bar, as lines of a calendar."""
