"""http.* attributes in the semantic conventions that a service's release speaks: the old ones, or the current."""

from __future__ import annotations

from pipelines.demo.model import Actor, Request


def uses_current_conventions(request: Request) -> bool:
    """payment-service and frontend-service 2 speak the current semantic conventions."""
    return request.service == "payment-service" or (request.service == "frontend-service" and request.version >= "2")


def server_attributes(request: Request, actor: Actor, target: str) -> dict[str, str | int]:
    """http.* of a SERVER span, in the conventions of the service's release; no status when no answer was sent."""
    path, _, query = target.partition("?")
    synthetic = {"person": "", "attacker": "", "bot": "bot", "synthetic": "test"}[actor.kind]
    is_probe = request.route == "/healthz"
    attributes: dict[str, str | int]
    if uses_current_conventions(request):
        attributes = {
            "http.request.method": request.method, "url.scheme": "http", "url.path": path, "http.route": request.route,
            "user_agent.original": actor.browser.user_agent, "client.address": actor.client_address,
            "server.address": request.service,
        }  # fmt: skip
        if query:
            attributes["url.query"] = query
        status = "http.response.status_code"
    else:
        attributes = {
            "http.method": request.method, "http.scheme": "http", "http.target": target, "http.route": request.route,
            "http.url": f"http://{request.service}{target}", "http.user_agent": actor.browser.user_agent,
            "http.client_ip": actor.client_address, "http.flavor": "1.1",
        }  # fmt: skip
        status = "http.status_code"
    if request.duration_ns is not None:
        attributes[status] = request.http_status
    if synthetic and not is_probe:
        attributes["user_agent.synthetic.type"] = synthetic
    return attributes
