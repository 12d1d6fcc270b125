"""The emergency stop, rehearsed in a replay."""
