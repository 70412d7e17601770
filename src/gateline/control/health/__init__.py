"""The health of a node's targets, in its control process: found out by probes and from what workers saw, or told by a
person; decided here once for all workers, and sent to them beside the configuration.
"""

from gateline.control.health.node import NodeHealth
from gateline.control.health.states import TargetStates

__all__ = ["NodeHealth", "TargetStates"]
