"""Exits that go with entries: those a strategy gave, and those that protect its positions."""
