"""Notes that somebody asks for: the question in their words, which an author answers by a note."""
