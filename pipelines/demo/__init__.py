"""A seeded shop that sends OTLP as a collector would, and tells the truth about it."""
