"""`time`: the clock, trading sessions and holidays."""
