"""What came back: answers first."""
