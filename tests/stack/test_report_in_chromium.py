"""The page in a real browser: silent, alone, readable without script, by keyboard, on a phone, dark, on paper."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pipelines.report.page import write_page
from pipelines.report.warehouse import read_facts

pytestmark = pytest.mark.stack
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
OPEN_WITHIN_SECONDS = 1.5
WIDE = (
    """insert into marts.fct_funnel_daily select event_date - cast(n as int), * exclude (event_date, n)
    from marts.fct_funnel_daily, range(1, 8) as days (n) where event_date = '2026-11-16'""",
    "update marts.fct_latency_hourly set operation = repeat('r', 200), service_name = repeat('s', 200)",
    "update marts.fct_latency_sketch_hourly set operation = repeat('r', 200), service_name = repeat('s', 200)",
    "update marts.fct_page_transitions set from_page_name = repeat('p', 200) where from_page_name = 'home'",
    "update marts.fct_metric_histograms_hourly set metric_name = repeat('h', 200), service_name = repeat('s', 200)",
    "update marts.fct_saturation_hourly set service_name = repeat('s', 200), k8s_pod_name = repeat('k', 200)",
    "update marts.dim_error_groups set exception_type = repeat('e', 200), message_template = repeat('m', 400)",
)
# Cells of a table whose text runs over more than one line.
BROKEN_CELLS = """() => [...document.querySelectorAll(".by-day td span, .by-day thead th:not(:first-child)")]
  .filter((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell.firstChild);
    return range.getClientRects().length > 1;
  })
  .map((cell) => cell.textContent)"""
# Relative luminance and contrast as WCAG 2 defines them, for every element that holds text of its own.
POOR_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === 3);
    const words = texts.map((node) => node.data).join("").trim();
    if (!words || !element.checkVisibility() || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const pair = [luminance(rgba(style.color)), luminance(background(element))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    const needed = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (contrast < needed) poor.push(`${words.slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> str:
    """The page of the literal warehouse, as a file address."""
    return _address(tmp_path_factory.mktemp("report"), repo)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> str:
    """The same, with a funnel of nine days, and names of 200 letters without a space."""
    return _address(tmp_path_factory.mktemp("wide"), repo, *WIDE)


def _address(folder: Path, repo: Path, *changes: str) -> str:
    import duckdb

    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        for statements in ((repo / "tests" / "report" / "warehouse.sql").read_text(), *changes):
            connection.execute(statements)
    write_page(read_facts(folder / "warehouse.duckdb"), folder / "report.html")
    return (folder / "report.html").as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with browser.new_context(viewport=DESKTOP, color_scheme="light") as context:
        page = context.new_page()
        page.goto(address)
        yield page


def test_the_page_opens_quickly_says_nothing_on_the_console_and_asks_nobody(browser: Browser, address: str) -> None:
    with browser.new_context(viewport=DESKTOP) as context:
        page, heard, asked = context.new_page(), [], []
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        started = perf_counter()
        page.goto(address)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert perf_counter() - started < OPEN_WITHIN_SECONDS
        assert heard == []
        assert [url for url in asked if not url.startswith("data:")] == [address]


def test_hostile_text_stays_text(page: Page) -> None:
    assert page.evaluate("window.wasRun") is None
    assert page.get_by_text("GET /<img src=x onerror=window.wasRun=1>").count() > 0


def test_the_page_refuses_to_reach_the_network(page: Page) -> None:
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        assert page.evaluate("fetch('https://example.com').then(() => 'reached', () => 'refused')") == "refused"


def test_radio_buttons_choose_what_the_heat_map_shows(page: Page) -> None:
    layer = page.locator(".heat-row").first.locator("g[data-layer=error_ratio]")
    assert layer.evaluate("element => getComputedStyle(element).display") == "none"
    page.get_by_label("error ratio", exact=True).check()
    assert layer.evaluate("element => getComputedStyle(element).display") != "none"
    assert (
        page.locator(".heat-row")
        .first.locator("g[data-layer=p95_ms]")
        .evaluate("element => getComputedStyle(element).display")
        == "none"
    )


def test_a_list_chooses_the_route_of_the_time_panels(page: Page) -> None:
    page.get_by_role("combobox", name="Route", exact=True).select_option(index=1)
    shown = page.locator("#time-panels > div:not([hidden])")
    assert shown.count() == 1
    assert "POST /api/orders" in (shown.locator(".readable").get_attribute("aria-label") or "")


def test_the_pointer_reads_a_cell(page: Page) -> None:
    page.locator(".heat-cells").first.hover(position={"x": 2, "y": 2})
    assert page.locator(".tip").is_visible()
    assert "p95" in page.locator(".tip").inner_text()


def test_the_keyboard_reads_cells_aloud(page: Page) -> None:
    page.locator("#heat .readable").focus()
    page.keyboard.press("ArrowRight")
    first = page.locator("#spoken").inner_text()
    page.keyboard.press("ArrowRight")
    second = page.locator("#spoken").inner_text()
    assert "POST /api/orders" in first
    assert first != second
    page.keyboard.press("Escape")
    assert page.locator(".tip").is_hidden()


def test_a_cell_leads_to_its_trace_by_keyboard_and_the_trace_unfolds(page: Page) -> None:
    trace = page.locator("#trace-f0")
    assert trace.is_hidden()
    page.locator("#heat a[href='#trace-f0']").focus()
    page.keyboard.press("Enter")
    assert trace.is_visible()
    assert page.evaluate("document.activeElement.id") == "trace-f0"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#traces') !== null")


def test_arrow_keys_and_enter_lead_from_a_cell_to_its_trace(page: Page) -> None:
    page.locator("#heat .readable").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#trace-f0"
    assert page.locator("#trace-f0").is_visible()


def test_a_click_on_any_other_cell_leads_to_the_traces_of_its_route(page: Page) -> None:
    cells = page.locator("#heat .heat-cells").first
    box = cells.bounding_box()
    assert box is not None
    cells.click(position={"x": box["width"] * 0.9, "y": box["height"] / 2})
    assert page.evaluate("location.hash") == "#traces-0"


def test_the_keyboard_walks_the_paths_of_the_sankey(page: Page) -> None:
    page.locator("#journeys .readable").focus()
    page.keyboard.press("ArrowRight")
    assert "→" in page.locator("#spoken").inner_text()


def test_the_bar_follows_the_section_being_read(page: Page) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    page.locator("#ledger").evaluate("(section) => section.scrollIntoView()")
    link = page.locator('.bar a[aria-current="true"]')
    page.wait_for_function("""() => document.querySelector('.bar a[aria-current="true"]')?.hash === "#ledger" """)
    bar, box = page.locator(".bar ul").bounding_box(), link.bounding_box()
    assert bar
    assert box
    assert bar["x"] <= box["x"]
    assert box["x"] + box["width"] <= bar["x"] + bar["width"]


def test_the_theme_button_turns_the_page_dark_and_back(page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Light / dark").click()
    assert page.evaluate(background) != light
    page.get_by_role("button", name="Light / dark").click()
    assert page.evaluate(background) == light


def test_without_script_figures_and_tables_are_all_there(browser: Browser, address: str) -> None:
    with browser.new_context(viewport=DESKTOP, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        table = page.get_by_role("region", name="Table: routes over the whole period")
        assert table.is_hidden()
        page.get_by_text("Table: routes over the whole period").click()
        assert table.is_visible()
        assert "POST /api/orders" in table.inner_text()
        assert page.locator(".heat-cells svg").first.is_visible()
        assert page.locator(".script-only:visible").count() == 0
        page.get_by_label("requests", exact=True).check()
        assert page.locator(".heat-row").first.locator("g[data-layer=request_count]").is_visible()
        page.locator("#heat a[href='#trace-f0']").focus()
        page.keyboard.press("Enter")
        assert page.locator("#trace-f0").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_wcag_aa(browser: Browser, address: str, scheme: str) -> None:
    with browser.new_context(viewport=DESKTOP, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        assert page.evaluate(POOR_CONTRAST) == []
        page.evaluate("document.querySelector('h1').style.cssText = 'color: #808080; background: #909090'")
        assert [text.split(",")[0] for text in page.evaluate(POOR_CONTRAST)] == ["Production"]


def test_every_control_figure_and_section_has_a_name(page: Page) -> None:
    nameless = """() => [...document.querySelectorAll("a, button, select, input, section, nav, [tabindex]")]
        .filter((e) => !(e.ariaLabel || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.labels?.length))
        .map((e) => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(nameless) == []
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.get_by_role("heading", level=1).count() == 1
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("name", "viewport", "scheme", "media"),
    [
        ("desktop-light", DESKTOP, "light", "screen"),
        ("desktop-dark", DESKTOP, "dark", "screen"),
        ("phone", PHONE, "light", "screen"),
        ("print", {"width": 690, "height": 1000}, "dark", "print"),
    ],
)
def test_nothing_sticks_out_sideways(
    browser: Browser, address: str, tmp_path: Path, name: str, viewport: dict[str, int], scheme: str, media: str
) -> None:
    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:
        page = context.new_page()
        page.emulate_media(media=media)
        page.goto(address)
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        if name == "phone":
            assert page.locator(".map-lines").is_hidden()
            assert page.locator(".map-box").first.is_visible()
        if media == "print":
            assert page.locator(".trace[open] .waterfall").count() > 0
            assert page.locator(".trace[open] .waterfall").first.is_visible()
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            assert page.get_by_role("navigation").is_hidden()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_each_ratio_of_the_funnels_days_stands_on_one_line(
    browser: Browser, wide: str, viewport: dict[str, int]
) -> None:
    with browser.new_context(viewport=viewport) as context:
        page = context.new_page()
        page.goto(wide)
        assert page.locator(".by-day").first.locator("thead th").count() == 8
        assert page.evaluate(BROKEN_CELLS) == []
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_names_without_spaces_stay_on_the_page(browser: Browser, wide: str, viewport: dict[str, int]) -> None:
    with browser.new_context(viewport=viewport) as context:
        page = context.new_page()
        page.goto(wide)
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


