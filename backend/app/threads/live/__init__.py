"""The threads of a live run beside the workers: the gate's and the recorder's."""
