"""The interactive shell: the same commands, with a prompt, completion and events above it."""
