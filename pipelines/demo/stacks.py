"""Stack traces as each language prints them: in-app frames among the frameworks' own."""

from __future__ import annotations

from pipelines.demo.model import Failure
from pipelines.demo.otlp import Event

_PYTHON = {
    "psycopg2.OperationalError": (
        '  File "/usr/local/lib/python3.12/site-packages/flask/app.py", line 1511, in wsgi_app\n'
        "    response = self.full_dispatch_request()\n"
        '  File "/srv/auth/app.py", line {line}, in login\n    if authenticate_user(username, data.get("password")):\n'
        '  File "/srv/auth/users.py", line 27, in authenticate_user\n    connection = pool.connect()\n'
        '  File "/usr/local/lib/python3.12/site-packages/psycopg2/__init__.py", line 122, in connect\n'
        "    conn = _connect(dsn, **kwasync)\n"
    ),
    "redis.exceptions.TimeoutError": (
        '  File "/srv/users/app.py", line {line}, in get_from_cache\n    return cache.get(f"user:{{user_id}}")\n'
        '  File "/usr/local/lib/python3.12/site-packages/redis/connection.py", line 616, in read_response\n'
        "    raise TimeoutError(text)\n"
    ),
}
_JAVA = {
    "java.lang.NullPointerException": (
        "\tat com.example.order.PriceCalculator.applyVoucher(PriceCalculator.java:88)\n"
        "\tat com.example.order.OrderController.createOrder(OrderController.java:{line})\n"
    ),
    "com.example.order.ValidationException": (
        "\tat com.example.order.OrderController.validateOrder(OrderController.java:131)\n"
        "\tat com.example.order.OrderController.createOrder(OrderController.java:{line})\n"
    ),
    "com.example.order.PaymentException": (
        "\tat com.example.order.OrderController.processPayment(OrderController.java:184)\n"
        "\tat com.example.order.OrderController.createOrder(OrderController.java:{line})\n"
    ),
}
_JAVA_FRAMES = (
    "\tat java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)\n"
    "\tat org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:885)\n"
    "\tat java.base/java.lang.Thread.run(Thread.java:1583)\n"
)
_NODE = {
    "AxiosError": (
        "    at settle (/app/node_modules/axios/lib/core/settle.js:19:12)\n"
        "    at async fetchPageData (/app/server.js:{line}:22)\n    at async /app/server.js:74:22\n"
    ),
    "Error": (
        "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)\n"
        "    at async fetchPageData (/app/server.js:{line}:22)\n    at async /app/server.js:74:22\n"
    ),
}
_BROWSER = (
    "    at PriceTag (https://shop.example.com/assets/index-5f3a91c2.js:12:48213)\n"
    "    at ProductPage (https://shop.example.com/assets/index-5f3a91c2.js:12:51907)\n"
    "    at renderWithHooks (https://shop.example.com/assets/vendor-81bc0d77.js:3:90112)"
)


def stack_trace(failure: Failure, version: str) -> str:
    """The trace's text; its line numbers move with the release."""
    kind, message, line = failure.exception_type, failure.message, 40 + sum(map(ord, version)) % 50
    if kind in _PYTHON:
        return f"Traceback (most recent call last):\n{_PYTHON[kind].format(line=line)}{kind}: {message}\n"
    if kind in _JAVA:
        return f"{kind}: {message}\n{_JAVA[kind].format(line=line)}{_JAVA_FRAMES}"
    if kind in _NODE:
        return f"{kind}: {message}\n{_NODE[kind].format(line=line)}"
    if kind == "TypeError":
        return f"{kind}: {message}\n{_BROWSER}"
    return (
        f"goroutine {600 + line} [running]:\nruntime/debug.Stack()\n"
        "\t/usr/local/go/src/runtime/debug/stack.go:26 +0x64\n"
        f"main.(*PaymentService).ProcessPayment(0xc00011e0a0, {{0x8a61f8, 0xc0002b6d80}})\n"
        f"\t/src/payment/main.go:{line} +0x3c5\n"
        "net/http.HandlerFunc.ServeHTTP(0x0?, {0x8a5d60?, 0xc0001d40e0?}, 0x0?)\n"
        "\t/usr/local/go/src/net/http/server.go:2220 +0x29\n"
    )


def exception_attributes(failure: Failure, version: str) -> dict[str, str]:
    """exception.* of a span event or log record."""
    return {
        "exception.type": failure.exception_type,
        "exception.message": failure.message,
        "exception.stacktrace": stack_trace(failure, version),
    }


def exception_event(failure: Failure, version: str, time_ns: int) -> Event:
    """The exception as the span event that SDKs record."""
    return Event("exception", time_ns, exception_attributes(failure, version))
