"""The simulated broker: working orders held against bars, filled by rules."""
