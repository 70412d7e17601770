"""The way to the services: names and addresses, connections and their pools, timeouts."""
