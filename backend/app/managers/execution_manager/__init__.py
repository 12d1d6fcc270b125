"""Orders, the simulated broker and the ledger."""
