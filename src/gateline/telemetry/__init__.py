"""What a node tells of itself in numbers: how they are kept while requests run, where, and how they are written out.

Each process counts in memory of its own that outlives it (`sheets`), through handles that cost a store (`registry`);
whoever is asked for the numbers adds up all sheets of the node without asking their processes (`reading`) and writes
them as Prometheus wants them (`exposition`).
"""

from gateline.telemetry.families import Family, Kind
from gateline.telemetry.labels import label_text
from gateline.telemetry.reading import NodeSheets
from gateline.telemetry.registry import Metric, Registry, Series
from gateline.telemetry.sheets import Sheet, claim

__all__ = ["Family", "Kind", "Metric", "NodeSheets", "Registry", "Series", "Sheet", "claim", "label_text"]
