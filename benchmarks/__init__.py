"""How fast the engine is and how little memory it needs, each beside a yardstick of its run."""
