"""`strategies`: what there is to trade with; each look inside has a process of its own."""
