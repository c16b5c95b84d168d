"""Who, exactly: criteria that become one SELECT, one French sentence, and the reason of whoever is left out."""
