"""Notes: answers about a programme on a day, frozen, approved by a second person, numbered, published."""
