"""Files that verbs read beside the code: a checkout has them at its top, a wheel has copies of them in this folder."""

from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent


def shipped(name: str) -> Path:
    """Where a file or folder of the repository is, by its path there: `dbt`, `deploy/cost`."""
    copied = HERE / name
    return copied if copied.exists() else CHECKOUT / name
