"""`risk`: the limits of orders, what an account may do, the emergency stop."""
