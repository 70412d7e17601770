"""What can go wrong in starting, reloading and configuring a node. Each has a message for the person who runs it."""


class ControlError(Exception):
    """Any of the errors below."""


class StartError(ControlError):
    """The node cannot start. `messages` are complete sentences, one a problem; the command line prints them."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = list(messages)


class ChangeError(ControlError):
    """A configuration cannot be put in force in every worker."""


class ChangeRefusedError(ChangeError):
    """A worker cannot put a configuration in force; the configuration before it is in force again everywhere."""


class ChangeTimeoutError(ChangeError):
    """A worker did not answer in time; the configuration before was sent again to all."""
