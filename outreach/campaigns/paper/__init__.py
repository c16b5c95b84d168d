"""Letters on paper: batches, their files, the codes that lead to the answer page, what was posted and came back."""
