"""What the pipeline costs on Google Cloud, computed: measured figures × list prices × a traffic size.

Pure: figures come from .otelmart/bench.json, prices, limits and assumptions from deploy/cost/prices.yaml. Read
`quantities`, what is used, then `bill`, what that costs; `page` renders deploy/cost/README.md.
"""
