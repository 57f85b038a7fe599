"""What the shop sends, item by item, and what was sent, counted on the way out for the truth file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from pipelines.demo.catalog import NS_PER_SECOND
from pipelines.demo.model import Actor, Fact, Request
from pipelines.demo.otlp import ERROR, SAMPLED, UNSET, Attributes, Event, Item, Log, Scope, Source, Span
from pipelines.demo.shop import utc_date
from pipelines.demo.sources import browser_source, of_request, pod_source

KINDS = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
STATUSES = ("UNSET", "OK", "ERROR")
EXPORT_DELAY_NS = 2 * NS_PER_SECOND


@dataclass(slots=True)
class Outbox:
    """Spans and log records on their way, by the collector they go to, with counts of what was put in."""

    rng: Random
    spans: dict[str, list[Item]] = field(default_factory=lambda: {"backend": [], "browser": []})
    logs: dict[str, list[Item]] = field(default_factory=lambda: {"backend": [], "browser": []})
    span_counts: Counter[tuple[str, ...]] = field(default_factory=Counter)  # environment, service, kind, status, date
    log_counts: Counter[tuple[str, ...]] = field(default_factory=Counter)  # environment, service, severity text, date
    oddities: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Emitter:
    """Sends spans and log records of one resource about one fact.

    `trace_id` is the fact's key unless given. `is_kept` False: the service's head sampler dropped the trace, so spans
    go nowhere (log records still do). `skew_ns` is how far its clock is ahead.
    """

    out: Outbox
    fact: Fact
    source: Source
    service: str
    stream: str = "backend"
    trace_id: bytes = b""
    is_kept: bool = True
    trace_state: str = ""
    skew_ns: int = 0

    def __post_init__(self) -> None:
        self.trace_id = self.trace_id or self.fact.key

    def span(
        self,
        scope: Scope,
        name: str,
        kind: int,
        start_ns: int,
        end_ns: int,
        attributes: Attributes,
        parent: bytes = b"",
        status: int = UNSET,
        message: str = "",
        events: tuple[Event, ...] = (),
        flags: int = SAMPLED,
        link: bytes = b"",
    ) -> bytes:
        """Send one span; its id. `end_ns` 0 is sent as it is."""
        span_id = self.out.rng.randbytes(8)
        if self.is_kept:
            skew = self.skew_ns
            span = Span(
                self.trace_id, span_id, parent, name, kind, start_ns + skew, end_ns + skew if end_ns else 0, attributes,
                status, message, events, self.trace_state, flags, link,
            )  # fmt: skip
            self.out.spans[self.stream].append(Item((end_ns or start_ns) + EXPORT_DELAY_NS, self.source, scope, span))
            day = utc_date(start_ns + skew)
            self.out.span_counts[self.fact.actor.environment, self.service, KINDS[kind], STATUSES[status], day] += 1
        return span_id

    def log(
        self,
        scope: Scope,
        time_ns: int,
        severity: tuple[int, str],
        body: str,
        attributes: Attributes,
        span_id: bytes = b"",
        event_name: str = "",
    ) -> None:
        """Send one log record; with `span_id` it belongs to the fact's trace."""
        time_ns += self.skew_ns
        log = Log(
            time_ns, time_ns + 90_000, severity[0], severity[1], body, attributes,
            self.trace_id if span_id else b"", span_id, event_name,
        )  # fmt: skip
        self.out.logs[self.stream].append(Item(time_ns - self.skew_ns + EXPORT_DELAY_NS, self.source, scope, log))
        day = utc_date(time_ns)
        self.out.log_counts[self.fact.actor.environment, self.service, severity[1], day] += 1


def status_of(is_error: bool) -> int:
    """ERROR, or UNSET when nothing went wrong."""
    return ERROR if is_error else UNSET


def of_server(out: Outbox, fact: Fact, request: Request) -> Emitter:
    """Emitter of the pod that served a request; user-service keeps a quarter of its traces and says so."""
    source = of_request(fact.actor.environment, request)
    if request.service != "user-service":
        return Emitter(out, fact, source, request.service)
    return Emitter(out, fact, source, request.service, is_kept=is_sampled(fact), trace_state="ot=th:c")


def of_pod(out: Outbox, fact: Fact, service: str, version: str, trace_id: bytes) -> Emitter:
    """Emitter of a service's only pod, in a trace of its own."""
    return Emitter(out, fact, pod_source(fact.actor.environment, service, version, 0), service, trace_id=trace_id)


def of_browser(out: Outbox, fact: Fact) -> Emitter:
    """Emitter of the visitor's browser, with the browser's own clock."""
    actor: Actor = fact.actor
    source = browser_source(actor.environment, actor.browser, actor.app_version)
    return Emitter(out, fact, source, "frontend-app", "browser", skew_ns=actor.clock_skew_ns)


def is_sampled(fact: Fact) -> bool:
    """Whether a 25 % consistent sampler (ot=th:c) keeps the trace: its low 56 random bits reach 0xc0 << 48."""
    return fact.key[9] >= 0xC0
