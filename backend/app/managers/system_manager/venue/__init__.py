"""What a venue's account holds and says, set beside a run."""
