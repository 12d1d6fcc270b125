"""What people ask of a session over its control socket, carried out."""
