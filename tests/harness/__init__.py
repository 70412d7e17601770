"""What the tests of the running gateway are made of: a gateway in a process or in a thread, an upstream that records
every byte, a client that sends any byte, and readers of HTTP that owe nothing to the gateway's own codec."""
