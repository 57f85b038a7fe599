"""The otelmart command with units of 1 kB, so that a small corpus is cut into several, and few parts are many."""

from pipelines import compaction, units
from pipelines.cli import main

units.UNIT_BYTES = 1024
compaction.MANY_PARTS = 4

if __name__ == "__main__":
    main()
