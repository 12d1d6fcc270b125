"""What is known at an instant, as the engine and strategies read it."""
