"""The fault simulator: a live run on one seeded thread, its clock, venue, network and disk made."""
