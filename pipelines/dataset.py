"""A BigQuery dataset brought to what schemas/ say: only additions; what would destroy something is refused by name.

`changes` is pure; `Dataset` reads and writes over BigQuery's REST interface, by Google's client.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from typing import IO, Any, Final

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from pipelines import tables
from pipelines.errors import RunError, without_credentials

EMULATOR_VARIABLE: Final = "BIGQUERY_EMULATOR_HOST"
CALL_SECONDS = 60.0
LOCATION = "EU"  # as dbt/profiles.yml: a query reads one location only
RETRY_SECONDS = 20.0
RETRY = DEFAULT_RETRY.with_timeout(RETRY_SECONDS)
_CURES: Mapping[type[Exception], str] = {
    exceptions.Forbidden: "grant roles/bigquery.dataOwner on the dataset, or on the project where it is new",
    exceptions.NotFound: "is the project's name right?",
    exceptions.Unauthorized: "renew the credentials: gcloud auth application-default login",
    exceptions.TooManyRequests: "a quota of the project is used up: see IAM & Admin → Quotas, BigQuery",
}
_UPDATED = ["schema", "description", "labels", "clustering_fields", "require_partition_filter"]
_SAME = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "STRUCT": "RECORD"}  # BigQuery answers in old names
_RESOURCE = ("description", "labels", "clustering", "requirePartitionFilter")  # what may change without loss


@dataclass(frozen=True, slots=True)
class Changes:
    """What must happen to one table. `resource` is the BigQuery REST Table that it then is; None when nothing must."""

    table: str
    resource: dict[str, Any] | None = None
    is_new: bool = False
    added: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for a person."""
        if self.refused:
            return "cannot: " + "; ".join(self.refused)
        if self.is_new:
            return "create"
        if self.resource is None:
            return "nothing to do"
        return "add " + ", ".join(self.added) if self.added else "update descriptions and options"


def changes(name: str, there: Mapping[str, Any] | None) -> Changes:
    """What makes the table that is `there` (a REST Table; None: none) what schemas/ say of `name`."""
    wanted = tables.table(name)
    if there is None:
        return Changes(name, wanted, is_new=True)
    found = _Merge()
    fields = found.merged(wanted["schema"]["fields"], there["schema"]["fields"], "")
    partition, has = wanted["timePartitioning"], there.get("timePartitioning", {})
    if {key: has.get(key) for key in partition} != partition:
        there_by = f"{has.get('type')} of {has.get('field', '_PARTITIONTIME')}" if has else "nothing"
        found.refused.append(f"it is partitioned by {there_by}, not by {partition['type']} of {partition['field']}")
    resource = {**there, "schema": {"fields": fields}} | {key: wanted[key] for key in _RESOURCE if key in wanted}
    is_same = all(_plain(there.get(key)) == _plain(resource.get(key)) for key in ("schema", *_RESOURCE))
    return Changes(
        name,
        None if is_same or found.refused else resource,
        added=tuple(found.added),
        refused=tuple(found.refused),
        beyond=tuple(found.beyond),
    )


@dataclass(slots=True)
class _Merge:
    """Columns as they will be, and what was found on the way."""

    added: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    def merged(self, wanted: Sequence[tables.Field], there: Sequence[tables.Field], above: str) -> list[tables.Field]:
        """Columns that are there, in their order, then those that schemas/ add."""
        new = {column["name"]: column for column in wanted}
        columns = [self._column(new.pop(old["name"], None), dict(old), above) for old in there]
        for name, column in new.items():
            if column["mode"] == "REQUIRED":
                self.refused.append(f"{above}{name} is REQUIRED, which no column added to a table can be")
            self.added.append(f"{above}{name}")
            columns.append(column)
        return columns

    def _column(self, wanted: tables.Field | None, old: tables.Field, above: str) -> tables.Field:
        name = f"{above}{old['name']}"
        if wanted is None:
            self.beyond.append(name)
            return old
        kind, mode = _SAME.get(old["type"], old["type"]), old.get("mode", "NULLABLE")
        if kind != wanted["type"]:
            self.refused.append(f"{name} is {kind}, not {wanted['type']}")
        if mode != wanted["mode"] and (mode, wanted["mode"]) != ("REQUIRED", "NULLABLE"):
            self.refused.append(f"{name} is {mode}, not {wanted['mode']}")
        nested = {"fields": self.merged(wanted["fields"], old["fields"], f"{name}.")} if "fields" in wanted else {}
        return old | {"mode": wanted["mode"], "description": wanted.get("description", "")} | nested


def _plain(value: Any) -> Any:
    """A part of a resource without what BigQuery says in its own way."""
    if isinstance(value, Mapping):
        own = {key: _plain(item) for key, item in value.items()}
        if "name" in own and "type" in own:
            own["type"], own["mode"] = _SAME.get(own["type"], own["type"]), own.get("mode", "NULLABLE")
        return {key: item for key, item in own.items() if item not in (None, "", [])}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


