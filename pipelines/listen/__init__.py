"""The receiver: OTLP/HTTP and OTLP/gRPC in, answered when the bytes are on disk, loaded by the same ingest as files.

http.py, rpc.py → intake.py (one commit for all who wait) → inbox.py (files on disk) → keeper.py (ingest, build).
"""
