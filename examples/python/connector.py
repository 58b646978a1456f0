"""A small complete background-check vendor on the official Python SDK.

Publishes what it asks of hirers, is notified of bound accounts and of orders, reports progress, returns the
result, and gives up an order that it cannot carry out. Events come by webhook or over the long connection:

    python3 connector.py --mode webhook --port 9000
    python3 connector.py --mode long-connection

Settings come from the environment: DOMAIN (default http://127.0.0.1:8090), APP_ID, APP_SECRET, and for the
webhook VERIFICATION_TOKEN and, where the app's events are encrypted, ENCRYPT_KEY.
"""

import argparse
import os
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import lark_oapi as lark
from lark_oapi.api.hire.v1 import *

DOMAIN = os.environ.get("DOMAIN", "http://127.0.0.1:8090")
APP_ID = os.environ["APP_ID"]
APP_SECRET = os.environ["APP_SECRET"]
VERIFICATION_TOKEN = os.environ.get("VERIFICATION_TOKEN", "")
ENCRYPT_KEY = os.environ.get("ENCRYPT_KEY", "")

client = lark.Client.builder().app_id(APP_ID).app_secret(APP_SECRET).domain(DOMAIN).build()


def must(response, what):
    """What the platform refuses is ours to look at: its code, its words, and the log id to quote."""
    if not response.success():
        raise RuntimeError(f"{what}: {response.code} {response.msg}, log id {response.get_log_id()}")
    print(f"done: {what}", flush=True)


def words(zh_cn, en_us):
    return I18n.builder().zh_cn(zh_cn).en_us(en_us).build()


def now():
    return str(int(time.time() * 1000))


# --- What we publish ------------------------------------------------------------------------------


def publish_account_form():
    """Asks each hirer for its number with us, when it binds an account."""
    field = (
        EcoAccountCustomFieldData.builder()
        .key("customer_number")
        .name(words("客户编号", "Customer number"))
        .is_required(True)
        .build()
    )
    form = EcoAccountCustomField.builder().scope(1).custom_field_list([field]).build()
    request = CreateEcoAccountCustomFieldRequest.builder().request_body(form).build()
    must(client.hire.v1.eco_account_custom_field.create(request), "publish the account form")


def publish_order_form(account_id):
    """Asks for the degree to verify, with each order of this account."""

    def option(key, zh_cn, en_us):
        builder = EcoBackgroundCheckCustomFieldDataOption.builder()
        return builder.key(key).name(words(zh_cn, en_us)).build()

    field = (
        EcoBackgroundCheckCustomFieldData.builder()
        .type("select")
        .key("degree")
        .name(words("最高学历", "Highest degree"))
        .is_required(True)
        .options([option("bachelor", "本科", "Bachelor"), option("master", "硕士", "Master")])
        .build()
    )
    form = EcoBackgroundCheckCustomField.builder().account_id(account_id)
    request = CreateEcoBackgroundCheckCustomFieldRequest.builder()
    request = request.request_body(form.custom_field_list([field]).build()).build()
    must(client.hire.v1.eco_background_check_custom_field.create(request), "publish the order form")


def publish_packages(account_id):
    package = EcoBackgroundCheckPackageData.builder().id("standard").name("标准背调").build()
    item = EcoBackgroundCheckPackageAdditionalItem.builder().id("employment").name("工作履历核实").build()
    offer = EcoBackgroundCheckPackage.builder().account_id(account_id)
    offer = offer.package_list([package]).additional_item_list([item]).build()
    request = CreateEcoBackgroundCheckPackageRequest.builder().request_body(offer).build()
    must(client.hire.v1.eco_background_check_package.create(request), "publish the packages")


# --- What we do -----------------------------------------------------------------------------------


def report_progress(order_id, stage_id, stage_name, stage_en_name):
    body = (
        UpdateProgressEcoBackgroundCheckRequestBody.builder()
        .background_check_id(order_id)
        .stage_id(stage_id)
        .stage_name(stage_name)
        .stage_en_name(stage_en_name)
        .stage_time(now())
        .build()
    )
    request = UpdateProgressEcoBackgroundCheckRequest.builder().request_body(body).build()
    must(client.hire.v1.eco_background_check.update_progress(request), f"report {stage_id} of {order_id}")


