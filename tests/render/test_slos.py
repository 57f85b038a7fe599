"""OpenSLO files become the rows of slos.csv, or one line that names file, line and cure."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from pipelines.errors import UsageError
from pipelines.render import slos

RATIO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: availability
spec:
  service: shop
  indicator:
    spec:
      ratioMetric:
        good:
          metricSource:
            type: otelmart
            spec:
              condition: not_error
        total:
          metricSource:
            type: otelmart
            spec:
              kind: requests
  timeWindow:
    - duration: 30d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
"""
THRESHOLD = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: latency
spec:
  service: shop
  indicator:
    spec:
      thresholdMetric:
        metricSource:
          type: otelmart
          spec:
            kind: page_views
            value: duration_ms
  timeWindow:
    - duration: 1Q
      calendar:
        startTime: 2026-01-01 00:00:00
        timeZone: UTC
  budgetingMethod: Timeslices
  objectives:
    - op: lte
      value: 2500
      targetPercent: 99.5
      timeSliceTarget: 0.9
      timeSliceWindow: 1h
"""
SLI = """\
apiVersion: openslo/v1
kind: SLI
metadata:
  name: paid
spec:
  ratioMetric:
    bad:
      metricSource:
        type: otelmart
        spec:
          condition: failed
    total:
      metricSource:
        type: otelmart
        spec:
          kind: payments
          service: [payment-service, billing]
          environment: production
          groupBy: [service]
