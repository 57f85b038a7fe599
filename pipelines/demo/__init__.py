"""A seeded shop that sends OTLP as a collector would, and tells the truth about it.

To read it: model.py (facts) ← journeys.py, machines.py, serving.py → emit.py (facts → telemetry) → collector.py (files);
observed.py and tally.py remember facts for truth.py. generate.py is the way in.
"""