def return_result(order_id):
    report = (
        EcoBackgroundCheckReportFile.builder()
        .report_name("背调报告")
        .report_url(f"https://vendor.example/reports/{order_id}")
        .report_url_type(2)
        .build()
    )
    body = (
        UpdateResultEcoBackgroundCheckRequestBody.builder()
        .background_check_id(order_id)
        .result("绿灯")
        .result_time(now())
        .report_file_list([report])
        .build()
    )
    request = UpdateResultEcoBackgroundCheckRequest.builder().request_body(body).build()
    must(client.hire.v1.eco_background_check.update_result(request), f"return the result of {order_id}")


def give_up(order_id):
    """The platform recommends a last stage 已终止 before an order is canceled."""
    report_progress(order_id, "ended", "已终止", "ended")
    body = CancelEcoBackgroundCheckRequestBody.builder().background_check_id(order_id).build()
    request = CancelEcoBackgroundCheckRequest.builder().request_body(body).build()
    must(client.hire.v1.eco_background_check.cancel(request), f"cancel {order_id}")


def carry_out(order):
    if not (order.candidate_info.mobile and order.candidate_info.mobile.number):
        # We cannot reach the candidate.
        give_up(order.background_check_id)
        return
    report_progress(order.background_check_id, "begun", "已开始核实", "verification begun")
    return_result(order.background_check_id)


# --- What we are notified -----------------------------------------------------------------------------

# An event must be taken within 3 seconds, so that the work is done behind it. It may come twice, and then
# has the same id; a real vendor keeps ids and work in its database.
seen = set()
work = queue.Queue()


def take(event, *steps):
    if event.header.event_id not in seen:
        seen.add(event.header.event_id)
        for step in steps:
            work.put(step)


def on_account(event: P2HireEcoAccountCreatedV1):
    account = event.event
    filled = {field.key: field.value for field in account.custom_field_list or []}
    print(f"bound: account {account.account_id} of customer {filled.get('customer_number')}", flush=True)
    take(
        event,
        lambda: publish_order_form(account.account_id),
        lambda: publish_packages(account.account_id),
    )


def on_order(event: P2HireEcoBackgroundCheckCreatedV1):
    order = event.event
    print(f"ordered: {order.background_check_id}, package {order.package_id}", flush=True)
    take(event, lambda: carry_out(order))


def on_end(event: P2HireEcoBackgroundCheckCanceledV1):
    order = event.event
    print(f"ended by the hirer: {order.background_check_id}, {order.termination_reason}", flush=True)


dispatcher = (
    lark.EventDispatcherHandler.builder(ENCRYPT_KEY, VERIFICATION_TOKEN)
    .register_p2_hire_eco_account_created_v1(on_account)
    .register_p2_hire_eco_background_check_created_v1(on_order)
    .register_p2_hire_eco_background_check_canceled_v1(on_end)
    .build()
)


def do_work():
    while True:
        try:
            work.get()()
        except Exception as error:
            print(f"failed: {error}", flush=True)


# --- How events come ------------------------------------------------------------------------------


class Webhook(BaseHTTPRequestHandler):
    """Hands each POST to the SDK, which checks and opens it, and answers the check of the URL."""

    def do_POST(self):
        request = lark.RawRequest()
        request.uri = self.path
        request.headers = dict(self.headers.items())
        request.body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        response = dispatcher.do(request)
        self.send_response(response.status_code)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, format, *args):
        pass


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--mode", choices=["webhook", "long-connection"], default="webhook")
    arguments.add_argument("--port", type=int, default=9000)
    arguments = arguments.parse_args()
    publish_account_form()
    threading.Thread(target=do_work, daemon=True).start()
    if arguments.mode == "webhook":
        server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Webhook)
        print("ready", flush=True)
        server.serve_forever()
    else:
        print("ready", flush=True)
        lark.ws.Client(APP_ID, APP_SECRET, event_handler=dispatcher, domain=DOMAIN).start()


main()
