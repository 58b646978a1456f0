"""Drives the official Python SDK for the conformance tests.

Reads one command per line (JSON) from stdin and writes one line (JSON) to stdout for each:
``{"answer": {...}}`` to a command, in the order of the commands, and in between
``{"event": {...}}`` for each event that a handler got and ``{"served": {...}}`` for each
request that a receiver answered, and ``{"line": {...}}`` when a long connection begins or is
given up. README.md beside this folder lists commands and members.

The SDK is used as its users use it: builders, typed calls, its own dispatcher. Its token
cache lives as long as the process and does not look at the domain, so a test that starts
another server starts another driver.
"""

import json
import sys
import threading
import time
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The SDK logs to stdout, which here belongs to the protocol.
protocol, sys.stdout = sys.stdout, sys.stderr

import lark_oapi as lark  # noqa: E402
from lark_oapi.api.auth.v3 import (  # noqa: E402
    InternalAppAccessTokenRequest,
    InternalAppAccessTokenRequestBody,
    InternalTenantAccessTokenRequest,
    InternalTenantAccessTokenRequestBody,
    ResendAppTicketRequest,
    ResendAppTicketRequestBody,
)
from lark_oapi.api.hire.v1 import (  # noqa: E402
    BatchDeleteEcoAccountCustomFieldRequest,
    BatchDeleteEcoAccountCustomFieldRequestBody,
    BatchDeleteEcoBackgroundCheckCustomFieldRequest,
    BatchDeleteEcoBackgroundCheckCustomFieldRequestBody,
    BatchDeleteEcoBackgroundCheckPackageRequest,
    BatchDeleteEcoBackgroundCheckPackageRequestBody,
    BatchQueryBackgroundCheckOrderRequest,
    BatchQueryBackgroundCheckOrderRequestBody,
    BatchUpdateEcoAccountCustomFieldRequest,
    BatchUpdateEcoBackgroundCheckCustomFieldRequest,
    BatchUpdateEcoBackgroundCheckPackageRequest,
    CancelEcoBackgroundCheckRequest,
    CancelEcoBackgroundCheckRequestBody,
    CreateEcoAccountCustomFieldRequest,
    CreateEcoBackgroundCheckCustomFieldRequest,
    CreateEcoBackgroundCheckPackageRequest,
    EcoAccountCustomField,
    EcoBackgroundCheckCustomField,
    EcoBackgroundCheckPackage,
    ListBackgroundCheckOrderRequest,
    UpdateProgressEcoBackgroundCheckRequest,
    UpdateProgressEcoBackgroundCheckRequestBody,
    UpdateResultEcoBackgroundCheckRequest,
    UpdateResultEcoBackgroundCheckRequestBody,
)
from lark_oapi.core.token import TokenManager  # noqa: E402

# Command's method: resource and function of `client.hire.v1`, request, body.
TYPED_CALLS = {
    "create_packages": (
        "eco_background_check_package",
        "create",
        CreateEcoBackgroundCheckPackageRequest,
        EcoBackgroundCheckPackage,
    ),
    "update_packages": (
        "eco_background_check_package",
        "batch_update",
        BatchUpdateEcoBackgroundCheckPackageRequest,
        EcoBackgroundCheckPackage,
    ),
    "delete_packages": (
        "eco_background_check_package",
        "batch_delete",
        BatchDeleteEcoBackgroundCheckPackageRequest,
        BatchDeleteEcoBackgroundCheckPackageRequestBody,
    ),
    "create_account_fields": (
        "eco_account_custom_field",
        "create",
        CreateEcoAccountCustomFieldRequest,
        EcoAccountCustomField,
    ),
    "update_account_fields": (
        "eco_account_custom_field",
        "batch_update",
        BatchUpdateEcoAccountCustomFieldRequest,
        EcoAccountCustomField,
    ),
    "delete_account_fields": (
        "eco_account_custom_field",
        "batch_delete",
        BatchDeleteEcoAccountCustomFieldRequest,
        BatchDeleteEcoAccountCustomFieldRequestBody,
    ),
    "create_check_fields": (
        "eco_background_check_custom_field",
        "create",
        CreateEcoBackgroundCheckCustomFieldRequest,
        EcoBackgroundCheckCustomField,
    ),
    "update_check_fields": (
        "eco_background_check_custom_field",
        "batch_update",
        BatchUpdateEcoBackgroundCheckCustomFieldRequest,
        EcoBackgroundCheckCustomField,
    ),
    "delete_check_fields": (
        "eco_background_check_custom_field",
        "batch_delete",
        BatchDeleteEcoBackgroundCheckCustomFieldRequest,
        BatchDeleteEcoBackgroundCheckCustomFieldRequestBody,
    ),
    "update_progress": (
        "eco_background_check",
        "update_progress",
        UpdateProgressEcoBackgroundCheckRequest,
        UpdateProgressEcoBackgroundCheckRequestBody,
    ),
    "update_result": (
        "eco_background_check",
        "update_result",
        UpdateResultEcoBackgroundCheckRequest,
        UpdateResultEcoBackgroundCheckRequestBody,
    ),
    "cancel": (
        "eco_background_check",
        "cancel",
        CancelEcoBackgroundCheckRequest,
        CancelEcoBackgroundCheckRequestBody,
    ),
}

