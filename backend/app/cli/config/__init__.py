"""`config`: makes session configs and checks them."""
