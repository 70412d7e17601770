"""What the plugins that limit have in common: windows of time, who is counted, and counters in Redis."""
