"""A run as one HTML file: its data packed small, its page, and the script that draws it."""
