"""One strategy's side of the engine: what it reads, and the orders it asks for."""
