//! What a user of an official SDK sees when a call is refused, when the server fails, and when a handler fails.
//! Source: contract, sections 2.3, 5.2, 6.3 and 8.

use contract::control::{Account, CreateAccount, CreateTenant, ListEvents, OrderState, UpdateApp};
use serde_json::{Value, json};

use super::driver::Sdk;
use super::{Scenario, assert_log_id, result_of};

const MISSING: &str =
    "Missing access token for authorization. Please make a request with token attached.";
const INVALID: &str =
    "Invalid access token for authorization. Please make a request with token attached.";

impl Scenario<'_, '_> {
    /// One call that must be refused: what the SDK shows of it.
    pub(super) async fn refused(
        &mut self,
        method: &str,
        body: &Value,
        status: u16,
        code: u32,
        msg: &str,
    ) -> Value {
        self.world.clock.advance_ms(61);
        let answer = self.driver.call(method, body).await;
        assert_refusal(&answer, status, code, msg);
        answer
    }

    /// Contract, section 8: what is checked before the call itself.
    pub(super) async fn sees_the_refusals_of_the_gateway(&mut self, account: &Account) {
        let order_id = self.is_told_of_an_order(account).await.order_id;
        let body = result_of(&order_id);
        for (token, code, msg) in [
            (None, 99_991_661, MISSING),
            (Some("t-bad"), 99_991_663, INVALID),
            (Some("t-7f1bcd13fc57d46bac21793a18e560"), 99_991_663, INVALID),
            (Some("u-bad"), 99_991_668, "user access token not support"),
            (Some("bad"), 99_991_671, "Invalid token: must start with t-/u-"),
        ] {
            let answer = self.driver.call_with_token("update_result", &body, token).await;
            assert_refusal(&answer, 400, code, msg);
        }

        let app_id = self.app.app.app_id.clone();
        let grant = async |scope: &str| {
            let body = UpdateApp { scopes: Some(vec![scope.to_owned()]), ..UpdateApp::default() };
            self.world.update_granted(&app_id, &body).await.unwrap();
        };
        grant("hire:background_check_order:readonly").await;
        let answer = self.driver.call("update_result", &body).await;
        let msg = answer["msg"].as_str().unwrap_or_default().to_owned();
        let start = "Access denied. One of the following scopes is required: [hire:background_check_order].";
        assert!(msg.starts_with(start), "{answer}");
        assert_refusal(&answer, 400, 99_991_672, &msg);
        let expected =
            json!([{"type": "action_scope_required", "subject": "hire:background_check_order"}]);
        assert_eq!(answer["permission_violations"], expected);
        grant("hire:background_check_order").await;

        let path = "/open-apis/hire/v1/eco_background_checks/update_result";
        let mut mistyped = body.clone();
        mistyped["result_time"] = json!(1_795_004_800_000_u64);
        let answer = self.driver.untyped("POST", path, &mistyped).await;
        let msg = "Invalid parameter type in json: result_time. Invalid parameter value: 1795004800000. \
            Please check and modify accordingly.";
        assert_refusal(&answer, 400, 9_499, msg);
        // What is no object cannot be sent with Node: it makes one of everything.
        if self.driver.sdk == Sdk::Python {
            let answer = self.driver.untyped("POST", path, &json!([body])).await;
            assert_refusal(&answer, 400, 9_499, "Bad Request");
        }

        let mut missing = body.clone();
        missing.as_object_mut().unwrap().remove("result_time");
        let mut wrong = body.clone();
        wrong["report_file_list"][0]["report_url_type"] = json!(3);
        for (body, violation) in [
            (missing, json!({"field": "result_time", "description": "result_time is required"})),
            (
                wrong,
                json!({
                    "field": "report_file_list[0].report_url_type",
                    "value": "3",
                    "description": "report_url_type is optional, options: [1,2]",
                }),
            ),
        ] {
            let msg = "field validation failed";
            let answer = self.refused("update_result", &body, 400, 99_992_402, msg).await;
            assert_eq!(answer["field_violations"], json!([violation]));
        }
        assert_eq!(self.order(&order_id).await.state, OrderState::Arranged);
        self.succeeds("update_result", &body).await;
    }

