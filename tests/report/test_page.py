"""The page: what it says, that it stands alone, that nothing in the data can act, and what it says without data."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.report import units
from pipelines.report.facts import Facts
from pipelines.report.page import page, write_page
from pipelines.report.warehouse import read_facts

Change = Callable[..., Path]
MARTS = (
    "fct_latency_hourly",
    "fct_latency_sketch_hourly",
    "fct_page_transitions",
    "fct_sessions",
    "fct_funnel_daily",
    "fct_orders",
    "fct_revenue_daily",
    "fct_reconciliation_daily",
    "fct_dead_letters_daily",
    "fct_excluded_traffic_daily",
    "fct_slo_budget_daily",
    "fct_errors_hourly",
    "fct_service_edges_hourly",
    "fct_log_volume_hourly",
    "fct_metric_rates_hourly",
    "fct_metric_gauges_hourly",
    "fct_metric_histograms_hourly",
    "fct_saturation_hourly",
    "fct_logins_daily",
    "fct_traces",
)


class Words(HTMLParser):
    """The text of each element that has an id or a class, and every tag that was opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture(scope="session")
def html(facts: Facts) -> str:
    """The page, with ordinary spaces between numbers and units."""
    return units.plain(page(facts))


@pytest.fixture(scope="session")
def words(html: str) -> str:
    return Words(html).text()


def test_the_title_names_environment_and_period(html: str) -> None:
    assert "<title>otelmart report: production, 16 – 17 Nov 2026</title>" in html
    assert "<h1>Production, 16 – 17 Nov 2026</h1>" in html


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Requests", "460"),
        ("Error ratio", "13.7 %"),
        ("p95 latency", "1.50 s"),
        ("Sessions", "4"),
        ("Conversion", "60.0 %"),
        ("Unexplained rows", "0"),
    ],
)
def test_the_headline_numbers_stand_at_the_top(html: str, name: str, value: str) -> None:
    assert f"<dt>{name}</dt><dd>{value}</dd>" in html


def test_revenue_has_one_line_a_currency(html: str) -> None:
    found = re.findall(r'<dd class="money">([\d.,]+) <span class="currency">(\w+)</span>', html)
    assert found == [("120.75", "EUR"), ("3,000.00", "JPY")]


def test_the_story_names_the_step_the_route_the_version_and_the_ledger(html: str) -> None:
    story = re.findall(r'<li class="(bad|good)">(.*?)</li>', html)
    assert story == [
        (
            "bad",
            "On 17 Nov only 30.0 % continued to order, against 75.0 % on the other days: "
            "about 45 sessions more than usual stopped there.",
        ),
        (
            "bad",
            "POST /api/orders (order-service) failed 60.0 % of 100 requests on 17 Nov from 10:00 to 11:00 UTC; "
            "usually 1.0 %. Its version 1.1 answered 60.0 % of all requests with 5xx, other versions 0 %.",
        ),
        (
            "good",
            "All 1,800 rows that were sent are accounted for: 0 unexplained. "
            "Rows of 2 unreadable messages are unknown.",
        ),
    ]


def test_every_section_says_unit_grain_environment_and_marts(html: str) -> None:
    sources = re.findall(r'<p class="source">(.*?)</p>', html)
    assert len(sources) == 17
    for source in sources:
        assert "grain: " in source
    shown, everything = (f"environment: {name} · UTC · reads <code>marts." for name in ("production", "all"))
    assert [shown in source for source in sources] == [True] * 14 + [False] * 3
    assert [everything in source for source in sources] == [False] * 14 + [True] * 3


def test_each_figure_has_its_data_as_a_table(html: str) -> None:
    captions = re.findall(r"<summary>Table: (.*?)</summary>", html)
    assert captions == [
        "routes over the whole period (3 rows)",
        "each hour of each route (6 rows)",
        "traces drawn (5 rows)",
        "all routes by hour (4 rows)",
        "objectives (2 rows)",
        "objectives by day (3 rows)",
        "error groups (2 rows)",
        "log records by hour (3 rows)",
        "log records by service (2 rows)",
        "what warnings and errors say (3 rows)",
        "calls between services (2 rows)",
        "utilization by service or host (2 rows)",
        "the fullest of each resource by hour (3 rows)",
        "metrics over the whole period (4 rows)",
        "metrics by service (6 rows)",
        "metrics by hour (14 rows)",
        "logins by day (2 rows)",
        "suspicious logins (1 row)",
        "what was met before a missing step (2 rows)",
        "failed attempts to order by cause (2 rows)",
        "funnel over the whole period (2 rows)",
        "funnel by day (4 rows)",
        "orders and revenue by day (3 rows)",
        "page transitions by position in the session (5 rows)",
        "sessions by day (2 rows)",
        "landing pages (2 rows)",
        "reconciliation by table and event date (4 rows)",
        "dead letters by reason (2 rows)",
        "excluded traffic (2 rows)",
        "environments (2 rows)",
    ]


