"""MisMartera: a day-trading backend whose replay and live sessions share one code path."""

__version__ = "0.1.0"
