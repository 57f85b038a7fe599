"""What is generated from schemas/ is up to date and says what the schemas say."""

import json
from pathlib import Path

import pytest

from pipelines import render, tables
from pipelines.cli import VERBS
from pipelines.cli.render import help_page, wanted
from pipelines.cli.render import render as render_verb
from pipelines.errors import RunError
from pipelines.render import dictionary


def test_every_rendered_file_is_up_to_date() -> None:
    stale = sorted(str(path.relative_to(render.REPO)) for path in render.stale(wanted()))
    assert not stale, f"stale: {', '.join(stale)}: run `make fix` and commit the result"


def test_every_rendered_file_says_that_it_is_not_to_be_edited_or_is_a_table() -> None:
    unmarked = [path for path, text in wanted().items() if "do not edit" not in text and path.suffix != ".csv"]
    assert unmarked == []


@pytest.mark.parametrize(
    "line",
    [
        "| `start_time` | `TIMESTAMP NOT NULL` | Start, UTC, truncated to µs (OTLP Span.start_time_unix_nano). |  |  |",
        "| `user_id` | `STRING` | User, pseudonymised by default. | `user.id`, `enduser.id`, `payment.user_id` "
        "| `pseudonymise` |",
        "| `http_target` | `STRING` | Path and query of the request, query redacted. "
        "| `url.path + url.query`, `http.target` | `redact_url`, `redact_text` |",
        "| `events.timestamp` | `TIMESTAMP` | Event time, UTC, µs; NULL for 0 (OTLP Event.time_unix_nano). |  |  |",
        "| `body` | `STRING` | Body as text, redacted; compact JSON when structured; "
        "NULL when unset (OTLP LogRecord.body). |  | `redact_text` |",
        "Partitioned by day of `start_time` (filter required), clustered by `service_name`, `name`.",
    ],
)
def test_the_dictionary_gives_type_meaning_origin_and_privacy(line: str) -> None:
    assert line in dictionary.files()[dictionary.DICTIONARY].splitlines()


def test_every_promoted_column_describes_the_attributes_that_fill_it() -> None:
    undescribed = []
    for entry in json.loads((tables.SCHEMAS / "promoted_attributes.json").read_text())["columns"]:
        names = [" + ".join(a["of"]) if isinstance(a, dict) else a for a in entry["attributes"]]
        for table in entry["tables"]:
            meaning = {f["name"]: f["description"] for f in tables.table(table)["schema"]["fields"]}[entry["column"]]
            undescribed += [(table, entry["column"], name) for name in names if name not in meaning]
    assert undescribed == []


def test_a_rendered_file_that_was_edited_is_named_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = tmp_path / "DICTIONARY.md"
    rendered.write_text("edited by hand\n")
    as_wanted = {rendered: "as rendered\n"}
    assert render.stale(as_wanted) == as_wanted
    assert render.write(as_wanted) == [rendered]
    assert rendered.read_text() == "as rendered\n"
    assert render.write(as_wanted) == []


def test_the_check_names_stale_files_and_the_cure_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dictionary.DICTIONARY.read_text()
    monkeypatch.setattr(render, "files", lambda: {dictionary.DICTIONARY: "as rendered\n"})
    with pytest.raises(RunError, match=r"^stale: schemas/DICTIONARY.md: run `make fix`"):
        render_verb.main(["--check"], standalone_mode=False)
    assert dictionary.DICTIONARY.read_text() == before


def test_the_help_of_every_verb_is_rendered_whole() -> None:
    page = help_page()
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(VERBS)
    assert page.count("Usage: otelmart ") == len(VERBS)
    assert page.count("Example: otelmart ") >= len(VERBS)
