"""What comes before approval: the preview, a test letter, the checks, and the approval by a second person."""
