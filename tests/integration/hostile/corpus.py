"""The hostile corpus: every entry of every theme."""

from integration.hostile import chunks, framing, heads, limits, targets, timing, upgrades

ENTRIES = (
    *framing.ENTRIES,
    *chunks.ENTRIES,
    *heads.ENTRIES,
    *targets.ENTRIES,
    *limits.ENTRIES,
    *upgrades.ENTRIES,
    *timing.ENTRIES,
)
