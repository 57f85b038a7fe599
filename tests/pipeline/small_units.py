"""The otelmart command with units of 1 kB, so that a small corpus is cut into several."""

from pipelines import units
from pipelines.cli import main

units.UNIT_BYTES = 1024

if __name__ == "__main__":
    main()
