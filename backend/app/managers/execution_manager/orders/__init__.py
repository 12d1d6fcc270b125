"""Orders as every broker holds them: which may open, what they depend on, what a kill means."""
