"""The published conformance suite of HTTP caches (npm package `http-cache-tests`) against Gateline's proxy-cache."""
