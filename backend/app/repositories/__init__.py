"""Database access; tables are in app.models."""
