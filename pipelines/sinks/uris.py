"""A sink's URI → the sink. Adding a sink is one module and one entry here."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.sinks import Sink


def _lake(place: str) -> Sink:
    from pipelines.cloud_storage import objects
    from pipelines.sinks.bucket import BucketLake
    from pipelines.sinks.lake import Lake

    if place.startswith("gs:"):
        return BucketLake(objects(place))
    return Lake(Path(place))


def _bigquery(place: str) -> Sink:
    from pipelines.sinks.bigquery import bigquery

    return bigquery(place)


SINKS: Mapping[str, tuple[str, Callable[[str], Sink]]] = {
    "lake": ("lake:DIR or lake:gs://BUCKET/PREFIX", _lake),
    "bigquery": ("bigquery:PROJECT.DATASET", _bigquery),
}


def opened(uri: str) -> Sink:
    """The sink that a URI names. Raises UsageError."""
    scheme, _, place = uri.partition(":")
    if scheme not in SINKS or not place:
        raise UsageError(f"{uri} is no sink: write {' or '.join(example for example, _ in SINKS.values())}")
    return SINKS[scheme][1](place)
