"""Events: what happened, told to programs in one order without gaps, from which any day can be rebuilt.

An event names FASE numbers, never an address or a person, so that erasing somebody touches none.
"""
