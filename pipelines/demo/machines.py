"""Who comes by without being a person: probes, the synthetic monitor, a crawler, an attacker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from pipelines.demo.catalog import CRAWLER, MONITOR, NS_PER_DAY, NS_PER_SECOND, PROBE, PRODUCT_COUNT, SCRIPT, SERVICES
from pipelines.demo.model import Actor, Environment, Fact
from pipelines.demo.people import accounts
from pipelines.demo.serving import Serving
from pipelines.demo.shop import HOUR_NS, Shop
from pipelines.demo.timing import clear_of_midnight, moment

MINUTE_NS = 60 * NS_PER_SECOND


def machine_facts(shop: Shop, environment: Environment, day: int, serving: Serving, rng: Random) -> Iterator[Fact]:
    """Probes of every pod; in production also the synthetic monitor, a crawler and, on day one, a login attack."""
    midnight_ns = shop.day_start_ns(day)
    machine = Actor(
        environment=environment,
        kind="synthetic",
        browser=PROBE,
        client_address="10.4.0.1",
        currency="EUR",
        has_telemetry=False,
    )
    production = environment == "production"
    every_ns = (2 if production else 10) * MINUTE_NS
    for service, described in SERVICES.items():
        for pod in range(described.pods if production else 1):
            for at_ns in range(midnight_ns + 17 * NS_PER_SECOND, midnight_ns + NS_PER_DAY, every_ns):
                yield serving.health_check(at_ns + rng.randrange(NS_PER_SECOND), machine, service, pod)
    if not production:
        return
    monitor = replace(machine, browser=MONITOR, client_address="198.51.100.7")
    for at_ns in range(midnight_ns + 40 * NS_PER_SECOND, midnight_ns + NS_PER_DAY - MINUTE_NS, 5 * MINUTE_NS):
        yield serving.page_view(at_ns, monitor, "home", None, True, False)
    crawler = replace(machine, kind="bot", browser=CRAWLER, client_address="66.249.66.1")
    for _ in range(max(6, shop.users // 8)):
        at_ns = clear_of_midnight(moment(rng, midnight_ns))
        yield serving.page_view(at_ns, crawler, "product_detail", f"p-{rng.randrange(PRODUCT_COUNT):03d}", True, False)
    if day == 0:
        attacker = replace(machine, kind="attacker", browser=SCRIPT, client_address="192.0.2.66")
        victim = accounts(shop, environment)[0].user_name
        for attempt in range(60):
            at_ns = midnight_ns + 3 * HOUR_NS + 10 * MINUTE_NS + attempt * 4 * NS_PER_SECOND
            yield serving.login(at_ns, attacker, victim, "invalid_credentials" if attempt < 10 else "account_locked")
