"""Analysis engines that do one thing more: breakers, kills, new code, a witness."""
