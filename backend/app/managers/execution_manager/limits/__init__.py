"""Whether an order may leave: limits of risk, buying power, cut-offs, breakers."""
