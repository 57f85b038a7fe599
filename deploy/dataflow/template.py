"""What both Flex Templates start: the batch job if it is told a source of files, else the streaming one.

An image names one file to start, so both templates share one. Everything is in the installed package, so nothing is
pickled from here.
"""

import sys

if __name__ == "__main__":
    if any(argument.startswith("--otlp_source") for argument in sys.argv[1:]):
        from pipelines.backfill_options import main
    else:
        from pipelines.streaming_options import main
    main()
