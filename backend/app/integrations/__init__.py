"""One folder a venue; each implements the seams, and nothing above names a venue."""
