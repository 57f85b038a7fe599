"""One day of the shop: every fact of everyone who comes by, in the order in which visits begin.

Pauses of one person are shorter than 26 minutes or longer than 40 (another visit, or coming back to an open tab), so
that the 30-minute rule has one answer whichever clock of a fact is read. For the same reason nothing happens within
seconds of midnight.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random

from pipelines.demo.catalog import (
    BROWSERS,
    CURRENCIES,
    NS_PER_DAY,
    NS_PER_SECOND,
    PAYMENT_METHODS,
    PRODUCT_COUNT,
)
from pipelines.demo.machines import machine_facts
from pipelines.demo.model import ENVIRONMENTS, Actor, Environment, Fact
from pipelines.demo.people import Account, accounts, anonymous
from pipelines.demo.serving import Serving
from pipelines.demo.shop import HOUR_NS, Shop
from pipelines.demo.timing import clear_of_midnight, moment

MINUTE_NS = 60 * NS_PER_SECOND
LONGEST_VISIT_NS = 75 * MINUTE_NS
BETWEEN_VISITS_NS = 45 * MINUTE_NS
PRICES_EUR = [Decimal(Random(p).randrange(590, 19_990)) / 100 for p in range(PRODUCT_COUNT)]

Next = Generator[Fact, None, str | None]  # facts, then the page that follows; None leaves

# page -> what comes next, with its relative weight; None leaves
NEXT: dict[str, tuple[tuple[str | None, int], ...]] = {
    "home": (("category", 33), ("search", 20), ("product_detail", 22), ("account", 4), ("cart", 3), (None, 18)),
    "category": (("product_detail", 62), ("category", 12), ("search", 8), (None, 18)),
    "search": (("product_detail", 62), ("search", 14), (None, 24)),
    "product_detail": (("product_detail", 26), ("category", 24), ("home", 6), (None, 30)),
    "added": (("cart", 62), ("product_detail", 23), ("category", 15)),
    "cart": (("checkout", 66), ("product_detail", 18), (None, 16)),
    "order_confirmation": (("home", 18), ("account", 10), (None, 72)),
    "account": (("home", 30), ("category", 25), (None, 45)),
}
LANDING = (("home", 44), ("product_detail", 32), ("category", 14), ("search", 10))


def facts_of_day(shop: Shop, day: int) -> Iterator[Fact]:
    """Facts of every visit, probe and script that begins on day `day`; none after the shop's last minute."""
    latest_ns = shop.end_ns - MINUTE_NS
    for environment in ENVIRONMENTS:
        rng = Random(f"{shop.seed}/{environment}/{day}")
        serving = Serving(shop, environment, rng, f"{'o' if environment == 'production' else 's'}{day}")
        visitors = _visits(shop, environment, day, rng)
        for start_ns, actor, account in visitors:
            yield from (f for f in Visit(serving, rng, actor, account).facts(start_ns) if f.time_ns < latest_ns)
        yield from (f for f in machine_facts(shop, environment, day, serving, rng) if f.time_ns < latest_ns)


