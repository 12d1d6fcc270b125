"""What an account has: cash, positions, fees, rates, and what corporate actions do to them."""
