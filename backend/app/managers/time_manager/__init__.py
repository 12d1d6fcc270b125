"""The one source of time: calendars, sessions, clocks."""
