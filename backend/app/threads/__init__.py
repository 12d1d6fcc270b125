"""The four workers of a session and the one base they share."""
