"""How an order came about: a past run told again, and what its witnesses saw."""
