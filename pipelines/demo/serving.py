"""How the services answer: durations, statuses and failures of each kind of fact. All randomness comes from `rng`."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

from pipelines.demo.catalog import GATEWAYS, NS_PER_MS, SERVICES
from pipelines.demo.model import (
    Actor,
    CartAdd,
    Environment,
    Failure,
    HealthCheck,
    Login,
    OrderAttempt,
    Outcome,
    PageView,
    Payment,
    Registration,
    Request,
)
from pipelines.demo.shop import BROKEN_RELEASE, BROKEN_SHARE, Shop

HOP_NS = 900_000  # one network hop inside the cluster


class Serving:
    """The services of one environment, answering with one random stream."""

    def __init__(self, shop: Shop, environment: Environment, rng: Random, prefix: str) -> None:
        self.shop = shop
        self.environment: Environment = environment
        self.rng = rng
        self._prefix = prefix
        self._order_count = 0

    def page_view(
        self, time_ns: int, actor: Actor, page: str, product_id: str | None, is_landing: bool, is_in_app: bool
    ) -> PageView:
        """A page asked for at `time_ns`: the profile of a known user, then the page's content, then the page."""
        rng = self.rng
        network_ns = self._lognormal_ns(35, 0.5) if actor.kind == "person" else 2 * NS_PER_MS
        web = user_call = failure = browser_failure = cache_failure = None
        fetch_ns = self._lognormal_ns(28, 0.7)
        is_cache_hit = rng.random() < 0.7
        web_ns = 0
        if not is_in_app:
            start_ns = time_ns + 5 * NS_PER_MS + network_ns // 2
            if actor.user_id:
                cache_failure = self._cache_failure() if rng.random() < 0.004 else None
                found = rng.random() > 0.003
                user_ns = self._lognormal_ns(4 if is_cache_hit else 22, 0.5) + (80 * NS_PER_MS if cache_failure else 0)
                user_call = self._request(
                    "user-service",
                    "GET",
                    "/api/users/<user_id>",
                    start_ns + NS_PER_MS + HOP_NS,
                    user_ns,
                    200 if found else 404,
                )
            failure = self._page_failure(page) if actor.kind == "person" and rng.random() < 0.006 else None
            web_ns = (
                self._lognormal_ns(9, 0.4) + fetch_ns + (user_call.duration_ns or 0 if user_call else 0) + 3 * HOP_NS
            )
            died = actor.kind == "person" and rng.random() < 0.0006
            status = 500 if failure else 200
            web = self._request(
                "frontend-service",
                "GET",
                "/pages/:pageName",
                start_ns,
                None if died else web_ns,
                0 if died else status,
                bool(failure),
            )
        if actor.has_telemetry and rng.random() < 0.008:
            browser_failure = Failure(
                "TypeError", f"Cannot read properties of undefined (reading 'price') in item {rng.randrange(900)}"
            )
        return PageView(
            key=rng.randbytes(16), time_ns=time_ns, actor=actor, requests=tuple(r for r in (web, user_call) if r),
            page=page, product_id=product_id, is_landing=is_landing,
            load_ns=web_ns + network_ns + self._lognormal_ns(120, 0.6),
            web=web, user_call=user_call, is_cache_hit=is_cache_hit, fetch_ns=fetch_ns,
            failure=failure, browser_failure=browser_failure, cache_failure=cache_failure,
        )  # fmt: skip

    def cart_add(self, time_ns: int, actor: Actor, product_id: str) -> CartAdd:
        """A product into the cart, told to the tracking endpoint."""
        web = self._request(
            "frontend-service", "POST", "/api/track-event", time_ns + 20 * NS_PER_MS, self._lognormal_ns(3, 0.4), 200
        )
        return CartAdd(
            key=self.rng.randbytes(16), time_ns=time_ns, actor=actor, requests=(web,), product_id=product_id, web=web
        )

    def login(self, time_ns: int, actor: Actor, user_name: str, reason: str | None) -> Login:
        """A login that succeeds when `reason` is None, unless the database is away."""
        failure = self._database_failure(user_name) if self.rng.random() < 0.012 else None
        status = 500 if failure else 401 if reason else 200
        auth = self._request(
            "auth-service",
            "POST",
            "/api/login",
            time_ns + 22 * NS_PER_MS,
            self._lognormal_ns(64, 0.3),
            status,
            bool(failure),
        )
        return Login(
            key=self.rng.randbytes(16), time_ns=time_ns, actor=actor, requests=(auth,), user_name=user_name, auth=auth,
            status="error" if failure else "failed" if reason else "success", reason=None if failure else reason,
            failure=failure,
        )  # fmt: skip

    def registration(self, time_ns: int, actor: Actor) -> Registration:
        """A new account for `actor`, who has a user id already."""
        auth = self._request(
            "auth-service", "POST", "/api/register", time_ns + 22 * NS_PER_MS, self._lognormal_ns(110, 0.3), 201
        )
        return Registration(key=self.rng.randbytes(16), time_ns=time_ns, actor=actor, requests=(auth,), auth=auth)

    def order(self, time_ns: int, actor: Actor, item_count: int, total: Decimal, method: str) -> OrderAttempt:
        """An order placed at `time_ns`: validate, check the stock, pay, save; the first that fails ends it."""
        order_start_ns = time_ns + 30 * NS_PER_MS + HOP_NS
        version = self.shop.version(self.environment, "order-service", order_start_ns)
        outcome, failure = self._order_outcome(version)
        payment = None
        if outcome in ("success", "payment_error"):
            payment = self._payment(order_start_ns + 12 * NS_PER_MS, outcome, total, actor.currency, method)
            if payment.failure:
                failure = Failure(
                    "com.example.order.PaymentException", f"Payment processing failed: {payment.failure.message}"
                )
        paying_ns = payment.request.duration_ns or 0 if payment else 0
        order_ns = 14 * NS_PER_MS + paying_ns + self._lognormal_ns(18, 0.5)
        status = {"success": 200, "payment_error": 402, "server_error": 500}.get(outcome, 400)
        order = self._request(
            "order-service", "POST", "/api/orders", order_start_ns, order_ns, status, outcome != "success"
        )
        web = self._request(
            "frontend-service",
            "POST",
            "/api/checkout",
            time_ns + 29 * NS_PER_MS,
            order_ns + 4 * NS_PER_MS,
            status,
            status >= 500,
        )
        self._order_count += outcome == "success"
        return OrderAttempt(
            key=self.rng.randbytes(16), time_ns=time_ns, actor=actor,
            requests=(web, order, payment.request) if payment else (web, order),
            outcome=outcome, order_id=f"{self._prefix}-{self._order_count:05d}" if outcome == "success" else None,
            item_count=item_count, total=total, payment_method=method, payment=payment, web=web, order=order,
            failure=failure, mail_delay_ns=self._lognormal_ns(900, 0.6), mail_ns=self._lognormal_ns(60, 0.4),
        )  # fmt: skip

    def health_check(self, time_ns: int, actor: Actor, service: str, pod: int) -> HealthCheck:
        """Kubernetes' liveness probe."""
        version = self.shop.version(self.environment, service, time_ns)
        request = Request(service, version, pod, "GET", "/healthz", time_ns, self._lognormal_ns(0.4, 0.3), 200)
        return HealthCheck(
            key=self.rng.randbytes(16), time_ns=time_ns, actor=actor, requests=(request,), request=request
        )

    def _request(
        self,
        service: str,
        method: str,
        route: str,
        start_ns: int,
        duration_ns: int | None,
        status: int,
        is_error: bool = False,
    ) -> Request:
        version = self.shop.version(self.environment, service, start_ns)
        pod = self.rng.randrange(SERVICES[service].pods if self.environment == "production" else 1)
        return Request(service, version, pod, method, route, start_ns, duration_ns, status, is_error)

    def _lognormal_ns(self, median_ms: float, sigma: float) -> int:
        return int(median_ms * NS_PER_MS * math.exp(sigma * self.rng.gauss(0, 1)))

    def _order_outcome(self, version: str) -> tuple[Outcome, Failure | None]:
        chance = self.rng.random()
        if version == BROKEN_RELEASE and self.rng.random() < BROKEN_SHARE:
            return "server_error", Failure(
                "java.lang.NullPointerException",
                'Cannot invoke "Voucher.discount()" because the return value of "OrderRequest.getVoucher()" is null',
            )
        if chance < 0.03 and version != BROKEN_RELEASE:  # which validates nothing: the error comes back after it
            quantity = self.rng.randrange(-3, 1)
            return "validation_error", Failure(
                "com.example.order.ValidationException",
                f"Item p-{self.rng.randrange(60):03d} has invalid quantity {quantity}",
            )
        if chance < 0.045:
            return "inventory_error", None
        return ("payment_error", None) if chance < 0.12 else ("success", None)

    def _payment(self, start_ns: int, outcome: Outcome, amount: Decimal, currency: str, method: str) -> Payment:
        rng = self.rng
        payment_id, number = f"pay_{rng.getrandbits(48):012x}", rng.getrandbits(48)
        gateway: str | None = GATEWAYS[method]
        slow = 10 if gateway == "stripe" and start_ns in self.shop.slow_gateway_window else 1
        gateway_ns = self._lognormal_ns(95 * slow, 0.35)
        chance = rng.random()
        if outcome == "success":
            status, failure, http = "completed", None, 200
        elif chance < 0.15:
            status, gateway, gateway_ns, http = "validation_error", None, 0, 400
            failure = Failure("*errors.errorString", f"amount exceeds limit: {amount:.2f}")
        elif chance < 0.9:
            status, http = "gateway_error", 503
            failure = Failure(
                "*url.Error",
                f'Post "https://{gateway}/v1/charges/{number:012x}": timed out after {gateway_ns // NS_PER_MS} ms',
            )
        else:
            status, http = "database_error", 500
            failure = Failure(
                "*pq.Error", f"pq: deadlock detected on payment {payment_id}, process {rng.randrange(9000)}"
            )
        duration_ns = gateway_ns + self._lognormal_ns(7, 0.4)
        request = self._request(
            "payment-service", "POST", "/api/process", start_ns + HOP_NS, duration_ns, http, http >= 500
        )
        return Payment(
            payment_id, method, gateway, status, amount, currency,  # type: ignore[arg-type]
            f"txn_{number:012x}" if status == "completed" else None, request, gateway_ns, failure,
        )  # fmt: skip

    def _page_failure(self, page: str) -> Failure:
        if self.rng.random() < 0.7:
            return Failure("AxiosError", "Request failed with status code 503")
        return Failure(
            "Error",
            f"connect ECONNREFUSED 10.4.{self.rng.randrange(8)}.{self.rng.randrange(250)}:8080 while loading {page}",
        )

    def _cache_failure(self) -> Failure:
        return Failure(
            "redis.exceptions.TimeoutError", f"Timeout reading from socket after {self.rng.randrange(500, 900)} ms"
        )

    def _database_failure(self, user_name: str) -> Failure:
        return Failure(
            "psycopg2.OperationalError",
            f"connection refused (user {user_name}@example.com, attempt {self.rng.randrange(1, 9)})",
        )
