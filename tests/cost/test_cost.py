"""The cost model against arithmetic done by hand, and the page against its two inputs."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.cli.cost import SIZES
from pipelines.cost import scaling
from pipelines.cost.bill import DEPLOYED, bill, break_evens, by_component, deployed_usd
from pipelines.cost.choices import SIZES as PAGE_SIZES
from pipelines.cost.inputs import UNITS, Catalog, Figures, Price, catalog, figures
from pipelines.cost.page import page
from pipelines.cost.quantities import COMPONENTS, Rows, a_million, a_month, rebuilds
from pipelines.cost.text import number, usd
from pipelines.errors import UsageError
from tests.bench import bench_cost

SECONDS_A_MONTH = 2_628_000  # 365 / 12 days

# Round on purpose. Every expected number below follows from these and from prices.yaml.
BENCH: dict[str, Any] = {
    key: {"value": value, "unit": unit, "against": "by hand"}
    for key, value, unit in [
        ("traces_message_gzip_bytes", 100, "B/row"),
        ("traces_sent_bytes", 2000, "B/row"),
        ("traces_logical_bytes", 1500, "B/row"),
        ("traces_lake_bytes", 150, "B/row"),
        ("logs_message_gzip_bytes", 50, "B/row"),
        ("logs_sent_bytes", 1000, "B/row"),
        ("logs_logical_bytes", 800, "B/row"),
        ("logs_lake_bytes", 80, "B/row"),
        ("metrics_message_gzip_bytes", 25, "B/row"),
        ("metrics_sent_bytes", 900, "B/row"),
        ("metrics_logical_bytes", 700, "B/row"),
        ("metrics_lake_bytes", 70, "B/row"),
        ("worker_bigquery_pending_cpu", 50_000, "spans/CPU s"),
        ("worker_bigquery_pending_peak", 1024, "MB"),
        ("worker_bigquery_default_cpu", 60_000, "spans/CPU s"),
        ("build_bytes", 5000, "B/span"),
        ("build_before_bytes", 4000, "B/span"),
        ("build_after_bytes", 3000, "B/span"),
        ("build_replaced_bytes", 500, "B/span"),
        ("build_before_replaced_bytes", 200, "B/span"),
        ("build_after_replaced_bytes", 100, "B/span"),
        ("build_history_bytes", 2, "B/span"),
        ("build_table_reads", 100, "tables"),
        ("build_seconds", 144, "s/million"),
        ("build_before_seconds", 100, "s/million"),
        ("build_after_seconds", 80, "s/million"),
        ("models_logical_bytes", 500, "B/span"),
    ]
}

# 23 builds a day see 1/23, 2/23, ... 23/23 of it, 12 in all, and 23 times the days before it; a late row builds them
# all once more: 13 × its own day, 24 × the days before, 1 × those after.
READ = 13 * 5000 + 24 * 4000 + 3000  # 164,000 B a span
REPLACED = 2 * (13 * 500 + 24 * 200 + 100)  # written first, then replaced: 22,800 B
HISTORY = 365 * 23 * 2  # a year of builds that all read it: 16,790 B
BUILT_USD = (READ + REPLACED + HISTORY) * 1e6 / 2**40 * 6.25
BUILT_SECONDS = 13 * 144 + 24 * 100 + 80 + HISTORY * 144 / 5000  # 4,352 + 483.6 a million


@pytest.fixture(scope="session")
def document(repo: Path) -> dict[str, Any]:
    """prices.yaml, parsed."""
    loaded: dict[str, Any] = yaml.safe_load((repo / "deploy/cost/prices.yaml").read_text())
    return loaded


@pytest.fixture(scope="session")
def listed(document: dict[str, Any]) -> Catalog:
    return catalog(document)


@pytest.fixture
def measured() -> Figures:
    return figures(BENCH)


def cost(rows: Rows, component: str, listed: Catalog) -> float:
    return by_component(bill(rows, figures(BENCH), listed, [component]))[component]


@pytest.mark.parametrize(
    ("component", "expected"),
    [
        # 1e6 × 100 B × 2 = 2e8 B; 2e8 / 2^40 TiB × $40
        ("pubsub", 2e8 / 2**40 * 40),
        # 1e6 / 50,000 = 20 CPU s; / 0.6 / 3600 = 0.00926 vCPU-h; each with 1,024 MiB = 1 GiB
        ("worker", 20 / 0.6 / 3600 * (0.02181159 + 0.00292353)),
        # the same vCPU-h with 3.75 GiB; half as many workers with 30 GiB of disk; 2 passes over 1e8 B
        ("dataflow_streaming", 20 / 0.6 / 3600 * (0.069 + 3.75 * 0.003557 + 15 * 0.000054) + 2e8 / 2**30 * 0.018),
        ("dataflow_batch", 20 / 0.6 / 3600 * (0.056 + 3.75 * 0.003557 + 15 * 0.000054) + 2e8 / 2**30 * 0.011),
        # 2e9 B = 1.8626 GiB × $0.025
        ("default_stream", 2e9 / 2**30 * 0.025),
        # 1.5e8 B for one day of 30.4167
        ("load_jobs", 1.5e8 / 2**30 * 0.02 * 12 / 365),
        # 2,000 B a span with its models; 90 days = 2.9589 months active, 9.0411 long-term
        ("storage_logical", 2e9 / 2**30 * (90 * 12 / 365 * 0.023 + (12 - 90 * 12 / 365) * 0.016)),
        # a tenth of it: 150 / 1,500
        ("storage_physical", 2e8 / 2**30 * (90 * 12 / 365 * 0.04 + (12 - 90 * 12 / 365) * 0.02)),
        ("builds_on_demand", BUILT_USD),
        ("builds_slots", 4835.552 / 3600 * 0.04),
        # 1 month Standard, 2 Nearline, 9 Coldline
        ("archive", 1.5e8 / 2**30 * (0.02 + 2 * 0.01 + 9 * 0.004)),
    ],
)
def test_a_million_spans_cost_what_hand_arithmetic_says(component: str, expected: float, listed: Catalog) -> None:
    assert cost(a_million(), component, listed) == pytest.approx(expected)


def test_the_expected_components_are_all_there_are(listed: Catalog, measured: Figures) -> None:
    assert set(by_component(bill(a_million(), measured, listed))) == set(COMPONENTS)
    assert set(DEPLOYED) < set(COMPONENTS)


def test_a_month_pays_for_whole_machines_and_not_for_what_is_free(listed: Catalog) -> None:
    # 2 vCPU × 730 h, though 10 spans/s need a thousandth of one
    assert cost(a_month(10), "worker", listed) == pytest.approx(1460 * (0.02181159 + 0.00292353))
    # 100,000 / 50,000 / 0.6 = 3.3 vCPU: 4
    assert cost(a_month(100_000), "worker", listed) == pytest.approx(4 * 730 * (0.02181159 + 0.00292353))
    # 10 × 2,628,000 × 2,000 B = 49 GiB of the 2,048 free ones
    assert cost(a_month(10), "default_stream", listed) == 0
    # 1,000 spans/s: 5.256e12 B = 4,895.03 GiB; less 2,048
    expected = (5.256e12 / 2**30 - 2048) * 0.025
    assert cost(a_month(1000), "default_stream", listed) == pytest.approx(expected)


def test_small_traffic_pays_the_least_that_a_query_reads(listed: Catalog) -> None:
    # 365/12 × 23 builds × 100 tables × 10 MiB = 0.6672 TiB, more than what 1 span/s holds; less the free TiB: 0
    assert cost(a_month(1), "builds_on_demand", listed) == 0
    rows = next(iter(COMPONENTS["builds_on_demand"](a_month(1), figures(BENCH), listed)))
    assert rows.amount == pytest.approx(365 / 12 * 23 * 100 * 10 * 2**20)
    # 699.6 builds × 120 s × 50 slots = 1,166.0 slot-h
    assert cost(a_month(1), "builds_slots", listed) == pytest.approx(365 / 12 * 23 * 120 * 50 / 3600 * 0.04)


def test_logs_and_metric_points_add_their_own_bytes(listed: Catalog) -> None:
    rows = a_month(1000, logs_per_span=2, points_per_span=4)
    # 1,000 × (100 + 2 × 50 + 4 × 25) B × 2, each second; the first 10 GiB free
    expected = (2 * 1000 * 300 * SECONDS_A_MONTH / 2**40 - 10 / 1024) * 40
    assert cost(rows, "pubsub", listed) == pytest.approx(expected)


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("rate", [0.5, 10, 1_000, 70_000, 1e7])
def test_twice_the_traffic_or_history_never_costs_less(component: str, rate: float, listed: Catalog) -> None:
    once = cost(a_month(rate), component, listed)
    assert once <= cost(a_month(2 * rate), component, listed) <= 2 * once + 200  # free tiers are worth less than that
    assert once <= cost(a_month(rate, history_months=24), component, listed)


def test_history_costs_storage_and_what_builds_read_whole(listed: Catalog, measured: Figures) -> None:
    short, long = (by_component(bill(a_month(1000, months), measured, listed)) for months in (1, 36))
    changed = {name for name in COMPONENTS if short[name] != long[name]}
    builds = {"builds_on_demand", "builds_slots"}
    assert changed == {"storage_logical", "storage_physical", "archive"} | builds
    # 2,628,000,000 spans a month, 2 B of each read by 23 builds a day for 35 months more
    more_bytes = 2.628e9 * 2 * 23 * 35 * 365 / 12
    assert long["builds_on_demand"] - short["builds_on_demand"] == pytest.approx(more_bytes / 2**40 * 6.25)
    dated = BENCH | {"build_history_bytes": {"value": 0, "unit": "B/span", "against": ""}}
    short, long = (by_component(bill(a_month(1000, months), figures(dated), listed, builds)) for months in (1, 36))
    assert short == long


def test_storage_of_36_months_is_90_days_active_and_the_rest_long_term(listed: Catalog, measured: Figures) -> None:
    lines = {line.quantity.price: line for line in bill(a_month(1, 36), measured, listed, ["storage_logical"])}
    held = 2000 * SECONDS_A_MONTH  # bytes that a month adds
    assert lines["bigquery_active_logical"].quantity.amount == pytest.approx(held * 90 / 365 * 12)
    assert lines["bigquery_long_term_logical"].quantity.amount == pytest.approx(held * (36 - 90 / 365 * 12))


def test_builds_go_through_their_date_13_times_and_through_the_days_before_24_times(listed: Catalog) -> None:
    found = rebuilds(listed)
    assert (found.own, found.before, found.after) == (sum(range(1, 24)) / 23 + 1, 23 + 1, 1)


def test_what_a_change_reaches_follows_from_what_each_model_declares() -> None:
    def node(*parents: str, **meta: int) -> dict[str, Any]:
        return {"depends_on": {"nodes": [*parents, "source.x"]}, "config": {"meta": meta}}

    nodes = {"seed.s": {"depends_on": {}, "config": {}}, "a": node("seed.s"), "b": node("a", days_before=1)}
    nodes["c"] = node("b", "a", days_before=3, days_after=1)
    # the 10th changes: b replaces 10 and 11, which has the 10th before it, and reads 9 to 11. c replaces 9, which has
    # the 10th after it, to 14, the third after the 11th, and reads 6 to 15
    days = bench_cost.Days  # replaced before and after, read before and after
    found = {key: bench_cost.days_around({"nodes": nodes}, key) for key in ("a", "b", "c")}
    assert found == {"a": days(0, 0, 0, 0), "b": days(0, 1, 1, 1), "c": days(1, 4, 4, 5)}


def test_break_evens_are_where_both_ways_cost_the_same(listed: Catalog, measured: Figures) -> None:
    at = {each.name: each.value for each in break_evens(measured, listed)}
    # 2,048 GiB / (2,000 B × 2,628,000 s)
    assert at["bigquery_storage_write is free"] == pytest.approx(2048 * 2**30 / (2000 * SECONDS_A_MONTH))
    rate = at["default stream and load jobs cost the same"]
    assert cost(a_month(rate), "default_stream", listed) == pytest.approx(cost(a_month(rate), "load_jobs", listed))
    assert at["logical and physical billing cost the same"] == pytest.approx(0.04 / 0.023)
    expected = BUILT_USD / (BUILT_SECONDS / 3600 * 0.04)
    assert at["on-demand builds and slots cost the same"] == pytest.approx(expected)


def test_ten_million_spans_a_second_need_shards_processes_and_slots(listed: Catalog, measured: Figures) -> None:
    size = scaling.size(1e7, measured, listed)
    assert size.message_bytes_per_second == 1e9
    assert size.topics == 1  # of 4 GB/s
    assert size.write_bytes_per_second == 2e10
    assert size.projects_in_region == 67  # 20 GB/s / 300 MB/s = 66.7
    assert size.projects_in_multi_region == 7  # / 3 GB/s = 6.7
    assert size.processes == 334  # 1e7 / 50,000 / 0.6 = 333.3
    assert size.pull_streams == 334  # 1 GB/s / 10 MB/s = 100, but one a process
    # the day, those before it and a year of history: 144 + 100 + 365 × 2 × 144 / 5000 = 265.024 s a million of a day
    # × 864e9 spans a day = 228,980,736 s, in half of 3,756.5 s: 121,911 slots, in steps of 50
    assert size.reserved_slots == 121_950
    assert size.build_bytes_per_day == pytest.approx(864e9 * (READ + REPLACED + HISTORY))
    assert size.usd_per_month == deployed_usd(a_month(1e7), measured, listed)
    assert size.exceeded[0].limit.key == "storage_write_region"


def test_limits_are_met_in_the_order_of_their_rates(listed: Catalog, measured: Figures) -> None:
    met = scaling.limits_met(1000, measured, listed)
    rates = {each.limit.key: each.at_spans_per_second for each in met}
    assert list(rates.values()) == sorted(rates.values())
    assert rates["storage_write_region"] == pytest.approx(150_000)  # 300 MB/s / 2,000 B
    assert rates["pubsub_publish"] == pytest.approx(40_000_000)  # 4 GB/s / 100 B
    # 10,000 streams/h / (360 batches × 2) = 13.9 processes of 30,000 spans/s
    assert rates["create_write_stream"] == pytest.approx(10_000 / 720 * 30_000)
    assert rates["write_connections_region"] == pytest.approx(500 * 30_000)
    # 2,000 slots × 86,400 / 23 / 2 s / (86,400 × 265.024 / 1e6) s
    assert rates["on_demand_slots"] == pytest.approx(1000 / 23 / 265.024e-6)
    assert all(scaling.size(rate * 1.001, measured, listed).exceeded for rate in rates.values())
    assert not scaling.size(149_999, measured, listed).exceeded


def test_schedules_stay_within_their_limits(listed: Catalog, measured: Figures) -> None:
    for steady in scaling.steady_limits(measured, listed):
        assert steady.needed <= steady.limit.value, steady.limit.key


def test_every_price_says_what_when_where_and_from_whom(document: dict[str, Any], listed: Catalog) -> None:
    for key, price in listed.prices.items():
        assert price.unit in UNITS, key
        assert price.region == "us-central1", key
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", price.as_of), key
        assert price.source.startswith("https://cloud.google.com/"), key
        assert isinstance(document["prices"][key]["confirmed"], bool), key
    for key, limit in listed.limits.items():
        assert limit.value > 0, key
        assert limit.then, key
        assert re.match(r"https://(docs\.)?cloud\.google\.com/", limit.source), key


@pytest.mark.parametrize(
    ("words", "unit"),
    [
        ("_vcpu$", "vCPU-hour"),
        ("_memory$|_disk$", "GiB-hour"),
        ("_slot_", "slot-hour"),
        ("_logical$|_physical$|^gcs_(standard|nearline|coldline|archive)$", "GiB-month"),
        ("pubsub_|on_demand|storage_read", "TiB"),
        ("storage_write|streaming_engine|shuffle|load_job", "GiB"),
    ],
)
def test_a_kind_of_price_has_one_unit(words: str, unit: str, listed: Catalog) -> None:
    assert {price.unit for key, price in listed.prices.items() if re.search(words, key)} == {unit}


def test_older_and_colder_storage_is_never_dearer(listed: Catalog) -> None:
    usd_of = {key: price.usd for key, price in listed.prices.items()}
    classes = [usd_of[f"gcs_{name}"] for name in ("standard", "nearline", "coldline", "archive")]
    assert classes == sorted(classes, reverse=True)
    for billing in ("logical", "physical"):
        assert usd_of[f"bigquery_long_term_{billing}"] < usd_of[f"bigquery_active_{billing}"]


def test_a_price_counts_in_its_unit_above_what_is_free() -> None:
    price = Price("p", "", 40, "TiB", 10 / 1024, "us-central1", "2026-11-28", "", True)
    assert price.cost_usd(2 * 2**40, has_free_tier=False) == 80
    assert price.cost_usd(10 * 2**30) == 0
    assert price.cost_usd(2**40) == pytest.approx(40 - 40 * 10 / 1024)


def test_the_page_names_every_key_that_it_uses(document: dict[str, Any], listed: Catalog, measured: Figures) -> None:
    text = page(BENCH, document)
    for key in BENCH:
        assert f"`{key}`" in text
    for section in ("prices", "limits", "assumptions"):
        for key in document[section]:
            assert f"`{section}.{key}`" in text, key
    assert "Nothing here was run on Google Cloud" in text
    unconfirmed = sum(not each.is_confirmed for each in (*listed.prices.values(), *listed.limits.values()))
    assert text.count("*unconfirmed*") == unconfirmed
    named = set(re.findall(r"`(prices|limits|assumptions)\.([a-z_]+)`", text))
    assert all(key in document[section] for section, key in named)


def test_the_page_is_the_same_for_the_same_inputs_and_shows_the_models_numbers(
    document: dict[str, Any], listed: Catalog, measured: Figures
) -> None:
    text = page(BENCH, document)
    assert text == page(json.loads(json.dumps(BENCH)), document)
    for rate in PAGE_SIZES:
        assert f"**{usd(deployed_usd(a_month(rate), measured, listed))}**" in text
    assert f"| {usd(BUILT_USD)} |" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert tables
    for table in tables:
        assert len({line.count(" | ") for line in table}) == 1, table[0]


def test_a_measured_overhead_of_beam_replaces_the_assumed_one(document: dict[str, Any], listed: Catalog) -> None:
    with_beam = BENCH | {"lake_beam_over_plain": {"value": 2, "unit": "x", "against": ""}}
    twice = by_component(bill(a_million(), figures(with_beam), listed, ["dataflow_batch"]))["dataflow_batch"]
    moved = 2e8 / 2**30 * 0.011
    assert twice - moved == pytest.approx(2 * (cost(a_million(), "dataflow_batch", listed) - moved))
    assert "times `lake_beam_over_plain`, Beam's on one machine, 2, or 1" in page(with_beam, document)


def test_an_overhead_below_nothing_is_noise(listed: Catalog) -> None:
    less = BENCH | {"lake_beam_over_plain": {"value": 0.7, "unit": "x", "against": ""}}
    found = by_component(bill(a_million(), figures(less), listed, ["dataflow_batch"]))["dataflow_batch"]
    assert found == pytest.approx(cost(a_million(), "dataflow_batch", listed))


@pytest.mark.parametrize(
    ("missing", "cure"),
    [
        ("traces_sent_bytes", "make bench"),
        ("worker_bigquery_pending_cpu", "make bench-worker"),
        ("build_bytes", "make demo, then make bench"),
    ],
)
def test_a_missing_figure_is_named_with_its_cure(missing: str, cure: str, document: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"bench.json has no {missing}: measure it with {cure}$"):
        page({key: figure for key, figure in BENCH.items() if key != missing}, document)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"unit": "GB"}, "unknown unit 'GB'; choose one of TiB"),
        ({"usd": "40"}, "'40' is no number"),
        ({"usd": -1}, "must not be below 0"),
        ({"colour": "red"}, "prices.pubsub_throughput"),
    ],
)
def test_a_price_that_cannot_be_used_is_named(change: dict[str, Any], text: str, document: dict[str, Any]) -> None:
    prices = document["prices"]
    wrong = document | {"prices": prices | {"pubsub_throughput": prices["pubsub_throughput"] | change}}
    with pytest.raises(UsageError, match=re.escape(text)):
        catalog(wrong)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "$0.00"), (0.00001, "<$0.0001"), (0.5, "$0.5000"), (3.14159, "$3.14"), (12345.6, "$12,346")]
)
def test_money_keeps_the_digits_that_matter(value: float, text: str) -> None:
    assert usd(value) == text


def test_numbers_keep_three_digits_that_count() -> None:
    assert [number(value) for value in (0, 0.01234, 4.5678, 1_234_567)] == ["0", "0.0123", "4.57", "1,234,567"]


def test_the_command_prints_a_column_for_each_rate(tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(BENCH))
    args = ["--bench", str(tmp_path / "bench.json"), "--spans-per-second", "10", "--spans-per-second", "200000"]
    done = CliRunner().invoke(main, ["cost", *args], catch_exceptions=False)
    assert re.search(r"^USD a month +10 spans/s +200,000 spans/s$", done.output, re.M)
    assert "First limit: storage_write_region, at 150,000 spans/s" in done.output
    # 150,930 spans/s fill the slots: see the limits above
    assert "Exceeded: on_demand_slots, reservation_slots_region, storage_write_region" in done.output


def test_the_commands_json_holds_the_same_sums(tmp_path: Path, listed: Catalog, measured: Figures) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(BENCH))
    args = ["--bench", str(tmp_path / "bench.json"), "--history-months", "6", "--logs-per-span", "1", "--json"]
    answers = json.loads(CliRunner().invoke(main, ["cost", *args], catch_exceptions=False).output)
    assert [answer["spans_per_second"] for answer in answers] == list(SIZES) == list(PAGE_SIZES)
    for answer in answers:
        rows = a_month(answer["spans_per_second"], 6, 1)
        assert answer["deployed_usd_per_month"] == pytest.approx(deployed_usd(rows, measured, listed))
        assert answer["usd_per_month"].keys() == COMPONENTS.keys()


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "there is no"), ("{", "cannot be read"), ("[]", "holds no names"), ("{}", "bench.json has no")],
)
def test_the_command_names_what_is_wrong_with_the_figures(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "bench.json"
    if text is not None:
        file.write_text(text)
    done = CliRunner().invoke(main, ["cost", "--bench", str(file)], catch_exceptions=False)
    assert done.exit_code == 2
    assert re.search(f"{said}.*make bench", done.output)


def test_logical_bytes_are_bigquerys_data_type_sizes() -> None:
    size = bench_cost.logical_bytes
    assert size(pa.array(["ab", None, "ü"])) == (2 + 2) + 0 + (2 + 2)
    assert size(pa.array(["ab", "ab"]).dictionary_encode()) == 8
    assert size(pa.array([1, None])) == 8
    assert size(pa.array([1.5, 2.5])) == 16
    assert size(pa.array([True, False, None])) == 2
    assert size(pa.array([0], pa.timestamp("us", "UTC"))) == 8
    assert size(pa.array([0], pa.date32())) == 8
    assert size(pa.array([b"abc"])) == 5
    assert size(pa.array([[1, 2], [], None])) == 16
    assert size(pa.array([{"a": 1, "b": "x"}, None])) == 8 + 3
    assert size(pa.array([[{"a": 1}, {"a": None}]])) == 8
    assert size(pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string()))) == 3 + 3


def test_the_committed_page_is_that_of_its_figures_and_of_the_prices(repo: Path, document: dict[str, Any]) -> None:
    measured = json.loads((repo / "deploy/cost/measured.json").read_text())

    assert (repo / "deploy/cost/README.md").read_text() == page(measured, document)


def test_a_page_and_its_figures_are_written_together(tmp_path: Path) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(BENCH))
    args = ["--bench", str(tmp_path / "bench.json"), "--page", str(tmp_path / "page")]
    done = CliRunner().invoke(main, ["cost", *args], catch_exceptions=False)

    assert done.output == f"wrote {tmp_path}/page/README.md\n"
    assert json.loads((tmp_path / "page/measured.json").read_text()) == BENCH
    assert "`traces_sent_bytes` | 2,000 |" in (tmp_path / "page/README.md").read_text()
