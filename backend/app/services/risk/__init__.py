"""Rules that say no: pure functions over what is asked, what is held, the market and a limit."""