class Dataset:
    """A dataset `PROJECT.NAME`; the emulator's when BIGQUERY_EMULATOR_HOST is set. Raises RunError."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._project, _, self._name = place.rpartition(".")
        self._client = _client(self._project)

    def plan(self) -> list[Changes]:
        """What would happen to each table. Changes nothing."""
        return [changes(name, self._there(name)) for name in tables.TABLES]

    def create(self, location: str | None) -> None:
        """Makes the dataset if there is none; a location other than the one it has is refused."""
        wanted = bigquery.Dataset(f"{self._project}.{self._name}")
        wanted.location = location or LOCATION
        wanted.description = "OpenTelemetry as otelmart keeps it."
        create = partial(self._client.create_dataset, wanted, exists_ok=True, retry=RETRY, timeout=CALL_SECONDS)
        found = _asked(f"{self._project}.{self._name}", create)
        if location and found.location and found.location.upper() != location.upper():
            raise RunError(
                f"{self._project}.{self._name} is in {found.location}, and a dataset cannot move: "
                f"leave --location {location} away, or choose another dataset"
            )

    def apply(self, plan: Sequence[Changes]) -> Iterator[Changes]:
        """Carries a plan out, a table at a time; yields each that is done. Nothing when anything in it is refused."""
        if refused := [f"{each.table}: {text}" for each in plan for text in each.refused]:
            raise RunError(
                f"schemas/ cannot be reached by adding: {'; '.join(refused)}; nothing was changed: "
                "copy such a table to another name, drop it, and run this again"
            )
        for each in plan:
            if each.resource is None:
                continue
            place = {"projectId": self._project, "datasetId": self._name, "tableId": each.table}
            table = bigquery.Table.from_api_repr({**each.resource, "tableReference": place})
            if each.is_new:
                call = partial(self._client.create_table, table, exists_ok=True, retry=RETRY, timeout=CALL_SECONDS)
            else:
                call = partial(self._client.update_table, table, _UPDATED, retry=RETRY, timeout=CALL_SECONDS)
            _asked(f"{self._project}.{self._name}.{each.table}", call)
            yield each

    def look(self) -> None:
        """Raises RunError unless BigQuery answers: Google's client tries a query for ten minutes before it gives up."""
        self._there("ingest_ledger")

    def rows(self, statement: str) -> Iterator[dict[str, Any]]:
        """Rows of one statement of GoogleSQL, fetched page by page."""
        found = iter(_asked(self.place, lambda: self._client.query(statement).result()))
        while (row := _asked(self.place, lambda: next(found, None))) is not None:
            yield dict(row.items())

    def columns(self, table: str) -> set[str]:
        """Names of a table's columns; none where there is no table."""
        there = self._there(table)
        return {column["name"] for column in there["schema"]["fields"]} if there else set()

    def load(self, table: str, file: IO[bytes], job_id: str) -> None:
        """Appends a Parquet file by a load job; one with this id that succeeded before is not done again.

        One that failed wrote nothing, and keeps its id: the file then goes by a job JOB_ID-2, JOB_ID-3, ...
        """
        place = f"{self._project}.{self._name}.{table}"
        _asked(place, lambda: self._load(place, file, job_id))

    def _load(self, place: str, file: IO[bytes], job_id: str) -> None:
        there = self._client.get_table(place, retry=RETRY, timeout=CALL_SECONDS)
        lists = bigquery.format_options.ParquetOptions()
        lists.enable_list_inference = True
        config = bigquery.LoadJobConfig(
            source_format="PARQUET", write_disposition="WRITE_APPEND", parquet_options=lists, schema=there.schema
        )
        for name in chain([job_id], (f"{job_id}-{number}" for number in count(2))):
            job: Any
            try:
                job = self._client.load_table_from_file(file, there, rewind=True, job_id=name, job_config=config)
            except exceptions.Conflict:
                job = self._client.get_job(name, location=there.location)
                if job.state == "DONE" and job.error_result:
                    continue
            job.result()
            return

    def _there(self, table: str) -> Mapping[str, Any] | None:
        place = f"{self._project}.{self._name}.{table}"

        def get() -> Mapping[str, Any] | None:
            try:
                resource: Mapping[str, Any] = self._client.get_table(
                    place, retry=RETRY, timeout=CALL_SECONDS
                ).to_api_repr()
            except exceptions.NotFound:
                return None
            return resource

        found: Mapping[str, Any] | None = _asked(place, get)
        return found


def _asked(where: str, call: Callable[[], Any]) -> Any:
    """What BigQuery answers; what it refuses becomes one line with the cure."""
    try:
        return call()
    except exceptions.RetryError as error:
        text = f"no answer for {RETRY_SECONDS:.0f} s ({type(error.cause).__name__})"
        cure = f"is the network, or {EMULATOR_VARIABLE}, right?"
    except GoogleAuthError as error:
        text, cure = str(error), _CURES[exceptions.Unauthorized]
    except exceptions.GoogleAPICallError as error:
        told = [each["message"] for each in error.errors if "message" in each]
        text = f"{type(error).__name__}: {(told or [str(error)])[0].splitlines()[0]}"
        cure = next((cure for kind, cure in _CURES.items() if isinstance(error, kind)), "try again later")
    raise RunError(f"BigQuery refuses {where}: {text}: {cure}")


def _client(project: str) -> bigquery.Client:
    if os.environ.get(EMULATOR_VARIABLE):
        return bigquery.Client(project=project, credentials=AnonymousCredentials())
    try:
        return bigquery.Client(project=project)
    except DefaultCredentialsError:
        raise without_credentials(EMULATOR_VARIABLE) from None
