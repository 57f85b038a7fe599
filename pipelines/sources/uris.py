"""A source's URI → what it holds. Adding a source of files is one module and one entry here."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.sources.contents import Listing


def _files(place: str, notes: Path) -> Listing:
    from pipelines.sources import files

    return files.listing(place)


def _gcs(place: str, notes: Path) -> Listing:
    from pipelines.sources import gcs

    return gcs.listing(place, notes)


SOURCES: Mapping[str, tuple[str, Callable[[str, Path], Listing]]] = {
    "files": ("files:DIR (or FILE, or 'GLOB')", _files),
    "gs": ("gs://BUCKET/PREFIX (or 'PATTERN')", _gcs),
}


def listing(uri: str, notes: Path) -> Listing:
    """What the source that a URI names holds now; `notes` is a directory that a long listing may use."""
    scheme, _, place = uri.partition(":")
    if scheme not in SOURCES or not place:
        raise UsageError(f"{uri} is no source: write {' or '.join(example for example, _ in SOURCES.values())}")
    return SOURCES[scheme][1](place, notes)
