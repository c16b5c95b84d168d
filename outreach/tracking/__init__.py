"""What came back: answers first, then openings and clicks."""