def test_the_board_says_how_much_of_each_budget_is_spent_and_who_was_paged(html: str) -> None:
    board = re.findall(
        r'<span class="bar-name">(API[^<]*)</span><span class="bar-value">(.*?)</span>.*?<p>(.*?)</p>', html
    )
    assert board == [
        (
            "API availability · shop api",
            "×13.7",
            "budget spent: 86.3 % of 99.0 %, 63 bad events; paged by burn-1h, burn-6h, last 17 Nov 10:55 UTC",
        ),
        ("API latency · api", "40.0 %", "within budget: 98.0 % of 95.0 %, 9 bad events"),
    ]
    assert "1 of 2 objectives have spent their error budget; API availability · shop api most: 86.3 %" in html


def test_of_many_objectives_the_worst_that_can_be_judged_are_drawn(warehouse: Change) -> None:
    more = """insert into marts.fct_slo_budget_daily
        select * exclude (n) replace ('service-' || n as service_name, 'low_traffic' as state)
        from marts.fct_slo_budget_daily, range(30) as services (n)
        where slo_id = 'availability' and event_date = '2026-11-17'"""
    html = units.plain(page(read_facts(warehouse(more))))
    board = re.findall(r'<span class="bar-name">(API[^<]*)</span>', html)
    assert board[:3] == ["API availability · shop api", "API latency · api", "API availability · shop service-0"]
    assert len(board) == 20
    assert "30 cannot be judged. The first 20 are drawn." in html


def test_the_days_of_an_objective_follow_each_other(facts: Facts) -> None:
    days = [(row["slo_id"], row["event_date"].day) for row in facts.at_level("slos", "day")]
    assert days == [("availability", 16), ("availability", 17), ("latency", 17)]


def test_an_objective_of_slices_counts_slices_against_those_of_its_window(warehouse: Change) -> None:
    changed = warehouse("update marts.dim_slos set slice_minutes = 15 where slo_id = 'latency'")
    html = units.plain(page(read_facts(changed)))
    assert "<p>within budget: 9 bad 15-minute slices where the window allows 22, 98.0 % good so far</p>" in html


def test_errors_calls_and_logins_say_what_stands_out(html: str, words: str) -> None:
    assert (
        "NullPointerException in order-service came most: 42 times, to 2 users. TypeError came back in web 8." in words
    )
    assert "<summary>Stack: NullPointerException in order-service</summary>" in html
    assert "at Price.apply(Price.java:88)" in html
    assert "web → order-service failed most often: 63 of 400 calls, 15.8 %." in words
    assert "80.0 % of 100 attempts succeeded. 1 user or address failed suspiciously often." in words


def test_who_is_suspicious_on_two_days_is_one_user(warehouse: Change) -> None:
    more = "insert into marts.fct_login_risks_daily select * replace ({}) from marts.fct_login_risks_daily"
    again, other = more.format("date '2026-11-16' as event_date"), more.format("'b2' as subject")
    assert "1 user or address failed suspiciously often." in Words(page(read_facts(warehouse(again)))).text()
    assert "2 users or addresses failed suspiciously often." in Words(page(read_facts(warehouse(other)))).text()


def test_the_layer_against_the_usual_says_how_far_and_heads_its_highest(html: str) -> None:
    heads = re.findall(r'<span class="layer" data-layer="(\w+)">(whole period|highest)</span>', html)
    assert [name for name, head in heads if head == "highest"] == ["times_usual"]
    # POST /api/orders: p95 of 200, 10, 1500 and 10 ms by hour, so usually 105 ms
    assert "p95 is ×14.3 the route's usual" in html


def test_each_layer_of_the_heat_map_has_a_legend_that_says_how_no_data_looks(html: str) -> None:
    assert html.count('<i class="no-cell"></i>no data</li>') == 6


def test_the_ledger_says_where_messages_could_not_be_read(html: str) -> None:
    row = re.findall(r"<td>\(unknown\)</td><td>17 Nov</td>(.*?)</tr>", html)
    assert re.findall(r">([^<>]+)</td>", row[0]) == ["not counted", *"000000", "2", "(nobody)"]


