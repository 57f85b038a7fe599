"""Invited friends whom email-service registered: it is old and tells of them by its counter alone."""

from __future__ import annotations

from random import Random

from pipelines.demo.catalog import HOURLY_TRAFFIC, NS_PER_DAY
from pipelines.demo.shop import HOUR_NS, Shop
from pipelines.demo.tally import Pod, Series, Tally, export_time_ns, interval_of

POD = Pod("production", "email-service", "2.0.3", 0)
REGISTRATIONS = Series(POD, "user_registration_total", (("method", "invite"),))


def invitations(shop: Shop) -> Tally:
    """Registrations by export interval, more in hours of more traffic; no span and no log tells of them."""
    rng, counted = Random(f"{shop.seed}/invitations"), Tally()
    for interval in range(interval_of(shop, "production", shop.end_ns)):
        hour = export_time_ns(shop, "production", interval) % NS_PER_DAY // HOUR_NS
        if rng.random() < HOURLY_TRAFFIC[hour] / 100:
            counted.counts[REGISTRATIONS][interval] += rng.randint(1, 3)
    return counted
