"""Redis through redis-py, in both colours: connections, replies, the subscription."""
