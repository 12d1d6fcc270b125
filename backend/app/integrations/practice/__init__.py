"""The practice venue: its own process (`venue`), what both sides write (`wire`), its adapter."""