# Query's method: function of `client.hire.v1.background_check_order`, request, body.
QUERIES = {
    "list_orders": ("list", ListBackgroundCheckOrderRequest, None),
    "query_orders": (
        "batch_query",
        BatchQueryBackgroundCheckOrderRequest,
        BatchQueryBackgroundCheckOrderRequestBody,
    ),
}

TYPED_TOKEN_CALLS = {
    "tenant": (
        "tenant_access_token",
        InternalTenantAccessTokenRequest,
        InternalTenantAccessTokenRequestBody,
    ),
    "app": (
        "app_access_token",
        InternalAppAccessTokenRequest,
        InternalAppAccessTokenRequestBody,
    ),
}

# An event's type: the function with which its handler is registered.
REGISTER = {
    "hire.eco_account.created_v1": "register_p2_hire_eco_account_created_v1",
    "hire.eco_background_check.created_v1": "register_p2_hire_eco_background_check_created_v1",
    "hire.eco_background_check.canceled_v1": "register_p2_hire_eco_background_check_canceled_v1",
}

output_lock = threading.Lock()


def emit(kind, content):
    """Writes one protocol line; receivers write from threads of their own."""
    line = json.dumps({kind: content}, ensure_ascii=False, default=str)
    with output_lock:
        protocol.write(line + "\n")
        protocol.flush()


