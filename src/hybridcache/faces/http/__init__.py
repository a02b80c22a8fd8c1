"""The cache in front of web applications and behind HTTP clients."""
