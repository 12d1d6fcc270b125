"""What a session and its clients say to each other, and the socket they say it over."""