def test_day_names_do_not_run_together_on_a_phone(browser: Browser, tmp_path: Path, repo: Path) -> None:
    days = """insert into marts.fct_latency_hourly
        select event_date - cast(n as int), hour_time - to_days(cast(n as int)), * exclude (event_date, hour_time, n)
        from marts.fct_latency_hourly, range(1, 21) as days (n)"""
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        page.goto(_address(tmp_path, repo, days))
        names = page.locator("#heat .x-axis span:visible")
        boxes = [box for name in names.all() if (box := name.bounding_box())]
        ends = [box["x"] + box["width"] for box in boxes]
        assert len(boxes) >= 3
        assert all(end <= box["x"] for end, box in zip(ends, boxes[1:], strict=False))
        assert ends[-1] <= PHONE["width"]


@pytest.mark.parametrize("figure", ["heat", "journeys"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_what_a_figure_says_stays_in_its_box(
    browser: Browser, wide: str, viewport: dict[str, int], figure: str
) -> None:
    with browser.new_context(viewport=viewport) as context:
        page = context.new_page()
        page.goto(wide)
        page.locator(f"#{figure} .readable").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator(".tip").evaluate("tip => tip.scrollWidth - tip.clientWidth") == 0


def test_on_paper_sentences_stay_whole_and_no_mark_leads_to_what_is_not_there(page: Page) -> None:
    page.emulate_media(media="print")
    style = "(element, name) => getComputedStyle(element)[name]"
    assert {line.evaluate(style, "breakInside") for line in page.locator(".takeaway, .story li").all()} == {"avoid"}
    assert page.locator(".traces").evaluate(style, "breakInside") == "auto"
    assert page.locator(".heat-cells a:visible").count() == 0


def test_a_large_map_on_paper_is_a_list_of_boxes_and_ends_before_the_next_section(
    browser: Browser, tmp_path: Path, repo: Path
) -> None:
    calls = """insert into marts.fct_service_edges_hourly
        select * exclude (n) replace ('service-' || n as caller_name, 'service-' || (n * 7 % 60) as callee_name)
        from marts.fct_service_edges_hourly, range(1, 60) as numbers (n)
        where deployment_environment = 'production'"""
    with browser.new_context(viewport={"width": 690, "height": 1000}) as context:
        page = context.new_page()
        page.emulate_media(media="print")
        page.goto(_address(tmp_path, repo, calls))
        assert page.locator(".map-lines").is_hidden()
        ends = "element => element.getBoundingClientRect().bottom"
        box_ends = [box.evaluate(ends) for box in page.locator(".map-box").all()]
        assert max(box_ends) < page.locator("#services").evaluate(ends)
        assert page.locator(".map-box li").evaluate_all("calls => calls.every((e) => e.scrollWidth <= e.clientWidth)")
