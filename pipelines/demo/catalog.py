"""What the shop is made of: people's names, browsers, products, pages, gateways, and when it is busy. Data only."""

from __future__ import annotations

from typing import NamedTuple

NS_PER_SECOND = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_DAY = 86_400 * NS_PER_SECOND


class Browser(NamedTuple):
    """A browser as it introduces itself."""

    family: str
    user_agent: str
    language: str
    viewport: tuple[int, int]


CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"
EDGE = CHROME + " Edg/131.0.0.0"
BROWSERS = (
    Browser("Chrome", CHROME, "en-US", (1920, 969)),
    Browser("Chrome", CHROME, "de-DE", (1440, 820)),
    Browser("Firefox", FIREFOX, "tr-TR", (1366, 683)),
    Browser("Safari", SAFARI, "ja-JP", (390, 664)),
    Browser("Edge", EDGE, "fr-FR", (1536, 730)),
)
PROBE = Browser("kube-probe", "kube-probe/1.31", "", (0, 0))
MONITOR = Browser("otelmart-monitor", "Mozilla/5.0 (compatible; ShopMonitor/2.1; synthetic)", "", (1280, 800))
CRAWLER = Browser("Googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "", (0, 0))
SCRIPT = Browser("python-requests", "python-requests/2.32.3", "", (0, 0))

FIRST_NAMES = (
    "Anna",
    "Zoë",
    "Søren",
    "Müge",
    "李雷",
    "Renée",
    "João",
    "Ольга",
    "Fatma",
    "Kenji",
    "Amélie",
    "Björn",
    "Priya",
    "Tom",
)
LAST_NAMES = (
    "Müller",
    "Öztürk",
    "Nguyễn",
    "O’Brien",
    "García",
    "Smith",
    "Łukasik",
    "佐藤",
    "Petit",
    "Andersson",
    "Rossi",
)
ASCII_NAMES = (
    "anna",
    "zoe",
    "soren",
    "muge",
    "leilei",
    "renee",
    "joao",
    "olga",
    "fatma",
    "kenji",
    "amelie",
    "bjorn",
    "priya",
    "tom",
)

PRODUCT_COUNT = 60
# ISO 4217 code, its decimals, price of one euro in it
CURRENCIES = (("EUR", 2, 1.0), ("USD", 2, 1.08), ("TRY", 2, 37.0), ("JPY", 0, 165.0))
PAYMENT_METHODS = (("credit_card", 0.62), ("paypal", 0.23), ("bank_transfer", 0.15))
GATEWAYS = {"credit_card": "stripe", "paypal": "paypal", "bank_transfer": "adyen"}
GATEWAY_ENDPOINTS = {
    "stripe": "https://api.stripe.com",
    "paypal": "https://api-m.paypal.com",
    "adyen": "https://checkout-live.adyen.com",
}

# Relative traffic by UTC hour: quiet nights, a lunch peak, a higher evening peak.
HOURLY_TRAFFIC = (4, 3, 3, 3, 4, 6, 10, 16, 24, 30, 33, 38, 44, 40, 34, 33, 36, 42, 52, 60, 56, 44, 26, 12)


# service -> namespace, language, pods
class Service(NamedTuple):
    """A backend service: the namespace it lives in, the language its SDK speaks and how many pods serve it."""

    namespace: str
    language: str
    pods: int
    node: int


SERVICES = {
    "frontend-service": Service("shop", "nodejs", 2, 0),
    "user-service": Service("shop", "python", 2, 1),
    "auth-service": Service("shop", "python", 1, 2),
    "order-service": Service("shop", "java", 2, 1),
    "payment-service": Service("payments", "go", 1, 2),
    "email-service": Service("shop", "python", 1, 0),
}
FRONTEND_APP_NAMESPACE = "shop"
SAMPLED_SERVICE = "user-service"
