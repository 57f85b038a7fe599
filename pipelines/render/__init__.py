"""Files generated from schemas/, SLOs and dashboards: what each should hold, which are stale, and writing them."""

from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.tables import SCHEMAS

REPO = SCHEMAS.parent


def files() -> dict[Path, str]:
    """Text of every rendered file, by path. Raises UsageError for a mistake in what they are rendered from."""
    if not (REPO / "dbt" / "dbt_project.yml").is_file():
        raise UsageError(f"no dbt/ beside {SCHEMAS}: run `otelmart render` in a checkout of the project")
    from pipelines.render import conventions, dbt_sources, dictionary, grafana, slos

    return conventions.files() | dbt_sources.files() | dictionary.files() | grafana.files() | slos.files()


def stale(wanted: Mapping[Path, str]) -> dict[Path, str]:
    """Those of the wanted files whose text on disk is another, with the text they should hold."""
    return {path: text for path, text in wanted.items() if not path.exists() or path.read_text() != text}


def write(wanted: Mapping[Path, str]) -> list[Path]:
    """Bring every wanted file up to date; the paths that changed."""
    changed = stale(wanted)
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return sorted(changed)
