"""Multi-window multi-burn-rate alerts of an objective, as exact decimals: a rule fires when both its windows exceed."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

DAY_MINUTES = 1440
# Half of all events bad is always beyond an alert: at a target of 90 % a burn rate of 14.4 would ask for 144 % bad.
MAX_BAD_RATIO = Decimal("0.5")


@dataclass(frozen=True)
class Rule:
    """Fires when `budget_ratio` of the window's error budget would be spent within the long window."""

    alert_name: str
    severity: str
    long_minutes: int
    short_minutes: int
    budget_ratio: Decimal


# SRE workbook, chapter 5, for 30 days: burn rates 14.4, 6, 3 and 1.
RULES = (
    Rule("burn-1h", "page", 60, 5, Decimal("0.02")),
    Rule("burn-6h", "page", 360, 30, Decimal("0.05")),
    Rule("burn-1d", "ticket", 1440, 120, Decimal("0.1")),
    Rule("burn-3d", "ticket", 4320, 360, Decimal("0.1")),
)
LONGEST_MINUTES = max(rule.long_minutes for rule in RULES)


@dataclass(frozen=True)
class Alert:
    """One line of slo_alerts.csv. The thresholds are shares of valid events (or slices) that must be exceeded."""

    slo_id: str
    alert_name: str
    severity: str
    long_window_minutes: int
    short_window_minutes: int
    bad_ratio_threshold: str
    burn_rate_threshold: str


def alerts(slo_id: str, target_ratio: Decimal, window_days: int, slice_minutes: int) -> Iterator[Alert]:
    """Alerts of one objective. No window is shorter than a slice; no burn rate is below 1, which spends as allowed.

    A target of 1 has no budget to burn: any bad event exceeds, and there is no burn rate to show.
    """
    allowed_ratio = 1 - target_ratio
    for rule in RULES:
        burn_rate = max(rule.budget_ratio * window_days * DAY_MINUTES / rule.long_minutes, Decimal(1))
        bad_ratio = min(burn_rate * allowed_ratio, max(MAX_BAD_RATIO, allowed_ratio))
        yield Alert(
            slo_id,
            rule.alert_name,
            rule.severity,
            max(rule.long_minutes, slice_minutes),
            max(rule.short_minutes, slice_minutes),
            _text(bad_ratio),
            _text(bad_ratio / allowed_ratio) if allowed_ratio else "",
        )


def _text(value: Decimal) -> str:
    """Up to 9 decimals, which BigQuery's NUMERIC keeps."""
    return format(round(value, 9).normalize(), "f")
