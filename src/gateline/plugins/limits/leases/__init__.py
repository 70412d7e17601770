"""Quotas that nodes share by leases: each takes slices of what a Redis keeps, and hands them out itself.

What Redis has given out counts there as taken. So no window is ever exceeded while Redis keeps what it was told; what a
node has of a slice at the end of its window is void, and what it does not need it gives back.
"""

from gateline.plugins.limits.leases.budget import LeasedBudget

__all__ = ["LeasedBudget"]