def test_the_first_step_of_a_funnel_continues_no_step(html: str) -> None:
    row = re.findall(r"<td>order</td><td class=\"n\">1</td>(.*?)</tr>", html)[0]
    assert re.findall(r">([^<>]+)</td>", row) == ["cart", "300", "–", "100 %", "–"]


def test_of_an_error_without_a_known_user_no_users_are_told(warehouse: Change) -> None:
    said = Words(page(read_facts(warehouse("update marts.fct_errors set user_id = null")))).text()
    assert "came most: 42 times. TypeError" in said
    assert "0 users" not in said


def test_long_text_of_a_table_runs_over_lines(html: str) -> None:
    assert '<td class="words">failed POST /api/orders · order-service' in html
    assert html.count('<td class="words">') == 5 + 2 + 3 + 2  # traces, error groups, logs, dead letters


def test_one_request_without_an_error_is_told_as_one(warehouse: Change) -> None:
    only = "hour_time = '2026-11-16 11:00:00+00'"
    one = (
        f"delete from marts.fct_latency_hourly where not {only}",
        f"delete from marts.fct_latency_sketch_hourly where not {only}",
        "update marts.fct_latency_hourly set request_count = 1, error_count = 0",
        "update marts.fct_slo_budget_daily set state = 'low_traffic'",
        "delete from marts.fct_excluded_traffic_daily",
        "delete from marts.fct_page_transitions where step_number > 1",
    )
    said = units.plain(Words(page(read_facts(warehouse(*one)))).text())
    assert "is the slowest: p95 10 ms over 1 request." in said
    assert "p95 was highest on 16 Nov 11:00 UTC: 10 ms. No request failed." in said
    assert "None of 2 objectives has enough events to be judged." in said
    assert "By rule" not in said
    assert "page views are drawn" not in said


def test_the_funnel_says_what_was_met_before_leaving(html: str, facts: Facts) -> None:
    # 5 + 65 of 10 + 90 sessions left; of those that met nothing 45 + 5 of 190 + 10
    met = [(row["cause"], row["entry_count"], row["dropped_count"]) for row in facts.rows("dropoff_causes")]
    assert met == [("backend_error", 100, 70), ("none", 200, 50)]
    assert (
        '<span class="bar-name">order-service 1.1 · /api/&lt;orders&gt;</span><span class="bar-value">70</span>' in html
    )
    assert "a request failed, before order: of 100 sessions 70.0 % left, 25.0 % of those that met nothing" in html


def test_staging_is_counted_as_left_out_and_in_nothing_else(html: str) -> None:
    assert "/only/in/staging" not in html
    assert "only in staging" not in html
    assert "99,999" not in html
    assert '<span class="bar-name">staging</span><span class="bar-value">5 requests</span>' in html


def test_dead_letters_are_explained_in_words(words: str) -> None:
    assert "2 messages and 1 single row could not become rows." in words
    assert "The message is not the protobuf of an OTLP export request." in words


def test_hostile_text_is_escaped_wherever_it_stands(html: str) -> None:
    opened = Words(html).tags
    assert [tag for tag, _ in opened if tag == "img"] == []
    assert [attributes for _, attributes in opened if any(name.startswith("on") for name in attributes)] == []
    assert "&lt;img src=x onerror=window.wasRun=1&gt;" in html
    assert html.count("<script>") == 1  # the page's own; data scripts have a type
    assert "\x1b" not in html


def test_data_scripts_cannot_be_closed_by_data(html: str) -> None:
    for data in re.findall(r'<script type="application/json" class="tips">(.*?)</script>', html, re.DOTALL):
        assert "<" not in data


def test_the_page_names_no_other_resource_and_forbids_all(html: str) -> None:
    tags = Words(html).tags
    named = {value for _, attributes in tags for name, value in attributes.items() if name in ("src", "href") and value}
    assert {value for value in named if not value.startswith("#")} == {"data:,", "https://traces.example/a0"}
    assert "url(" not in html
    (policy,) = [attributes["content"] for _, attributes in tags if "http-equiv" in attributes]
    assert policy is not None
    style, script = "style-src 'unsafe-inline'", r"script-src 'sha256-[\w+/]{43}='"
    assert re.fullmatch(f"default-src 'none'; {style}; {script}; img-src data:; base-uri 'none'", policy)


