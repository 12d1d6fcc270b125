"""`report`: what runs came to, on the terminal and in files."""
