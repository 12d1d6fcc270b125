"""What a run's curve and trades amount to: pure functions, each with its formula in METRICS.md."""