def test_a_heading_never_skips_a_level(html: str) -> None:
    levels = [int(tag[1]) for tag, _ in Words(html).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("mart", MARTS)
def test_an_empty_mart_gives_a_section_that_says_so(warehouse: Change, mart: str) -> None:
    text = Words(page(read_facts(warehouse(f"delete from marts.{mart}")))).text().lower()
    assert "no data" in text


@pytest.mark.parametrize("mart", MARTS)
def test_a_missing_mart_gives_a_section_with_the_cure(warehouse: Change, mart: str) -> None:
    if mart == "fct_latency_sketch_hourly":
        expected = "This warehouse has no marts.fct_latency_sketch_hourly: run otelmart build."
    else:
        expected = f"marts.{mart}"
    assert expected in Words(page(read_facts(warehouse(f"drop table marts.{mart}")))).text()


def test_a_warehouse_of_empty_marts_gives_a_page_without_a_number(warehouse: Change) -> None:
    marts = (
        *MARTS,
        "fct_funnel_dropoff_causes_daily",
        "fct_slo_burn_alerts",
        "fct_errors",
        "fct_login_failures_daily",
        "fct_login_risks_daily",
    )
    text = Words(page(read_facts(warehouse(*(f"delete from marts.{mart}" for mart in marts))))).text()
    assert "Production, no data" in text
    assert text.count("No data.") == 17


def test_ninety_days_of_sixteen_routes_stay_under_five_megabytes(warehouse: Change, tmp_path: Path) -> None:
    hours = "generate_series(timestamptz '2026-08-01 00:00:00+00', '2026-10-29 23:00:00+00', interval 1 hour) as h (t)"
    many = (
        f"""insert into marts.fct_latency_hourly
        select cast(t as date), t, 'production', 'shop', 'service ' || n, '/api/things/' || n, 'GET', 100 + n, n,
            n, null, null
        from {hours}, range(40) as r (n)""",
        f"""insert into marts.fct_latency_sketch_hourly
        select cast(t as date), t, 'production', 'shop', 'service ' || n, '1', '/api/things/' || n, 'GET', '2xx', n, 1
        from {hours}, range(40) as r (n)""",
    )
    assert write_page(read_facts(warehouse(*many)), tmp_path / "report.html") < 5_000_000


def test_logs_say_how_many_are_errors_whose_and_what_they_say_most(words: str) -> None:
    assert (
        "9.0 % of 100 log records are errors; order-service has the most, 8. Most often: “no answer from <text>”."
    ) in words
    assert "order-service 8 8 errors, 0 warnings" in words
    assert "no answer from <text> ERROR order-service 8 17 Nov 10:00 17 Nov 12:00 a1" in words
    assert "not here" not in words


def test_logs_alone_are_shown_with_a_gap_for_hours_without(warehouse: Change) -> None:
    only_logs = [f"delete from marts.{mart}" for mart in MARTS if mart != "fct_log_volume_hourly"]
    html = units.plain(page(read_facts(warehouse(*only_logs))))
    assert "9.0 % of 100 log records are errors" in html
    assert "17 Nov 11:00 UTC\\nno data" in html


def test_metrics_are_told_by_kind(words: str) -> None:
    assert "1 counter, 2 gauges and 1 histogram from 2 services." in words
    assert "payment.latency rose highest above its usual: ×4 on 17 Nov 10:00 UTC." in words
    assert "page.views counter 1 1,234 " in words
    assert "queue.size gauge {item} 4 " in words  # one point of 10 and three of 2
    assert "payment.latency histogram ms 160 100 " in words  # 16,000 ms in 100 observations
    assert "page.views counter 1 order-service 0 " in words
    assert "99,999" not in words


def test_a_metric_that_says_nothing_in_an_hour_has_no_value_there(html: str) -> None:
    assert "16 Nov 11:00 UTC · queue.size\\nno data" in html
    assert "16 Nov 18:00 UTC · payment.latency\\nno data" in html
    assert "16 Nov 13:00 UTC · temperature\\n0 Cel" in html
    assert "16 Nov 12:00 UTC · temperature\\n-4 Cel" in html


def test_resources_are_told_by_how_full_they_were(words: str, html: str) -> None:
    assert "cpu of web was fullest: 120.0 % in the hour of 16 Nov 11:00 UTC, 60.0 % on the mean." in words
    assert "web · cpu 120.0 % at web-2; 60.0 % on the mean; k8s.pod.cpu_limit_utilization" in words
    assert "node-7 · memory 60.0 % 50.0 % on the mean; system.memory.utilization" in words
    assert "16 Nov 11:00 UTC\\ncpu 120.0 % · memory no data" in html
    assert "only in staging" not in html


def test_metrics_alone_are_shown(warehouse: Change) -> None:
    only_gauges = [f"delete from marts.{mart}" for mart in MARTS if mart != "fct_metric_gauges_hourly"]
    html = units.plain(page(read_facts(warehouse(*only_gauges))))
    assert "2 gauges from 2 services." in html
    assert "No utilization came in" in html
