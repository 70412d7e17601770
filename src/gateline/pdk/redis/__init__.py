"""Redis for plugins: the fields of a configuration that say where it is, and a client.

What the client needs is an extra: `pip install 'gateline[redis]'`.
"""

from gateline.pdk.redis.client import RedisClient
from gateline.pdk.redis.fields import OLD_NAMES, Redis, RedisAnywhere, redis_needed
from gateline.pdk.redis.script import RedisError, Script

__all__ = ["OLD_NAMES", "Redis", "RedisAnywhere", "RedisClient", "RedisError", "Script", "redis_needed"]
