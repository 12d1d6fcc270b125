"""`admin`: housekeeping."""
