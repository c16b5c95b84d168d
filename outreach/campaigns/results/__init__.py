"""Results: a campaign's progress and figures, and what one authority received and answered."""
