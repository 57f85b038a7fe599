"""What a worker says of itself, as Prometheus reads it."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.worker.report import Done, Totals


def test_what_the_processes_did_adds_up() -> None:
    totals = Totals()
    totals.add(Done(3, 100, 1, 1, {"traces": 5}, {"logs.body": 2}, 0.5, [0.4, 0.6, 400.0]))
    totals.add(Done(1, 20, 0, 1, {"traces": 2, "logs": 1}, {"logs.body": 1}, 0.25, [5.0]))
    registry = CollectorRegistry()
    registry.register(totals)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = {(s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples}

    assert samples["otelmart_worker_messages_total",] == 4
    assert samples["otelmart_worker_bytes_total",] == 120
    assert samples["otelmart_worker_copies_total",] == 1
    assert samples["otelmart_worker_rows_total", "traces"] == 7
    assert samples["otelmart_worker_rows_total", "logs"] == 1
    assert samples["otelmart_worker_left_out_values_total", "body", "logs"] == 3
    assert samples["otelmart_worker_commit_seconds_total",] == 0.75
    delay = "otelmart_worker_publish_to_commit_seconds"
    assert [samples[f"{delay}_bucket", bound] for bound in ("0.5", "1.0", "5.0", "300.0", "+Inf")] == [1, 2, 3, 3, 4]
    assert samples[f"{delay}_count",] == 4
    assert samples[f"{delay}_sum",] == 406.0