"""
INDICATOR = RATIO[RATIO.index("  indicator:") : RATIO.index("  timeWindow:")]


def rows(checkout: Path, **files: str) -> list[slos.Row]:
    folder = checkout / "dbt/slos"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return slos.rows(checkout)


def error(checkout: Path, **files: str) -> str:
    with pytest.raises(UsageError) as caught:
        rows(checkout, **files)
    return str(caught.value)


def test_ratio_metric_becomes_a_row(tmp_path: Path) -> None:
    [row] = rows(tmp_path, a=RATIO)
    assert (row.slo_id, row.slo_name, row.service_name, row.signal) == (
        "availability",
        "availability",
        "shop",
        "requests",
    )
    assert (row.good_condition, row.threshold_op, row.threshold_ns) == ("not_error", "", "")
    assert (row.budgeting_method, row.target_ratio, row.min_valid_count) == ("Occurrences", "0.999", "1")
    assert (row.window_kind, row.window_unit, row.window_length, row.window_days) == ("rolling", "day", "30", "30")
    assert (row.slice_target_ratio, row.slice_minutes, row.is_per_service) == ("", "", "false")
    assert row.source_file == "dbt/slos/a.yaml"


def test_threshold_metric_over_calendar_quarters_in_time_slices(tmp_path: Path) -> None:
    [row] = rows(tmp_path, a=THRESHOLD)
    assert (row.signal, row.good_condition, row.threshold_op, row.threshold_ns) == (
        "page_views",
        "",
        "lte",
        "2500000000",
    )
    assert (row.target_ratio, row.slice_target_ratio, row.slice_minutes) == ("0.995", "0.9", "60")
    assert (row.window_kind, row.window_unit, row.window_length) == ("calendar", "month", "3")
    assert (row.window_anchor_date, row.window_days) == ("2026-01-01", "90")


def test_indicator_reference_reads_an_sli_document_and_bad_is_turned_into_good(tmp_path: Path) -> None:
    [row] = rows(tmp_path, a=RATIO.replace(INDICATOR, "  indicatorRef: paid\n"), b=SLI)
    assert (row.signal, row.good_condition) == ("payments", "succeeded")
    assert (row.services, row.environments, row.operations) == ("payment-service|billing", "production", "")
    assert row.is_per_service == "true"


def test_condition_and_duration_both_hold_for_a_good_event(tmp_path: Path) -> None:
    [row] = rows(tmp_path, a=RATIO.replace("condition: not_error", "{condition: not_5xx, durationBelowMs: 0.25}"))
    assert (row.good_condition, row.threshold_op, row.threshold_ns) == ("not_5xx", "lt", "250000")


def test_several_objectives_are_rows_of_their_own(tmp_path: Path) -> None:
    two = RATIO.replace(
        "    - target: 0.999\n",
        "    - {displayName: Internal, target: 0.999}\n    - {displayName: The SLA, target: 0.99}\n",
    )
    assert [(row.slo_id, row.slo_name, row.target_ratio) for row in rows(tmp_path, a=two)] == [
        ("availability/internal", "availability", "0.999"),
        ("availability/the-sla", "availability", "0.99"),
    ]


def test_target_of_100_percent_is_allowed(tmp_path: Path) -> None:
    [row] = rows(tmp_path, a=RATIO.replace("target: 0.999", "targetPercent: 100"))
    assert Decimal(row.target_ratio) == 1


def test_low_traffic_guard_comes_from_an_annotation(tmp_path: Path) -> None:
    annotated = RATIO.replace("availability\n", 'availability\n  annotations: {otelmart/min-valid-events: "500"}\n', 1)
    assert rows(tmp_path, a=annotated)[0].min_valid_count == "500"


def test_service_documents_and_json_style_yaml_are_read(tmp_path: Path) -> None:
    service = (
        '{"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "shop"}, "spec": {"description": "x"}}'
    )
    assert len(rows(tmp_path, a=RATIO, b=service)) == 1


def test_hash_changes_with_the_numbers_and_not_with_the_words(tmp_path: Path) -> None:
    [row] = rows(tmp_path, a=RATIO)
    [reworded] = rows(tmp_path, a=RATIO.replace("  service: shop", "  description: Words.\n  service: shop"))
    [stricter] = rows(tmp_path, a=RATIO.replace("0.999", "0.9999"))
    assert slos.definition_hash(row) == slos.definition_hash(reworded)
    assert slos.definition_hash(row) != slos.definition_hash(stricter)


def test_no_files_render_seeds_without_rows(tmp_path: Path) -> None:
    assert [text.count("\n") for text in slos.files(tmp_path).values()] == [1, 1]


def test_duplicate_slo_names_name_both_places(tmp_path: Path) -> None:
    assert error(tmp_path, a=RATIO, b="\n\n" + RATIO) == (
        "dbt/slos/b.yaml:3: duplicate SLO name 'availability'; first given at dbt/slos/a.yaml:1"
    )


def test_unknown_indicator_names_the_known_ones(tmp_path: Path) -> None:
    text = error(tmp_path, a=RATIO.replace(INDICATOR, "  indicatorRef: unpaid\n"), b=SLI)
    assert text == "dbt/slos/a.yaml:7: unknown indicator 'unpaid'; SLI documents in dbt/slos: paid"


MISTAKES = {case["name"]: case for case in yaml.safe_load((Path(__file__).parent / "slo_mistakes.yaml").read_text())}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_names_file_line_and_cure(tmp_path: Path, name: str) -> None:
    case = MISTAKES[name]
    source = {"ratio": RATIO, "threshold": THRESHOLD}[case["in"]]
    assert case["replace"] in source
    assert error(tmp_path, a=source.replace(case["replace"], case["by"], 1)) == f"dbt/slos/a.yaml:{case['error']}"


def test_shipped_slos_are_the_designs_and_the_journeys_that_earn_money(repo: Path) -> None:
    shipped = {row.slo_id: row for row in slos.rows(repo)}
    assert set(shipped) == {
        "api-availability", "api-latency", "api-uptime", "checkout", "login-success", "service-availability",
    }  # fmt: skip
    availability, latency = shipped["api-availability"], shipped["api-latency"]
    assert (availability.good_condition, availability.target_ratio) == ("not_error", "0.999")
    assert (latency.threshold_op, latency.threshold_ns) == ("lt", "500000000")


def test_rendered_seeds_are_fresh(repo: Path) -> None:
    for path, text in slos.files(repo).items():
        assert path.read_text() == text, f"{path.name} is stale: run otelmart render"
