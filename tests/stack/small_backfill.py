"""The otelmart command with units of 600 B in a backfill, so that a small archive is cut into many."""

from pipelines import backfill
from pipelines.cli import main

backfill.UNIT_BYTES = 600

if __name__ == "__main__":
    main()
