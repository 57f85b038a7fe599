"""A seeded shop that sends OTLP as a collector would, and tells the truth about it.

To read it: journeys.py, machines.py and serving.py make facts (model.py); emit.py turns them into telemetry and
collector.py into files; observed.py and tally.py remember them for truth.py. generate.py is the way in.
"""
