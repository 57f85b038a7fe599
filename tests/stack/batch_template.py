"""The batch template's graph on Beam's local runner, with a key in a file: `batch_template.py SOURCE SINK`.

Prints the job's counters as JSON.
"""

import json
import sys
from datetime import date

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.backfill import Filling, add_graph
from pipelines.fill import Job, known_since
from pipelines.sources import gcs
from pipelines.sources.compression import Limits

if __name__ == "__main__":
    source, sink = sys.argv[1:]
    place = gcs.bucket(source.removeprefix("gs:"))
    job = Job(place, sink, "file:privacy.key", Limits(), known_since(date.min), is_compared=True)
    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"], save_main_session=False))
    add_graph(pipeline, Filling(source, date.min, date.max, job))
    result = pipeline.run()
    result.wait_until_finish()
    counters = result.metrics().query()["counters"]
    print(json.dumps({each.key.metric.name: each.result for each in counters}))
