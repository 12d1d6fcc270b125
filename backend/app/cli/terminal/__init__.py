"""What all commands share to speak with a terminal: output, tables, progress, questions, keys."""
