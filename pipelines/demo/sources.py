"""The resources that emit: pods of the backend services, browsers, and the nodes of the cluster."""

from __future__ import annotations

from functools import cache

from pipelines.demo.catalog import FRONTEND_APP_NAMESPACE, SERVICES, Browser
from pipelines.demo.model import Environment, Request
from pipelines.demo.otlp import Scope, Source

NODES = ("gke-shop-pool-1-a1", "gke-shop-pool-1-b2", "gke-shop-pool-1-c3")
_SDKS = {"nodejs": "1.30.1", "python": "1.29.0", "java": "1.44.1", "go": "1.33.0"}
_ENVIRONMENT_ATTRIBUTE = {
    "payment-service": "deployment.environment.name"
}  # current conventions; others use the old name

NODE_HTTP = Scope("@opentelemetry/instrumentation-http", "0.57.1")
FRONTEND_SERVICE = Scope("frontend-service")
FLASK = Scope("opentelemetry.instrumentation.flask", "0.50b0")
APP = Scope("app")
ORDER_SERVICE = Scope("order-service")
PAYMENT_HTTP = Scope("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.58.0")
PAYMENT_SERVICE = Scope("payment-service")
FRONTEND_APP = Scope("frontend-app")
FETCH = Scope("@opentelemetry/instrumentation-fetch", "0.57.1")
DOCUMENT_LOAD = Scope("@opentelemetry/instrumentation-document-load", "0.44.0")
USER_INTERACTION = Scope("@opentelemetry/instrumentation-user-interaction", "0.44.0")
WEB_VITALS = Scope("@opentelemetry/instrumentation-web-vitals", "0.1.0")
PINO = Scope("@opentelemetry/instrumentation-pino", "0.46.0")
PYTHON_LOGGING = Scope("opentelemetry.sdk._logs")
LOGBACK = Scope("com.example.order.OrderController")
SLOG = Scope("go.opentelemetry.io/contrib/bridges/otelslog", "0.8.0")
GRPC = Scope("io.opentelemetry.grpc-1.6", "2.11.0-alpha")
TOMCAT = Scope("io.opentelemetry.tomcat-10.0", "2.11.0-alpha")
# language → what instruments its HTTP server, and its logging
SERVER_SCOPES = {
    "nodejs": (NODE_HTTP, PINO),
    "python": (FLASK, PYTHON_LOGGING),
    "java": (TOMCAT, LOGBACK),
    "go": (PAYMENT_HTTP, SLOG),
}


def pod_name(environment: Environment, service: str, version: str, pod: int) -> str:
    """Name of a pod; a new release makes new pods, a restarted container keeps its own."""
    return f"{service}-{version.replace('.', '')}{environment[0]}-{'x7k2q' if pod == 0 else 'm4zp9'}"


def of_request(environment: Environment, request: Request) -> Source:
    """The pod that served a request."""
    return pod_source(environment, request.service, request.version, request.pod)


@cache
def pod_source(environment: Environment, service: str, version: str, pod: int) -> Source:
    """Resource of a pod, as its SDK and the collector's k8sattributes describe it."""
    described = SERVICES[service]
    node = NODES[(described.node + pod) % len(NODES)]
    name = pod_name(environment, service, version, pod)
    language = described.language
    process: tuple[tuple[str, str | tuple[str, ...]], ...] = ()
    if language == "java":
        process = (("process.command_args", ("java", "-javaagent:/otel.jar", "-jar", "/app/order.jar")),)
    return Source(
        (
            ("service.name", service),
            ("service.version", version),
            ("service.namespace", described.namespace),
            ("service.instance.id", name),
            (_ENVIRONMENT_ATTRIBUTE.get(service, "deployment.environment"), environment),
            ("telemetry.sdk.language", language),
            ("telemetry.sdk.name", "opentelemetry"),
            ("telemetry.sdk.version", _SDKS[language]),
            *process,
            *pod_attributes(environment, service, name, node),
        ),
        "https://opentelemetry.io/schemas/1.29.0" if service == "payment-service" else "",
    )


def pod_attributes(environment: Environment, service: str, name: str, node: str) -> tuple[tuple[str, str], ...]:
    """What k8sattributes adds to everything that a pod sends."""
    namespace = SERVICES[service].namespace
    return (
        *node_attributes(environment, node),
        ("k8s.namespace.name", namespace if environment == "production" else f"{namespace}-staging"),
        ("k8s.deployment.name", service),
        ("k8s.pod.name", name),
        ("k8s.container.name", service.removesuffix("-service")),
    )


def node_attributes(environment: Environment, node: str) -> tuple[tuple[str, str], ...]:
    """Host, cluster and cloud of a node."""
    return (
        ("host.name", node),
        ("k8s.node.name", node),
        ("k8s.cluster.name", "shop-eu" if environment == "production" else "shop-staging"),
        ("cloud.provider", "gcp"),
        ("cloud.account.id", "shop-prod-4711"),
        ("cloud.region", "europe-west1"),
        ("cloud.availability_zone", f"europe-west1-{node[-2]}"),
    )


@cache
def browser_source(environment: Environment, browser: Browser, app_version: str) -> Source:
    """Resource of the app in one kind of browser. Browsers send no instance: there are too many."""
    return Source(
        (
            ("service.name", "frontend-app"),
            ("service.version", app_version),
            ("service.namespace", FRONTEND_APP_NAMESPACE),
            ("deployment.environment", environment),
            ("telemetry.sdk.language", "webjs"),
            ("telemetry.sdk.name", "opentelemetry"),
            ("telemetry.sdk.version", "1.30.1"),
            ("browser.brands", (browser.family, "Not A;Brand")),
            ("browser.language", browser.language),
            ("browser.mobile", browser.family == "Safari"),
            ("user_agent.original", browser.user_agent),
        )
    )
