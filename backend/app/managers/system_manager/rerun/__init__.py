"""Runs that are run again: to verify, to recover, to make their record anew."""
