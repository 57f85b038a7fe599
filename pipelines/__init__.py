"""otelmart: OTLP in, a loss-accounted lake or BigQuery dataset out. Read graph.py first."""