class Driver:
    """The clients of one app, and its receivers."""

    def __init__(self):
        self.client = None
        self.manual_client = None
        self.app = None
        self.receivers = []
        self.behaviour = {"refuse": 0, "slow_ms": 0}

    def configure(self, command):
        """Builds the client as an SDK user does; nothing is sent yet."""

        is_store_app = command.get("kind") == "store"

        def builder():
            return (
                lark.Client.builder()
                .app_id(command["app_id"])
                .app_secret(command["app_secret"])
                .app_type(lark.AppType.ISV if is_store_app else lark.AppType.SELF)
                .domain(command["domain"])
            )

        self.app = (command["app_id"], command["app_secret"])
        self.client = builder().build()
        self.manual_client = builder().enable_set_token(True).build()
        return {"ok": True}

    def call(self, command):
        """One typed call; `token` absent: the SDK's own, text: that one, null: none at all."""
        resource, function, request_type, body_type = TYPED_CALLS[command["method"]]
        body = build_typed(body_type, command["body"])
        request = request_type.builder().request_body(body).build()
        client, option = self.choose(command, request)
        response = getattr(getattr(client.hire.v1, resource), function)(request, option)
        return describe(response)

    def query(self, command):
        """One typed query; `typed` is what the SDK made of the answer's `data`."""
        function, request_type, body_type = QUERIES[command["method"]]
        builder = request_type.builder()
        for name, value in command["params"].items():
            getattr(builder, name)(value)
        if command.get("body") is not None:
            builder.request_body(build_typed(body_type, command["body"]))
        resource = self.client.hire.v1.background_check_order
        response = getattr(resource, function)(builder.build())
        typed = json.loads(lark.JSON.marshal(response.data)) if response.data else None
        return {**describe(response), "typed": typed}

    def untyped(self, command):
        """One call through the SDK's general request function, with any body that is JSON."""
        request = (
            lark.BaseRequest.builder()
            .http_method(lark.HttpMethod[command["method"].upper()])
            .uri(command["path"])
            .token_types({lark.AccessTokenType.TENANT})
            .body(command.get("body"))
            .build()
        )
        client, option = self.choose(command, request)
        return describe(client.request(request, option))

    def choose(self, command, request):
        """The client and option that send the token asked for."""
        if "tenant_key" in command:
            # What the SDK's documentation asks of a store app: the caller keeps the ticket.
            option = lark.RequestOption.builder().tenant_key(command["tenant_key"])
            return self.client, option.app_ticket(command.get("app_ticket")).build()
        if "token" not in command:
            return self.client, None
        if command["token"] is None:
            request.token_types = set()
            return self.client, None
        token = command["token"]
        return self.manual_client, lark.RequestOption.builder().tenant_access_token(token).build()

    def token(self, command):
        """A token: `managed` by the SDK's token manager, else by the typed call `tenant` or `app`."""
        kind = command.get("kind", "managed")
        if kind == "managed":
            return {"ok": True, "token": TokenManager.get_self_tenant_token(self.client.config)}
        resource, request_type, body_type = TYPED_TOKEN_CALLS[kind]
        app_id, app_secret = self.app
        body = body_type.builder().app_id(app_id).app_secret(app_secret).build()
        request = request_type.builder().request_body(body).build()
        response = getattr(self.client.auth.v3, resource).internal(request)
        answer = describe(response)
        # The typed response has no place for the flat members; users read them from `raw`.
        answer["token"] = answer["raw"].get(f"{kind}_access_token")
        answer["expire"] = answer["raw"].get("expire")
        return answer

    def resend_ticket(self, command):
        """Asks for the store app's next ticket, by the typed call."""
        app_id, app_secret = self.app
        body = ResendAppTicketRequestBody.builder().app_id(app_id).app_secret(app_secret).build()
        request = ResendAppTicketRequest.builder().request_body(body).build()
        return describe(self.client.auth.v3.app_ticket.resend(request))

    def receive(self, command):
        """Starts a receiver around the SDK's dispatcher on a free port of the loopback."""
        port = start_receiver(
            command.get("encrypt_key") or "",
            command.get("verification_token") or "",
            command.get("path", "/"),
            command.get("refuse_first", 0),
            self.receivers,
        )
        return {"ok": True, "port": port}

    def connect(self, command):
        """Opens a long connection with the SDK's client, in a thread until the process ends."""
        app_id, app_secret = self.app
        builder = lark.EventDispatcherHandler.builder("", "")
        for event_type in command["event_types"]:
            register = REGISTER[event_type]
            builder = getattr(builder, register)(self.on_pushed)
        client = lark.ws.Client(
            app_id, app_secret, event_handler=builder.build(), domain=command["domain"]
        )
        client.on_reconnected = lambda: emit("line", {"state": "back"})

        def run():
            try:
                client.start()
            except Exception as error:  # What the SDK gives up with.
                emit("line", {"state": "given up", "error": str(error)})

        threading.Thread(target=run, daemon=True).start()
        return {"ok": True}

    def behave(self, command):
        """Says what the long connection's handlers do with the next events."""
        self.behaviour = {"refuse": command.get("refuse", 0), "slow_ms": command.get("slow_ms", 0)}
        return {"ok": True}

    def on_pushed(self, event):
        emit("event", describe_event(event))
        slow_ms, self.behaviour["slow_ms"] = self.behaviour["slow_ms"], 0
        if slow_ms > 0:
            time.sleep(slow_ms / 1000)
        if self.behaviour["refuse"] > 0:
            self.behaviour["refuse"] -= 1
            raise RuntimeError("refused as the test asked")


