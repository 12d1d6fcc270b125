"""The run's side of a venue: intents out, the venue's order events in and booked."""
