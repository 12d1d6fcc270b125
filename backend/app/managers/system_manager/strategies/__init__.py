"""A strategy's code: looked at, and replaced while its run goes on."""
