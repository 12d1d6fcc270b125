"""Who watches a run for strategies that hang, and where alarms go."""
