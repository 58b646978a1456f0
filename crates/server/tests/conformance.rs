//! The official SDKs, unmodified but for the domain, against a started server on both engines: tokens, packages,
//! progress, result, cancel, all three events with and without encryption, and every refusal as its user sees it.
//! Source: contract, sections 1.2, 2.5, 3.5, 5.1, 5.2, 6 and 8.

#[path = "conformance/driver.rs"]
mod driver;
mod harness;

use contract::control::{
    Account, CreateAccount, CreateTenant, CreatedApp, FieldValue, Order, OrderState, PlaceOrder,
    TerminateOrder, UpdateApp,
};
use driver::{Driver, Sdk};
use harness::{BEGIN, Engine, Hirer, PACKAGE, World, form};
use serde_json::{Value, json};
use server::clock::Clock;

const MISSING: &str =
    "Missing access token for authorization. Please make a request with token attached.";
const INVALID: &str =
    "Invalid access token for authorization. Please make a request with token attached.";

#[tokio::test]
async fn the_python_sdk_works_on_sqlite() {
    everything(Sdk::Python, Engine::Sqlite).await;
}

#[tokio::test]
async fn the_python_sdk_works_on_postgres() {
    everything(Sdk::Python, Engine::Postgres).await;
}

#[tokio::test]
async fn the_node_sdk_works_on_sqlite() {
    everything(Sdk::Node, Engine::Sqlite).await;
}

#[tokio::test]
async fn the_node_sdk_works_on_postgres() {
    everything(Sdk::Node, Engine::Postgres).await;
}

