//! The official SDKs, unmodified but for the domain, against a started server on both engines: tokens, packages,
//! progress, result, cancel, all three events with and without encryption, and every refusal as its user sees it.
//! Source: contract, sections 1.2, 2.5, 3.5, 5.1, 5.2, 6 and 8.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

#[path = "conformance/driver.rs"]
mod driver;
#[path = "conformance/forms.rs"]
mod forms;
mod harness;
#[path = "conformance/refusals.rs"]
mod refusals;

use contract::control::{
    Account, CreateAccount, CreatedApp, FieldValue, Order, OrderState, PlaceOrder, TerminateOrder,
    UpdateApp,
};
use driver::{Driver, Sdk};
use harness::{BEGIN, Engine, Hirer, PACKAGE, World, form};
use serde_json::{Value, json};
use system::clock::Clock;

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
        let mut scenario = Scenario::begin(&world, &mut driver, is_encrypted).await;
        scenario.takes_a_token().await;
        let account = scenario.is_told_of_an_account().await;
        scenario.publishes_packages(&account).await;
        scenario.publishes_forms(&account).await;
        scenario.brings_an_order_to_its_end(&account).await;
        scenario.cancels_an_order(&account).await;
        scenario.is_told_that_the_hirer_ended_an_order(&account).await;
        scenario.leaves_no_trace().await;
    }
    let mut scenario = Scenario::begin(&world, &mut driver, false).await;
    let account = scenario.is_told_of_an_account().await;
    scenario.publishes_packages(&account).await;
    scenario.sees_the_refusals_of_the_gateway(&account).await;
    scenario.sees_the_refusals_of_orders(&account).await;
    scenario.sees_the_refusals_of_forms(&account).await;
    scenario.sees_our_own_faults(&account).await;
    scenario.is_told_again_when_its_handler_fails().await;
    scenario.sees_that_its_secret_is_wrong().await;
    scenario.sees_the_limit(&account).await;
    scenario.sees_that_its_app_is_disabled().await;
    scenario.leaves_no_trace().await;
}

/// A hirer and a vendor whose program is the driver; its events go to a receiver of the SDK.
struct Scenario<'w, 'd> {
    world: &'w World,
    driver: &'d mut Driver,
    hirer: Hirer,
    app: CreatedApp,
    is_encrypted: bool,
}

impl<'w, 'd> Scenario<'w, 'd> {
    async fn begin(
        world: &'w World,
        driver: &'d mut Driver,
        is_encrypted: bool,
    ) -> Scenario<'w, 'd> {
        let hirer = world.hirer().await;
        let app = world.create_app(&hirer, None, is_encrypted).await;
        let key = is_encrypted.then_some(app.encrypt_key.as_str());
        let url = driver.receive("/feishu/events", &app.verification_token, key).await;
        let body = UpdateApp { callback_url: Some(Some(url)), ..UpdateApp::default() };
        let checked = world.update_granted(&app.app.app_id, &body).await.unwrap().url_check;
        assert!(checked.as_ref().is_some_and(|check| check.passed), "{checked:?}");
        driver.configure(&world.server(), &app.app.app_id, &app.app_secret).await;
        Scenario { world, driver, hirer, app, is_encrypted }
    }

    /// One call with the SDK's own token that must be a success, as the SDK says it.
    async fn succeeds(&mut self, method: &str, body: &Value) {
        self.succeeds_with(method, body, "success").await;
    }

    /// The same for a call with another word for success. Source: contract, section 2.2.
    async fn succeeds_with(&mut self, method: &str, body: &Value, msg: &str) {
        self.world.clock.advance_ms(61);
        let answer = self.driver.call(method, body).await;
        let shown = format!("{method}: {answer}");
        assert_eq!(answer["ok"], true, "{shown}");
        assert_eq!(answer["success"], true, "{shown}");
        assert_eq!(answer["raw"], json!({"code": 0, "msg": msg, "data": {}}), "{shown}");
        assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!(msg)), "{shown}");
        assert_eq!(answer["http_status"], 200, "{shown}");
        assert_log_id(&answer["log_id"]);
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

    /// 创建背调: places an order; the vendor is notified of every member.
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
            "stage_name": "学历核实完成",
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
        assert_eq!(stage.stage_name, "学历核实完成");
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
        // Who ends it itself is not said.
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

    /// Neither the tables nor the files hold what was reported about people, nor a secret.
    async fn leaves_no_trace(&mut self) {
        let token = self.driver.token("managed").await["token"].as_str().unwrap().to_owned();
        let secrets = [
            ("app's secret", self.app.app_secret.as_str()),
            ("verification token", &self.app.verification_token),
            ("encrypt key", &self.app.encrypt_key),
            ("tenant's key", &self.hirer.key),
            ("tenant token", &token),
            ("candidate's name", "张三"),
            ("candidate's phone", "13800000000"),
            ("candidate's mail", "zhangsan@example.com"),
            ("contact's name", "李四"),
            ("comment", "请尽快"),
            ("account's form value", "XH-2026"),
            ("stage's name", "学历核实完成"),
            ("interim result", "无差异"),
            ("result", "绿灯"),
            ("report's name", "终版报告"),
            ("report's address", "vendor.example/preview"),
            ("reason", "候选人放弃"),
        ];
        let mut places: Vec<(String, Vec<u8>)> = Vec::new();
        for (table, rows) in self.world.rows().await {
            places.push((format!("table {table}"), rows.join("\n").into_bytes()));
        }
        for entry in std::fs::read_dir(self.world.data()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && path.extension().is_none_or(|ending| ending != "key") {
                places.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
        // Every byte as one letter, so that any bytes can be searched as text.
        let latin = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
        let mut is_searchable = false;
        for (place, bytes) in places {
            let text = latin(&bytes);
            is_searchable |= text.contains(&latin("标准套餐".as_bytes()));
            for (what, secret) in secrets {
                let secret = secret.as_bytes();
                let is_found =
                    text.contains(&latin(secret)) || text.contains(&contract::hex::to_hex(secret));
                assert!(!is_found, "{place} holds the {what}");
            }
        }
        assert!(is_searchable, "a package's name may be found, and is not");
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