    /// A disabled app is refused so; its tokens have ended for good, and the SDK keeps its own until that would have ended.
    pub(super) async fn sees_that_its_app_is_disabled(&mut self) {
        let app_id = self.app.app.app_id.clone();
        let body = result_of("x");
        self.world.operator.disable_app(&app_id).await.unwrap();
        self.refused("update_result", &body, 400, 99_991_662, "app not in use").await;
        self.world.operator.enable_app(&app_id).await.unwrap();
        self.refused("update_result", &body, 400, 99_991_663, INVALID).await;
    }

    /// Contract, section 8: what the order's state says.
    pub(super) async fn sees_the_refusals_of_orders(&mut self, account: &Account) {
        let nowhere = "background check order not exist";
        for id in ["6931286400470354183", "x"] {
            self.refused("update_result", &result_of(id), 400, 1_002_862, nowhere).await;
            self.refused("update_progress", &progress_of(id), 400, 1_002_862, nowhere).await;
            let body = json!({"background_check_id": id});
            self.refused("cancel", &body, 400, 1_002_862, nowhere).await;
        }
        let other = self.world.seed().await;
        let foreign = self.world.place(&other).await.order_id;
        self.refused("update_result", &result_of(&foreign), 400, 1_002_862, nowhere).await;

        let illegal = "illegal order status";
        let order_id = self.is_told_of_an_order(account).await.order_id;
        self.succeeds("update_result", &result_of(&order_id)).await;
        let mut other = result_of(&order_id);
        other["result"] = json!("红灯");
        self.refused("update_result", &other, 400, 1_002_858, illegal).await;
        self.refused("update_progress", &progress_of(&order_id), 400, 1_002_858, illegal).await;
        let body = json!({"background_check_id": order_id});
        self.refused("cancel", &body, 400, 1_002_858, illegal).await;

        let order_id = self.is_told_of_an_order(account).await.order_id;
        self.succeeds("cancel", &json!({"background_check_id": order_id})).await;
        self.refused("update_result", &result_of(&order_id), 400, 1_002_858, illegal).await;

        let order_id = self.is_told_of_an_order(account).await.order_id;
        self.succeeds("update_progress", &progress_of(&order_id)).await;
        let mut other = progress_of(&order_id);
        other["stage_name"] = json!("another");
        let answer =
            self.refused("update_progress", &other, 400, 1_002_002, "Parameter error").await;
        assert_eq!(answer["field_violations"][0]["field"], "stage_id");

        let unknown = json!({"account_id": "7000000000000000001", "package_list": [{"id": "a", "name": "b"}]});
        let msg = "account package not found";
        self.refused("create_packages", &unknown, 400, 1_002_001, msg).await;
    }

    /// A review that nobody has decided, and storage that fails: both with HTTP 500.
    pub(super) async fn sees_our_own_faults(&mut self, account: &Account) {
        let order_id = self.is_told_of_an_order(account).await.order_id;
        let body = result_of(&order_id);
        self.world.execute("ALTER TABLE orders RENAME TO orders_away").await;
        self.refused("update_result", &body, 500, 1_002_001, "system error").await;
        self.world.execute("ALTER TABLE orders_away RENAME TO orders").await;
        self.succeeds("update_result", &body).await;

        let tenant = CreateTenant { report_approval: true, ..CreateTenant::named("天枢") };
        let reviewed = self.world.seed_with(&tenant, None, false).await;
        let order_id = self.world.place(&reviewed).await.order_id;
        let (app, server) = (&reviewed.app, self.world.server());
        self.driver.configure(&server, &app.app.app_id, &app.app_secret).await;
        self.succeeds("update_result", &result_of(&order_id)).await;
        let mut other = result_of(&order_id);
        other["result"] = json!("红灯");
        let msg = "background order is being approved";
        self.refused("update_result", &other, 500, 1_002_863, msg).await;
        self.driver.configure(&server, &self.app.app.app_id, &self.app.app_secret).await;
    }

