"""The otelmart command whose dataset somebody changes when all is committed, by the statements of TAMPER (JSON)."""

import json
import os
from collections.abc import Sequence
from typing import Any

from pipelines import backfill
from pipelines.cli import main
from pipelines.dataset import Dataset
from pipelines.filled import Filled

compare = backfill.compare


def tampered(found: Sequence[Filled], dataset: Dataset) -> Any:
    for statement in json.loads(os.environ["TAMPER"]):
        list(dataset.rows(statement))
    return compare(found, dataset)


backfill.compare = tampered

if __name__ == "__main__":
    main()
