"""The interactive shell: the commands of the command line, typed all day at one prompt."""