class Visit:
    """One visit: where it goes, what lands in the cart, whether the visitor becomes known."""

    def __init__(self, serving: Serving, rng: Random, actor: Actor, account: Account | None) -> None:
        self.serving, self.rng, self.actor, self.account = serving, rng, actor, account
        self.cart: list[int] = []
        self.now_ns = 0
        self.may_linger = True
        self.comes_back = rng.random() < 0.04 and actor.session_id is not None

    def facts(self, start_ns: int) -> Iterator[Fact]:
        """Page views and actions until the visitor leaves or 75 minutes are over."""
        self.now_ns, limit_ns = start_ns, start_ns + LONGEST_VISIT_NS
        page: str | None = self._choose(LANDING)
        is_landing = True
        while page and self.now_ns < limit_ns - 24 * MINUTE_NS:
            product = self.rng.randrange(PRODUCT_COUNT) if page == "product_detail" else None
            is_in_app = not is_landing and self.actor.has_telemetry and self.rng.random() < 0.12
            yield self.serving.page_view(
                self.now_ns, self.actor, page, None if product is None else f"p-{product:03d}", is_landing, is_in_app
            )
            is_landing = False
            self._think()
            if product is not None and self.rng.random() < 0.34:
                self.cart.append(product)
                yield self.serving.cart_add(self.now_ns, self.actor, f"p-{product:03d}")
                self._think(6)
                page = self._choose(NEXT["added"])
            elif page == "checkout":
                page = yield from self._check_out()
            elif page == "account" and not self.actor.user_id:
                page = yield from self._log_in("account")
            else:
                page = self._choose(NEXT[page])
            if self.comes_back and self.rng.random() < 0.3 and start_ns % NS_PER_DAY < 20 * HOUR_NS:
                self.now_ns, limit_ns, self.comes_back = self.now_ns + 50 * MINUTE_NS, limit_ns + 50 * MINUTE_NS, False

    def _check_out(self) -> Next:
        if not self.actor.user_id:
            return (yield from self._become_known())
        if not self.cart:
            self.cart.append(self.rng.randrange(PRODUCT_COUNT))
        for _ in range(2):
            if self.rng.random() < 0.2:
                return None
            attempt = self.serving.order(self.now_ns, self.actor, len(self.cart), self._total(), self._method())
            yield attempt
            self._think(10)
            if attempt.outcome == "success":
                self.cart = []
                return "order_confirmation"
        return None

    def _become_known(self) -> Next:
        if self.account:
            return (yield from self._log_in("checkout"))
        if self.rng.random() < 0.35:
            return None
        account = anonymous(self.rng)
        self.actor = replace(self.actor, user_id=account.user_id, user_name=account.user_name, email=account.email)
        yield self.serving.registration(self.now_ns, self.actor)
        self._think(8)
        return "checkout"

    def _log_in(self, page: str) -> Next:
        account = self.account or anonymous(self.rng)
        for _ in range(3):
            reason = None if self.account and self.rng.random() < 0.86 else "invalid_credentials"
            known = replace(self.actor, user_id=account.user_id, user_name=account.user_name, email=account.email)
            login = self.serving.login(self.now_ns, known if reason is None else self.actor, account.user_name, reason)
            if login.status == "error":
                login = replace(login, actor=self.actor)
            yield login
            self._think(9)
            if login.status == "success":
                self.actor = known
                return page
        return None

    def _total(self) -> Decimal:
        _, decimals, rate = next(c for c in CURRENCIES if c[0] == self.actor.currency)
        euros = sum((PRICES_EUR[p] for p in self.cart), Decimal(0))
        return (euros * Decimal(str(rate))).quantize(Decimal(1).scaleb(-decimals))

    def _method(self) -> str:
        return self.rng.choices([m for m, _ in PAYMENT_METHODS], [w for _, w in PAYMENT_METHODS])[0]

    def _choose(self, options: tuple[tuple[str | None, int], ...]) -> str | None:
        return self.rng.choices([o for o, _ in options], [w for _, w in options])[0]

    def _think(self, median_s: float = 24) -> None:
        pause_ns = (
            min(int(self.rng.lognormvariate(0, 0.8) * median_s * NS_PER_SECOND), 2 * MINUTE_NS) + 3 * NS_PER_SECOND
        )
        if self.may_linger and self.rng.random() < 0.01:
            pause_ns, self.may_linger = self.rng.randrange(8, 19) * MINUTE_NS, False
        self.now_ns = clear_of_midnight(self.now_ns + pause_ns)


def _visits(shop: Shop, environment: Environment, day: int, rng: Random) -> Iterator[tuple[int, Actor, Account | None]]:
    midnight_ns = shop.day_start_ns(day)
    people = accounts(shop, environment)
    for account in people:
        previous_session_id, free_from_ns = None, midnight_ns + 2 * HOUR_NS
        visit_count = rng.choices((0, 1, 2, 3), (50, 30, 15, 5))[0]
        starts = sorted(moment(rng, midnight_ns) for _ in range(visit_count))
        if account.number % 60 == 3:  # a night owl, whose visit crosses midnight
            starts = [midnight_ns + NS_PER_DAY - rng.randrange(2, 15) * MINUTE_NS]
        for start_ns in starts:
            if start_ns < free_from_ns:
                continue
            actor = _actor(environment, account, rng, start_ns, previous_session_id)
            previous_session_id = actor.session_id
            free_from_ns = start_ns + LONGEST_VISIT_NS + 55 * MINUTE_NS + BETWEEN_VISITS_NS
            yield start_ns, actor, account
    for _ in range(len(people) // 2):
        start_ns = clear_of_midnight(moment(rng, midnight_ns))
        yield start_ns, _actor(environment, None, rng, start_ns, None), None


def _actor(
    environment: Environment, account: Account | None, rng: Random, start_ns: int, previous: str | None
) -> Actor:
    has_telemetry = rng.random() > 0.08
    sends_session = has_telemetry and rng.random() < 0.75
    into_day_ns = start_ns % NS_PER_DAY
    skewed = rng.random() < 0.05 and HOUR_NS < into_day_ns < 20 * HOUR_NS
    is_known = account is not None and rng.random() < 0.45
    actor = Actor(
        environment=environment,
        kind="person",
        browser=account.browser if account else BROWSERS[rng.randrange(len(BROWSERS))],
        client_address=f"203.0.113.{rng.randrange(1, 255)}",
        currency=account.currency if account else CURRENCIES[rng.randrange(len(CURRENCIES))][0],
        session_id=f"{rng.getrandbits(128):032x}" if sends_session else None,
        previous_session_id=previous if sends_session else None,
        clock_skew_ns=rng.choice((-180, 180, 240)) * NS_PER_SECOND if skewed and has_telemetry else 0,
        has_telemetry=has_telemetry,
        app_version="1.1.0" if sends_session else "1.0.0",
    )
    if not (is_known and account):
        return actor
    return replace(actor, user_id=account.user_id, user_name=account.user_name, email=account.email)
