"""What the Flex Template starts. Everything is in the installed package, so nothing is pickled from here."""

from pipelines.streaming_options import main

if __name__ == "__main__":
    main()
