"""The demo's bytes depend on its arguments alone, and hold everything that the shop's programs are known to send."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from pipelines.demo.generate import generate
from tests.demo.reading import Demo


def tree(directory: Path) -> dict[str, str]:
    """Hash of every file by its path."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "a", seed=3, days=1, users=8)
    generate(tmp_path / "b", seed=3, days=1, users=8)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_days_side_by_side_write_the_bytes_of_days_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(tmp_path / "a", seed=3, days=2, users=8)
    monkeypatch.setattr("pipelines.demo.generate.PARALLEL_FROM_USER_DAYS", 1)
    generate(tmp_path / "b", seed=3, days=2, users=8)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_another_seed_writes_other_bytes(tmp_path: Path) -> None:
    generate(tmp_path / "a", seed=3, days=1, users=8)
    generate(tmp_path / "b", seed=4, days=1, users=8)
    assert tree(tmp_path / "a")["truth.json"] != tree(tmp_path / "b")["truth.json"]


def test_start_moves_every_date(tmp_path: Path) -> None:
    truth = generate(tmp_path / "a", seed=3, days=1, users=8, start=date(2026, 2, 28))
    assert {row["event_date"] for row in truth.rows} == {"2026-02-28"}


def test_every_span_name_of_the_source_design_is_sent(demo: Demo) -> None:
    wanted = {
        "user.login", "db.query.user", "page.view", "event.add_to_cart", "documentLoad", "click", "submit",
        "http.request",
        "GET /pages/:pageName", "fetch.page.data", "track.event", "POST /api/orders", "validateOrder", "checkInventory",
        "payment.process", "processPayment", "saveOrder", "PaymentService.ProcessPayment", "validatePayment",
        "callPaymentGateway", "updateDatabase", "get_user", "cache.get", "cache.set", "user.registration",
        "inventory.Stock/Check", "send orders", "process orders",
    }  # fmt: skip
    assert wanted <= {span.name for _, span in demo.all_spans}


def test_every_attribute_of_the_source_design_is_sent(demo: Demo) -> None:
    wanted = {
        "user.name", "http.method", "http.url", "http.route", "http.status_code", "login.status",
        "login.failure_reason",
        "page.name", "page.url", "user.id", "browser.name", "viewport.width", "viewport.height", "page.load_time",
        "event.name", "product.id", "peer.service", "order.id", "order.total", "order.items.count", "payment.method",
        "payment.amount", "payment.transaction_id", "payment.id", "payment.status", "payment.user_id", "error.type",
        "error.message", "validation.passed", "gateway.name", "gateway.endpoint", "user.found", "cache.hit",
        "cache.key",
        "db.system", "db.operation", "db.statement",
    }  # fmt: skip
    assert wanted <= {a.key for _, span in demo.all_spans for a in span.attributes}


def test_current_conventions_are_sent_beside_the_old_ones(demo: Demo) -> None:
    wanted = {
        "http.request.method", "url.path", "url.full", "http.response.status_code", "user_agent.original",
        "user_agent.synthetic.type", "client.address", "server.address", "session.id",
    }  # fmt: skip
    assert wanted <= {a.key for _, span in demo.all_spans for a in span.attributes}
    assert {"browser.web_vital", "user.registration", "exception"} <= {log.event_name for _, log, _ in demo.logs}


def test_every_metric_of_the_source_design_is_sent_and_every_kind(demo: Demo) -> None:
    wanted = {
        "user.login.attempts", "user.login.duration", "page.views", "api.calls", "api.duration", "payment.transactions",
        "payment.latency", "user.operations", "user.cache.hits", "user.active.count", "user.registration",
    }  # fmt: skip
    metrics = [metric for _, metric, _ in demo.points]
    assert wanted <= {metric.name for metric in metrics}
    kinds = {"sum", "gauge", "histogram", "exponential_histogram", "summary"}
    assert {metric.WhichOneof("data") for metric in metrics} == kinds
    assert {metric.sum.aggregation_temporality for metric in metrics if metric.HasField("sum")} == {1, 2}


def test_exemplars_point_at_traces_that_were_sent(demo: Demo) -> None:
    traces = {span.trace_id for _, span in demo.all_spans}
    exemplars = [e.trace_id for _, _, point in demo.points if hasattr(point, "exemplars") for e in point.exemplars]
    assert exemplars
    assert set(exemplars) <= traces


def test_personal_data_is_there_to_be_protected(demo: Demo) -> None:
    urls = {a.value.string_value for _, span in demo.all_spans for a in span.attributes if a.key == "page.url"}
    assert any("email=" in url for url in urls)
    assert any("@example.com" in log.body.string_value for _, log, _ in demo.logs)
