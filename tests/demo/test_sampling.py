"""Correct under sampling: the demo's traces are head and tail sampled, and the marts still tell the truth.

Head sampling keeps 25 % of the traces; of those, tail sampling keeps every one with an error and 40 % of the others.
Each span that is left says what it stands for (`ot=th`), as a consistent probability sampler writes it.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from tests.demo.conftest import Built, run
from tests.demo.reading import Message, messages

HEAD, TAIL = 0.25, 0.4
SURE_SIGMAS = 4  # chance exceeds this about once in 16,000 comparisons
UNIT = 1 << 56
ALREADY_SAMPLED = "user-service"
Request = tuple[str, str]
"""service and route"""


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory, built: Built, otelmart: str) -> Built:
    """The default demo after both samplers, ingested and built as ever, without the service that the demo samples."""
    place = tmp_path_factory.mktemp("sampled")
    _write(place / "shop", list(messages(built.lake.parent / "shop")))
    run(place, otelmart, "ingest", "--from", "files:shop", "--to", "lake:lake")
    run(place, otelmart, "build", "--lake", "lake", "--warehouse", "w.duckdb", "--no-tests")
    return Built(built.truth, place / "lake", place / "w.duckdb")


pytestmark = [pytest.mark.stack, pytest.mark.parametrize("built", ["default"], indirect=True)]


def test_request_counts_are_within_their_sampling_error_and_unweighted_ones_are_not(sampled: Built) -> None:
    truth = _by_route(sampled, "request_count")
    found = _requests(sampled)
    lines = [f"{'requests':<44}{'true':>9}{'weighted':>11}{'±':>7}{'unweighted':>12}"]
    for route, true in truth.items():
        weighted, observed = found[route][:2]
        error = SURE_SIGMAS * sqrt(true * (1 - HEAD * TAIL) / (HEAD * TAIL))
        lines.append(f"{' '.join(route):<44}{true:>9}{weighted:>11.0f}{error:>7.0f}{observed:>12}")
        assert abs(weighted - true) <= error, "\n".join(lines)
        assert abs(observed - true) > error, "\n".join(lines)
    print("\n".join(["", *lines]))


def test_error_ratios_are_within_their_sampling_error_and_unweighted_ones_are_not(sampled: Built) -> None:
    counts, errors = _by_route(sampled, "request_count"), _by_route(sampled, "error_count")
    found = _requests(sampled)
    lines = [f"{'error ratio':<44}{'true':>9}{'weighted':>11}{'±':>9}{'unweighted':>12}"]
    for route, count in counts.items():
        if errors[route] < 50:
            continue
        weighted, observed, weighted_errors, observed_errors = found[route]
        true = errors[route] / count
        # errors are kept with HEAD, the others with HEAD * TAIL: the delta method over both counts
        spread = sqrt(
            (1 - true) ** 2 * errors[route] * (1 - HEAD) / HEAD
            + true**2 * (count - errors[route]) * (1 - HEAD * TAIL) / (HEAD * TAIL)
        )
        error = SURE_SIGMAS * spread / count
        ratio, biased = weighted_errors / weighted, observed_errors / observed
        lines.append(f"{' '.join(route):<44}{true:>9.4f}{ratio:>11.4f}{error:>9.4f}{biased:>12.4f}")
        assert abs(ratio - true) <= error, "\n".join(lines)
        assert biased > true + error, "\n".join(lines)
    assert len(lines) >= 5
    print("\n".join(["", *lines]))


def test_percentiles_lie_within_their_sampling_error(sampled: Built, built: Built) -> None:
    sql = """
        select service_name, operation, duration_bucket, sum(weight_micros) / 1000000
        from marts.fct_latency_sketch_hourly
        where deployment_environment = 'production' and service_name != 'user-service' group by all order by all
    """
    everything: dict[Request, list[tuple[int, float]]] = defaultdict(list)
    for service, operation, bucket, weight in built.rows(sql):
        everything[service, operation].append((bucket, weight))
    kept: dict[Request, list[tuple[int, float]]] = defaultdict(list)
    for service, operation, bucket, weight in sampled.rows(sql):
        kept[service, operation].append((bucket, weight))
    for route, buckets in everything.items():
        total = sum(weight for _, weight in buckets)
        reached = _percentile(kept[route], 0.95)
        below = sum(weight for bucket, weight in buckets if bucket < reached) / total
        up_to = sum(weight for bucket, weight in buckets if bucket <= reached) / total
        error = SURE_SIGMAS * sqrt(0.95 * 0.05 / (total * HEAD * TAIL))
        assert below - error <= 0.95 <= up_to + error, route


def test_coverage_says_how_much_was_seen_and_facts_are_not_scaled(sampled: Built) -> None:
    coverage = sampled.rows("""
        select service_name, sum(observed_span_count) / sum(span_count), max(sampling_source)
        from marts.fct_sampling_coverage_daily where service_name = 'order-service' group by all
    """)
    ((_, ratio, source),) = coverage
    assert HEAD * TAIL < ratio < HEAD
    assert source == "ot_th"
    orders = sum(row["order_count"] for row in sampled.truth["orders"] if row["environment"] == "production")
    (found,) = sampled.rows(
        "select sum(order_count) from marts.fct_revenue_daily where deployment_environment = 'production'"
    )
    assert found[0] < orders * HEAD * 1.5


def _by_route(built: Built, measure: str) -> dict[Request, int]:
    counts: Counter[Request] = Counter()
    for row in built.truth["latency_daily"]:
        if row["environment"] == "production" and row["service_name"] != ALREADY_SAMPLED:
            counts[row["service_name"], row["http_route"]] += row[measure]
    return dict(counts)


def _requests(built: Built) -> dict[Request, tuple[float, int, float, int]]:
    """{route: (weighted requests, observed ones, weighted errors, observed ones)}"""
    sql = """
        select service_name, operation, sum(request_count), sum(observed_request_count), sum(error_count),
            sum(observed_error_count)
        from marts.fct_latency_daily where deployment_environment = 'production' group by all
    """
    return {(row[0], row[1]): tuple(row[2:]) for row in built.rows(sql)}


def _percentile(buckets: list[tuple[int, float]], q: float) -> int:
    total, reached = sum(weight for _, weight in buckets), 0.0
    for bucket, weight in buckets:
        reached += weight
        if reached >= q * total:
            return bucket
    raise AssertionError("no bucket")


def _write(shop: Path, found: list[Message]) -> None:
    """The messages as protobuf files, a batch of traces without what the samplers drop."""
    requests = [message.request for message in found if message.signal == "traces" and message.request]
    failed = {span.trace_id for request in requests for span in _spans(request) if span.status.code == 2}
    shop.mkdir()
    manifest = []
    for number, message in enumerate(found):
        if message.request is None:
            continue
        if message.signal == "traces":
            _sample(message.request, failed)
        path = f"{message.signal}-{number:06d}.bin"
        (shop / path).write_bytes(message.request.SerializeToString())
        manifest.append(json.dumps({"path": path, "received_unix_ns": message.received_ns}))
    (shop / "manifest.jsonl").write_text("\n".join(manifest))


def _sample(request: Any, failed: set[bytes]) -> None:
    for resource in request.resource_spans:
        names = {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
        for scope in resource.scope_spans:
            kept = [] if ALREADY_SAMPLED in names else list(_kept(scope.spans, failed))
            del scope.spans[:]
            scope.spans.extend(kept)


def _kept(spans: Any, failed: set[bytes]) -> Iterator[Any]:
    for span in spans:
        threshold = round(UNIT * (1 - (HEAD if span.trace_id in failed else HEAD * TAIL)))
        randomness = int.from_bytes(hashlib.sha256(span.trace_id).digest()[:7], "big")
        if randomness >= threshold:
            span.trace_state = f"ot=th:{threshold:014x}"
            yield span


def _spans(request: Any) -> Iterator[Any]:
    return (span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans)
