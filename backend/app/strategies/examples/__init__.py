"""Three example strategies that teach."""
