"""An adapter to copy: what each part must do, and the conformance cases that ask for it."""
