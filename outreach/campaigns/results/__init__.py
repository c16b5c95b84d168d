"""What came of it: a campaign's progress, its figures, and what one authority received and answered."""