def build_typed(body_type, members):
    """Fills a body through its builder, nested objects through theirs."""
    builder = body_type.builder()
    for name, value in members.items():
        member_type = body_type._types.get(name)
        nested = typing.get_args(member_type)
        if nested and isinstance(value, list) and hasattr(nested[0], "builder"):
            value = [build_typed(nested[0], item) for item in value]
        elif isinstance(value, dict) and hasattr(member_type, "builder"):
            value = build_typed(member_type, value)
        getattr(builder, name)(value)
    return builder.build()


def describe(response):
    """What the caller of the SDK can see of an answer."""
    error = response.error if isinstance(response.error, dict) else {}
    try:
        raw = json.loads(response.raw.content)
    except ValueError:
        raw = None
    return {
        "ok": True,
        "success": response.success(),
        "code": response.code,
        "msg": response.msg,
        "log_id": response.get_log_id(),
        "http_status": response.raw.status_code,
        "field_violations": error.get("field_violations"),
        "permission_violations": error.get("permission_violations"),
        "error_log_id": error.get("log_id"),
        "headers": response.raw.headers,
        "raw": raw,
    }


def start_receiver(encrypt_key, verification_token, path, refuse_first, receivers):
    """Serves `path` in a thread until the process ends; returns the port."""
    remaining = [refuse_first]

    def on_event(event):
        # One delivery at a time is all that a test sends while it counts refusals.
        if remaining[0] > 0:
            remaining[0] -= 1
            raise RuntimeError("refused as the test asked")
        emit("event", describe_event(event))

    def on_ticket(event):
        emit("event", describe_ticket(event))

    dispatcher = (
        lark.EventDispatcherHandler.builder(encrypt_key, verification_token)
        .register_p1_customized_event("app_ticket", on_ticket)
        .register_p2_hire_eco_account_created_v1(on_event)
        .register_p2_hire_eco_background_check_created_v1(on_event)
        .register_p2_hire_eco_background_check_canceled_v1(on_event)
        .build()
    )

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            # Names are passed on as they came: the dispatcher looks them up case-sensitively.
            request = lark.RawRequest()
            request.uri = self.path
            request.headers = dict(self.headers.items())
            request.body = body
            if self.path == path:
                response = dispatcher.do(request)
                status, content = response.status_code, response.content
            else:
                status, content = 404, b'{"msg":"no receiver at this path"}'
            # Written before the answer goes out, so that a test that saw the sender go on
            # finds it here.
            emit("served", describe_served(request, status, content))
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receivers.append(server)
    return server.server_port


def describe_event(event):
    """The typed object that the handler got, as JSON."""
    got = json.loads(lark.JSON.marshal(event))
    header = got.get("header", {})
    return {
        "event_type": header.get("event_type"),
        "event_id": header.get("event_id"),
        "header": header,
        "body": got.get("event"),
    }


def describe_ticket(event):
    """The old envelope, which the SDK hands on untyped."""
    header = {"uuid": event.uuid, "ts": event.ts, "token": event.token}
    return {
        "event_type": event.event["type"],
        "event_id": event.uuid,
        "header": header,
        "body": event.event,
    }


def describe_served(request, status, content):
    """One request that a receiver answered, whatever the SDK made of it."""
    try:
        is_encrypted = "encrypt" in json.loads(request.body)
    except ValueError:
        is_encrypted = False
    return {
        "path": request.uri,
        "headers": request.headers,
        "is_encrypted": is_encrypted,
        "request_body": request.body.decode("utf-8", "replace"),
        "status": status,
        "answer": content.decode("utf-8", "replace"),
    }


def main():
    driver = Driver()
    commands = {
        "configure": driver.configure,
        "call": driver.call,
        "query": driver.query,
        "untyped": driver.untyped,
        "token": driver.token,
        "resend_ticket": driver.resend_ticket,
        "receive": driver.receive,
        "connect": driver.connect,
        "behave": driver.behave,
    }
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "quit":
            emit("answer", {"ok": True})
            return
        try:
            answer = commands[command["do"]](command)
        except Exception as error:  # Whatever the SDK throws at its user is the answer.
            answer = {
                "ok": False,
                "thrown": type(error).__name__,
                "error": str(error),
                "code": getattr(error, "code", None),
                "msg": getattr(error, "msg", None),
            }
        emit("answer", answer)


main()
