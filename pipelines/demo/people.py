"""Who the shop knows: customers with names beyond ASCII, e-mail addresses, browsers and a currency."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random

from pipelines.demo.catalog import ASCII_NAMES, BROWSERS, CURRENCIES, FIRST_NAMES, LAST_NAMES, Browser
from pipelines.demo.model import Environment
from pipelines.demo.shop import Shop


@dataclass(frozen=True, slots=True)
class Account:
    """A customer account."""

    number: int
    user_id: str
    user_name: str
    email: str
    browser: Browser
    currency: str


@cache
def accounts(shop: Shop, environment: Environment) -> tuple[Account, ...]:
    """Every account of an environment, the same on every day of one seed."""
    rng = Random(f"{shop.seed}/{environment}/accounts")
    letter = "u" if environment == "production" else "t"
    return tuple(_account(rng, number, f"{letter}-{number:05d}") for number in range(shop.user_count(environment)))


def anonymous(rng: Random) -> Account:
    """An account that was not there before."""
    number = rng.getrandbits(40)
    return _account(rng, number, f"n-{number:010x}")


def _account(rng: Random, number: int, user_id: str) -> Account:
    first = rng.randrange(len(FIRST_NAMES))
    name = f"{FIRST_NAMES[first]}.{LAST_NAMES[rng.randrange(len(LAST_NAMES))]}{number % 10_000}".lower()
    email = f"{ASCII_NAMES[first]}.{number % 10_000}@example.com"
    browser = BROWSERS[rng.randrange(len(BROWSERS))]
    return Account(number, user_id, name, email, browser, CURRENCIES[rng.choices(range(4), (50, 25, 15, 10))[0]][0])
