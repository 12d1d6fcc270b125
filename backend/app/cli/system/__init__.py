"""`system`: starts sessions, steers them, and picks up those that broke off."""
