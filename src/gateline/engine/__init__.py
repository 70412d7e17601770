"""The data plane of one worker: bytes in, route found, bytes out. It knows neither the store nor files."""
