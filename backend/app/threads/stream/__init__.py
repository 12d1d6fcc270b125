"""What passes down the stream besides bars, and what a run's stream must compute."""