    pub(super) async fn is_told_again_when_its_handler_fails(&mut self) {
        let app = self.world.create_app(&self.hirer, None, false).await;
        let url = self.driver.receive_refusing("/", &app.verification_token, None, 1).await;
        let body = UpdateApp { callback_url: Some(Some(url)), ..UpdateApp::default() };
        let checked = self.world.update_granted(&app.app.app_id, &body).await.unwrap().url_check;
        assert!(checked.as_ref().is_some_and(|check| check.passed), "{checked:?}");
        let body = CreateAccount::new(&app.app.app_id, "华南区");
        self.hirer.control.create_account(&self.hirer.tenant_key, &body).await.unwrap();
        let list = ListEvents { limit: Some(1), ..ListEvents::default() };
        let control = &self.hirer.control;
        let event_id = control.list_events(&self.hirer.tenant_key, &list).await.unwrap().items[0]
            .event_id
            .clone();
        // Python answers 500, Node nothing at all: its delivery fails when 3 s are over.
        let attempt = loop {
            let ways = control.list_deliveries(&self.hirer.tenant_key, &event_id).await.unwrap();
            if let Some(attempt) = ways.items[0].attempts.first() {
                break attempt.clone();
            }
            tokio::task::yield_now().await;
        };
        match self.driver.sdk {
            Sdk::Python => {
                assert_eq!(attempt.http_status, Some(500));
                assert_eq!(self.driver.next_served().await["status"], 500);
            }
            Sdk::Node => assert_eq!(attempt.http_status, None),
        }
        assert!(self.driver.waiting_events().is_empty());
        self.world.clock.advance_ms(15_000);
        let event = self.driver.next_event().await;
        assert_eq!(
            (&event["event_id"], &event["body"]["account_name"]),
            (&json!(event_id), &json!("华南区"))
        );
        assert_eq!(self.driver.next_served().await["status"], 200);
    }

    pub(super) async fn sees_that_its_secret_is_wrong(&mut self) {
        let app = self.world.create_app(&self.hirer, None, false).await;
        self.driver.configure(&self.world.server(), &app.app.app_id, "wrong").await;
        let managed = self.driver.token("managed").await;
        match self.driver.sdk {
            Sdk::Python => {
                let shown = (&managed["ok"], &managed["code"], &managed["msg"]);
                assert_eq!(shown, (&json!(false), &json!(10_014), &json!("app secret invalid")));
            }
            Sdk::Node => {
                assert_eq!(managed["raw"], json!({"code": 10_014, "msg": "app secret invalid"}));
            }
        }
        let typed = self.driver.token("tenant").await;
        assert_eq!((&typed["success"], &typed["code"]), (&json!(false), &json!(10_014)), "{typed}");
        assert_eq!(
            (&typed["http_status"], &typed["msg"]),
            (&json!(200), &json!("app secret invalid"))
        );
        self.driver
            .configure(&self.world.server(), &self.app.app.app_id, &self.app.app_secret)
            .await;
    }

    pub(super) async fn sees_the_limit(&mut self, account: &Account) {
        let order_id = self.is_told_of_an_order(account).await.order_id;
        self.world.clock.advance_ms(60_001);
        let body = result_of(&order_id);
        for _ in 0..50 {
            let answer = self.driver.call("update_result", &body).await;
            assert_eq!(answer["success"], true, "{answer}");
        }
        let answer = self.driver.call("update_result", &body).await;
        let msg = "request trigger frequency limit";
        let shown = (&answer["code"], &answer["msg"], &answer["http_status"]);
        assert_eq!(shown, (&json!(99_991_400), &json!(msg), &json!(429)));
        assert_log_id(&answer["log_id"]);
        let headers = answer["headers"].as_object().unwrap();
        for (name, expected) in [("x-ogw-ratelimit-limit", "50"), ("x-ogw-ratelimit-reset", "2")] {
            let found = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
            assert_eq!(found.unwrap().1, expected, "{name}");
        }
    }
}

fn progress_of(order_id: &str) -> Value {
    json!({
        "background_check_id": order_id,
        "stage_id": "work",
        "stage_name": "工作履历核实",
        "stage_time": "1795004800003",
    })
}

fn assert_refusal(answer: &Value, status: u16, code: u32, msg: &str) {
    let shown = format!("{code}: {answer}");
    assert_eq!(answer["success"], false, "{shown}");
    assert_eq!((&answer["code"], &answer["msg"]), (&json!(code), &json!(msg)), "{shown}");
    assert_eq!(answer["http_status"], status, "{shown}");
    assert_log_id(&answer["log_id"]);
    assert_eq!(answer["error_log_id"], answer["log_id"], "{shown}");
}