async fn everything(sdk: Sdk, engine: Engine) {
    if !Engine::available().await.contains(&engine) {
        return;
    }
    let mut driver = match Driver::start(sdk) {
        Ok(driver) => driver,
        Err(why) if driver::is_demanded() => panic!("{why}"),
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let world = World::start(engine, Clock::manual(BEGIN), true, |_| {}).await;
    for is_encrypted in [false, true] {
        let mut story = Story::begin(&world, &mut driver, is_encrypted).await;
        story.takes_a_token().await;
        let account = story.is_told_of_an_account().await;
        story.publishes_packages(&account).await;
        story.brings_an_order_to_its_end(&account).await;
        story.cancels_an_order(&account).await;
        story.is_told_that_the_hirer_ended_an_order(&account).await;
    }
    let mut story = Story::begin(&world, &mut driver, false).await;
    let account = story.is_told_of_an_account().await;
    story.publishes_packages(&account).await;
    story.sees_the_refusals_of_the_gateway(&account).await;
    story.sees_the_refusals_of_orders(&account).await;
    story.sees_our_own_faults(&account).await;
    story.is_told_again_when_its_handler_fails().await;
    story.sees_that_its_secret_is_wrong().await;
    story.sees_the_limit(&account).await;
}

/// A hirer and a vendor whose program is the driver; its events go to a receiver of the SDK.
struct Story<'w, 'd> {
    world: &'w World,
    driver: &'d mut Driver,
    hirer: Hirer,
    app: CreatedApp,
    is_encrypted: bool,
}

impl<'w, 'd> Story<'w, 'd> {
    async fn begin(world: &'w World, driver: &'d mut Driver, is_encrypted: bool) -> Story<'w, 'd> {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, is_encrypted).await;
        let key = is_encrypted.then_some(app.encrypt_key.as_str());
        let url = driver.receive("/feishu/events", &app.verification_token, key).await;
        let body = UpdateApp { callback_url: Some(Some(url)), ..UpdateApp::default() };
        world.operator.update_app(&app.app.app_id, &body).await.unwrap();
        driver.configure(&world.server(), &app.app.app_id, &app.app_secret).await;
        Story { world, driver, hirer, app, is_encrypted }
    }

    /// One call with the SDK's own token that must be a success, as the SDK says it.
    async fn succeeds(&mut self, method: &str, body: &Value) {
        self.world.clock.advance_ms(61);
        let answer = self.driver.call(method, body).await;
        let shown = format!("{method}: {answer}");
        assert_eq!(answer["ok"], true, "{shown}");
        assert_eq!(answer["success"], true, "{shown}");
        assert_eq!(answer["raw"], json!({"code": 0, "msg": "success", "data": {}}), "{shown}");
        assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!("success")), "{shown}");
        assert_eq!(answer["http_status"], 200, "{shown}");
        assert_log_id(&answer["log_id"]);
    }

    /// One call that must be refused: what the SDK shows of it.
    async fn refused(
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

    async fn takes_a_token(&mut self) {
        let managed = self.driver.token("managed").await;
        assert_eq!(managed["ok"], true, "{managed}");
        let token = managed["token"].as_str().unwrap();
        assert!(token.starts_with("t-"), "a tenant token");
        for kind in ["tenant", "app"] {
            let answer = self.driver.token(kind).await;
            assert_eq!(answer["success"], true, "{kind}: {}", answer["code"]);
            assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!("ok")));
            assert_eq!(answer["token"], token, "{kind}");
            let expire = answer["expire"].as_u64().unwrap();
            assert!((7_000..=7_200).contains(&expire), "{kind}: {expire}");
            assert_eq!(answer["http_status"], 200);
            assert_log_id(&answer["log_id"]);
        }
    }

    /// 账号绑定
    async fn is_told_of_an_account(&mut self) -> Account {
        let fields = [("company_code", "XH-2026"), ("contact", "王五 / \"w\" <w@example.com>")];
        let body = CreateAccount {
            usage_list: vec![1, 2],
            custom_field_list: fields
                .map(|(key, value)| FieldValue { key: key.to_owned(), value: value.to_owned() })
                .to_vec(),
            ..CreateAccount::new(&self.app.app.app_id, "华东区 😀")
        };
        let account =
            self.hirer.control.create_account(&self.hirer.tenant_key, &body).await.unwrap();
        let event = self.next_event("hire.eco_account.created_v1").await;
        let expected = json!({
            "scope": 1,
            "account_id": account.account_id,
            "account_name": "华东区 😀",
            "usage_list": [1, 2],
            "custom_field_list": fields.map(|(key, value)| json!({"key": key, "value": value})),
        });
        assert_members(&event["body"], &expected);
        account
    }

    /// Checks the next event's header and how it came; gives what the handler got.
    async fn next_event(&mut self, event_type: &str) -> Value {
        let event = self.driver.next_event().await;
        let expected = json!({
            "event_type": event_type,
            "token": self.app.verification_token,
            "app_id": self.app.app.app_id,
            "tenant_key": self.hirer.tenant_key,
            "create_time": self.world.clock.now().0.to_string(),
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&event["header"][name], value, "{event_type}: {name}");
        }
        let event_id = event["event_id"].as_str().unwrap();
        assert_eq!(event_id.len(), 32, "{event_id}");
        assert!(
            event_id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
            "{event_id}"
        );

        let served = self.driver.next_served().await;
        assert_eq!((&served["status"], &served["path"]), (&json!(200), &json!("/feishu/events")));
        assert_eq!(served["is_encrypted"], self.is_encrypted);
        let headers = &served["headers"];
        assert_eq!(headers["Content-Type"], "application/json; charset=utf-8");
        for name in ["X-Lark-Request-Timestamp", "X-Lark-Request-Nonce"] {
            assert!(headers[name].is_string(), "{name}: {headers}");
        }
        assert_eq!(headers["X-Lark-Signature"].is_string(), self.is_encrypted, "{headers}");
        // Compact, as JavaScript would print it.
        let text = served["request_body"].as_str().unwrap();
        let outer: Value = serde_json::from_str(text).unwrap();
        assert!(!text.contains("\\/") && !text.contains("\\u"), "{event_type}");
        assert_eq!(outer.to_string().len(), text.len(), "{event_type}: no blanks");
        event
    }

    async fn publishes_packages(&mut self, account: &Account) {
        let body = json!({
            "account_id": account.account_id,
            "package_list": [{"id": PACKAGE, "name": "标准套餐", "description": "身份与学历"}],
            "additional_item_list": [{"id": "item-a", "name": "工作履历核实"}],
        });
        self.succeeds("create_packages", &body).await;
        let control = &self.hirer.control;
        let account =
            control.get_account(&self.hirer.tenant_key, &account.account_id).await.unwrap();
        let [package] = &account.packages[..] else { panic!("one package") };
        assert_eq!((package.id.as_str(), package.name.as_str()), (PACKAGE, "标准套餐"));
        assert_eq!(package.description.as_deref(), Some("身份与学历"));
        let [item] = &account.additional_items[..] else { panic!("one item") };
        assert_eq!((item.id.as_str(), item.name.as_str()), ("item-a", "工作履历核实"));
    }

    /// 创建背调: places an order; the vendor is told of every member.
    async fn is_told_of_an_order(&mut self, account: &Account) -> Order {
        let body = PlaceOrder {
            comment: "请尽快 / \"ASAP\"\n😀".to_owned(),
            ..form(&account.account_id)
        };
        let order = self.hirer.control.place_order(&self.hirer.tenant_key, &body).await.unwrap();
        let event = self.next_event("hire.eco_background_check.created_v1").await;
        let expected = json!({
            "background_check_id": order.order_id,
            "account_id": account.account_id,
            "package_id": PACKAGE,
            "additional_item_id_list": ["item-a"],
            "comment": body.comment,
            "candidate_info": {
                "name": "张三",
                "mobile": {"code": "86", "number": "13800000000"},
                "email": "zhangsan@example.com",
                "first_name": "San",
                "last_name": "Zhang",
            },
            "client_contact_info": {
                "name": "李四",
                "mobile": {"code": "86", "number": "13900000000"},
                "email": "lisi@example.com",
            },
            "custom_field_list": [],
        });
        assert_members(&event["body"], &expected);
        order
    }

    async fn order(&self, order_id: &str) -> Order {
        self.hirer.control.get_order(&self.hirer.tenant_key, order_id).await.unwrap()
    }

    async fn brings_an_order_to_its_end(&mut self, account: &Account) {
        let order_id = self.is_told_of_an_order(account).await.order_id;
        let progress = json!({
            "background_check_id": order_id,
            "stage_id": "degree",
            "stage_name": "学历核实",
            "stage_en_name": "degree check",
            "stage_time": "1795004800001",
            "result": "无差异",
            "report_file_list": [{
                "report_name": "阶段报告",
                "report_url": "https://vendor.example/preview/1",
                "report_url_type": 2,
            }],
        });
        self.succeeds("update_progress", &progress).await;
        let result = result_of(&order_id);
        self.succeeds("update_result", &result).await;
        // A lost answer is no harm: the identical call again.
        self.succeeds("update_progress", &progress).await;
        self.succeeds("update_result", &result).await;

        let order = self.order(&order_id).await;
        assert_eq!(
            (order.state, order.conclusion.as_deref()),
            (OrderState::Completed, Some("绿灯"))
        );
        let stage = order.stages.last().unwrap();
        assert_eq!(stage.stage_id.as_deref(), Some("degree"));
        assert_eq!(stage.stage_name, "学历核实");
        assert_eq!(stage.stage_en_name.as_deref(), Some("degree check"));
        assert_eq!(stage.result.as_deref(), Some("无差异"));
        assert_eq!(stage.stage_time, "2026-11-18T12:26:40.001Z");
        assert_eq!(order.results.len(), 1);
        let names: Vec<_> = order.reports.iter().map(|report| report.name.as_str()).collect();
        assert_eq!(names, ["阶段报告", "终版报告"]);
        let link = Some("https://vendor.example/preview/1");
        assert_eq!(order.reports[0].preview_url.as_deref(), link);
    }

    async fn cancels_an_order(&mut self, account: &Account) {
        let order_id = self.is_told_of_an_order(account).await.order_id;
        self.succeeds("cancel", &json!({"background_check_id": order_id})).await;
        assert_eq!(self.order(&order_id).await.state, OrderState::Terminated);
        // Who ends it itself is not told.
        assert!(self.driver.waiting_events().is_empty());
    }

    /// 终止背调
    async fn is_told_that_the_hirer_ended_an_order(&mut self, account: &Account) {
        let order_id = self.is_told_of_an_order(account).await.order_id;
        let reason = "候选人放弃 / \"withdrew\"".to_owned();
        let body = TerminateOrder { reason: reason.clone() };
        self.hirer.control.terminate_order(&self.hirer.tenant_key, &order_id, &body).await.unwrap();
        let event = self.next_event("hire.eco_background_check.canceled_v1").await;
        let expected = json!({"background_check_id": order_id, "termination_reason": reason});
        assert_members(&event["body"], &expected);
    }

    /// Contract, section 8: what is judged before the call itself.
    async fn sees_the_refusals_of_the_gateway(&mut self, account: &Account) {
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
            self.world.operator.update_app(&app_id, &body).await.unwrap();
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

        self.world.operator.disable_app(&app_id).await.unwrap();
        let answer = self.driver.call("update_result", &body).await;
        assert_refusal(&answer, 400, 99_991_662, "app not in use");
        self.world.operator.enable_app(&app_id).await.unwrap();
        self.succeeds("update_result", &body).await;
    }

    /// Contract, section 8: what the order's state says.
    async fn sees_the_refusals_of_orders(&mut self, account: &Account) {
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
    async fn sees_our_own_faults(&mut self, account: &Account) {
        let order_id = self.is_told_of_an_order(account).await.order_id;
        let body = result_of(&order_id);
        self.world.execute("ALTER TABLE timeline_entries RENAME TO timeline_entries_away").await;
        self.refused("update_result", &body, 500, 1_002_001, "system error").await;
        self.world.execute("ALTER TABLE timeline_entries_away RENAME TO timeline_entries").await;
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

    async fn is_told_again_when_its_handler_fails(&mut self) {
        let app = self.world.create_app(&self.hirer, None, false).await;
        let url = self.driver.receive_refusing("/", &app.verification_token, None, 1).await;
        let body = UpdateApp { callback_url: Some(Some(url)), ..UpdateApp::default() };
        self.world.operator.update_app(&app.app.app_id, &body).await.unwrap();
        let body = CreateAccount::new(&app.app.app_id, "华南区");
        self.hirer.control.create_account(&self.hirer.tenant_key, &body).await.unwrap();
        let list = contract::control::ListEvents { limit: Some(1), ..Default::default() };
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

    async fn sees_that_its_secret_is_wrong(&mut self) {
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

    async fn sees_the_limit(&mut self, account: &Account) {
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

fn result_of(order_id: &str) -> Value {
    json!({
        "background_check_id": order_id,
        "result": "绿灯",
        "result_time": "1795004800002",
        "report_file_list": [{
            "report_name": "终版报告",
            "report_url": "https://vendor.example/preview/2",
            "report_url_type": 2,
        }],
    })
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

/// 14 digits of time and 20 upper-case hex digits.
fn assert_log_id(log_id: &Value) {
    let text = log_id.as_str().unwrap_or_else(|| panic!("no log id: {log_id}"));
    assert_eq!(text.len(), 34, "{text}");
    assert!(text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')), "{text}");
}

/// Compares member by member, so that a failure names the one that differs.
fn assert_members(got: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&got[name], value, "{name}");
    }
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(got), names(expected), "and nothing else");
}
