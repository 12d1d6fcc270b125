"""The series of bars and indicators as they grow, and how complete they are."""
