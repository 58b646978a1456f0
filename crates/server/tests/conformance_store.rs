//! The official SDKs as store apps, unmodified but for the domain, against a started server on both engines: from the
//! pushed ticket to results in two tenants, plain and encrypted. Source: contract, sections 1.3, 1.4, 1.6 and 5.1.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

#[path = "conformance/driver.rs"]
mod driver;
mod harness;

use contract::control::{CreateAccount, CreatedApp, OrderState, UpdateApp};
use contract::event::{AppTicket, read_ticket};
use contract::seal;
use domain::delivery::DeliveryState;
use domain::{AppId, Id};
use driver::{Driver, Sdk};
use harness::{BEGIN, Engine, Hirer, ITEM, PACKAGE, World, form};
use serde_json::{Value, json};
use store::tenants::NO_TENANT;
use system::clock::Clock;

#[tokio::test]
async fn the_python_sdk_serves_two_tenants_on_sqlite() {
    everything(Sdk::Python, Engine::Sqlite).await;
}

#[tokio::test]
async fn the_python_sdk_serves_two_tenants_on_postgres() {
    everything(Sdk::Python, Engine::Postgres).await;
}

#[tokio::test]
async fn the_node_sdk_serves_two_tenants_on_sqlite() {
    everything(Sdk::Node, Engine::Sqlite).await;
}

#[tokio::test]
async fn the_node_sdk_serves_two_tenants_on_postgres() {
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
        let hirers = [world.hirer().await, world.hirer().await];
        scenario.calls_in_vain_before_it_has_a_ticket(&hirers[0]).await;
        scenario.is_pushed_a_ticket().await;
        for hirer in &hirers {
            world.install(&scenario.app, hirer, None).await;
            scenario.brings_an_order_to_its_end(hirer).await;
        }
        scenario.asks_for_another_ticket().await;
        scenario.is_pushed_the_next_one_after_an_hour(&hirers).await;
        scenario.is_taken_out_of_one_tenant(&hirers).await;
        // So that its tickets do not come into the next transcript.
        world.operator.disable_app(&scenario.app.app.app_id).await.unwrap();
    }
}

/// A store app whose program is the driver; its events go to a receiver of the SDK.
struct Scenario<'w, 'd> {
    world: &'w World,
    driver: &'d mut Driver,
    app: CreatedApp,
    is_encrypted: bool,
    /// The newest, as the receiver got it.
    ticket: Option<String>,
}

impl<'w, 'd> Scenario<'w, 'd> {
    /// The client is built before the app has an endpoint: what Node asks for at once is held.
    async fn begin(
        world: &'w World,
        driver: &'d mut Driver,
        is_encrypted: bool,
    ) -> Scenario<'w, 'd> {
        let app = world.create_store_app(None, is_encrypted).await;
        let (app_id, app_secret) = (&app.app.app_id, &app.app_secret);
        driver.configure_store_app(&world.server(), app_id, app_secret).await;
        Scenario { world, driver, app, is_encrypted, ticket: None }
    }

    /// One call in a tenant, as the SDK's user sees it.
    async fn call(&mut self, method: &str, body: &Value, hirer: &Hirer) -> Value {
        self.world.clock.advance_ms(61);
        let ticket = self.ticket.as_deref();
        self.driver.call_in_tenant(method, body, &hirer.tenant_key, ticket).await
    }

    async fn succeeds(&mut self, method: &str, body: &Value, hirer: &Hirer) {
        let answer = self.call(method, body, hirer).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        let expected = json!({"code": 0, "msg": "success", "data": {}});
        assert_eq!((&answer["success"], &answer["raw"]), (&json!(true), &expected), "{method}");
    }

    /// Contract, section 1.6: without a ticket Node makes the call without a token; Python asks for one all the same.
    async fn calls_in_vain_before_it_has_a_ticket(&mut self, hirer: &Hirer) {
        let body = json!({"background_check_id": "7000000000000000001"});
        let answer = self.call("cancel", &body, hirer).await;
        match self.driver.sdk {
            Sdk::Python => {
                let shown = (&answer["ok"], &answer["code"], &answer["msg"]);
                assert_eq!(shown, (&json!(false), &json!(10_003), &json!("invalid param")));
            }
            Sdk::Node => assert_eq!(answer["code"], 99_991_661, "{answer}"),
        }
    }

    /// The first one is due when the app is created, and is sent as soon as the app has a receiver.
    async fn is_pushed_a_ticket(&mut self) {
        // Before, the workers might look at the app while it changes, and come back a second later, which does not
        // pass by itself here.
        while self.newest_delivery().await != Some(DeliveryState::Held) {
            tokio::task::yield_now().await;
        }
        let key = self.is_encrypted.then_some(self.app.encrypt_key.as_str());
        let url = self.driver.receive("/feishu/events", &self.app.verification_token, key).await;
        let body = UpdateApp { callback_url: Some(Some(url)), ..UpdateApp::default() };
        let checked =
            self.world.update_granted(&self.app.app.app_id, &body).await.unwrap().url_check;
        assert!(checked.as_ref().is_some_and(|check| check.passed), "{checked:?}");
        self.next_ticket().await;
    }

    /// How far the newest ticket is on its way.
    async fn newest_delivery(&self) -> Option<DeliveryState> {
        let events =
            self.world.app.hub.store.list_events(NO_TENANT, Id(i64::MAX), 100).await.unwrap();
        // The app of the transcript before has ended tickets, so that its next one may come after this one's first.
        let is_own = |app_id: AppId| app_id.to_string() == self.app.app.app_id;
        events.iter().find(|event| is_own(event.app_id)).map(|event| event.delivery_state)
    }

    async fn next_ticket(&mut self) -> AppTicket {
        let ticket = read_ticket(&self.next_plain_text().await).unwrap();
        assert_eq!(ticket.app_id, self.app.app.app_id);
        if self.driver.sdk == Sdk::Python {
            let event = self.driver.next_event().await;
            assert_eq!(
                (&event["event_type"], &event["event_id"]),
                (&json!("app_ticket"), &json!(ticket.uuid))
            );
            assert_eq!(event["header"]["token"], self.app.verification_token);
            assert_eq!(event["body"]["app_ticket"], ticket.app_ticket);
        }
        self.ticket = Some(ticket.app_ticket.clone());
        ticket
    }

    /// What the next request that the receiver answered said.
    async fn next_plain_text(&mut self) -> Vec<u8> {
        let served = self.driver.next_served().await;
        assert_eq!(served["status"], 200, "{served}");
        assert_eq!(served["is_encrypted"], self.is_encrypted);
        let text = served["request_body"].as_str().unwrap().as_bytes();
        match self.is_encrypted {
            true => seal::decrypt(&self.app.encrypt_key, text).unwrap(),
            false => text.to_vec(),
        }
    }

    /// The next event, which is about this tenant.
    async fn next_event(&mut self, event_type: &str, hirer: &Hirer) -> Value {
        let event = self.driver.next_event().await;
        assert_eq!(event["event_type"], event_type, "{event}");
        assert_eq!(event["header"]["tenant_key"], hirer.tenant_key);
        assert_eq!(event["header"]["app_id"], self.app.app.app_id);
        assert_eq!(self.driver.next_served().await["status"], 200);
        event
    }

    async fn brings_an_order_to_its_end(&mut self, hirer: &Hirer) {
        let body = CreateAccount::new(&self.app.app.app_id, "华东区");
        let account = hirer.control.create_account(&hirer.tenant_key, &body).await.unwrap();
        let account_id = account.account_id;
        let event = self.next_event("hire.eco_account.created_v1", hirer).await;
        assert_eq!(event["body"]["account_id"], account_id);
        let packages = json!({
            "account_id": account_id,
            "package_list": [{"id": PACKAGE, "name": "标准套餐"}],
            "additional_item_list": [{"id": ITEM, "name": "工作履历核实"}],
        });
        self.succeeds("create_packages", &packages, hirer).await;
        let order = hirer.control.place_order(&hirer.tenant_key, &form(&account_id)).await.unwrap();
        let order_id = order.order_id;
        let event = self.next_event("hire.eco_background_check.created_v1", hirer).await;
        assert_eq!(event["body"]["background_check_id"], order_id);
        let progress = json!({
            "background_check_id": order_id,
            "stage_id": "degree",
            "stage_name": "学历核实完成",
            "stage_time": "1795004800001",
        });
        self.succeeds("update_progress", &progress, hirer).await;
        let result = json!({
            "background_check_id": order_id,
            "result": "绿灯",
            "result_time": "1795004800002",
        });
        self.succeeds("update_result", &result, hirer).await;
        let order = hirer.control.get_order(&hirer.tenant_key, &order_id).await.unwrap();
        assert_eq!(
            (order.state, order.conclusion.as_deref()),
            (OrderState::Completed, Some("绿灯"))
        );
    }

    async fn asks_for_another_ticket(&mut self) {
        let old = self.ticket.clone();
        let answer = self.driver.send(&json!({"do": "resend_ticket"})).await;
        assert_eq!(answer["success"], true, "{answer}");
        assert_eq!(answer["raw"], json!({"code": 0, "msg": "success"}));
        self.next_ticket().await;
        assert_ne!(self.ticket, old);
    }

    async fn is_pushed_the_next_one_after_an_hour(&mut self, hirers: &[Hirer]) {
        let old = self.ticket.clone();
        // A lease that the hour ended would bring an event once more.
        while !self.has_delivered_everything(hirers).await {
            tokio::task::yield_now().await;
        }
        self.world.clock.advance_ms(3_600_000);
        let ticket = self.next_ticket().await;
        assert!(self.ticket != old && ticket.issued_at >= BEGIN.0 + 3_600_000);
    }

    async fn has_delivered_everything(&self, hirers: &[Hirer]) -> bool {
        let store = &self.world.app.hub.store;
        let mut events = store.list_events(NO_TENANT, Id(i64::MAX), 1).await.unwrap();
        for hirer in hirers {
            events.extend(store.list_events(hirer.tenant_id, Id(i64::MAX), 100).await.unwrap());
        }
        events.iter().all(|event| event.delivery_state == DeliveryState::Delivered)
    }

    /// The token that the SDK keeps is refused there, and goes on working in the other tenant.
    async fn is_taken_out_of_one_tenant(&mut self, hirers: &[Hirer; 2]) {
        let [gone, stays] = hirers;
        let app_id = self.app.app.app_id.clone();
        self.world.operator.delete_installation(&app_id, &gone.tenant_key).await.unwrap();
        let body = json!({"background_check_id": "7000000000000000001"});
        let answer = self.call("cancel", &body, gone).await;
        assert_eq!((&answer["success"], &answer["code"]), (&json!(false), &json!(99_991_673)));
        assert_eq!(answer["msg"], "unauthorized app");
        let answer = self.call("cancel", &body, stays).await;
        assert_eq!(answer["code"], 1_002_862, "{answer}");
        // Where it was never installed, the token call says so.
        let stranger = self.world.hirer().await;
        let answer = self.call("cancel", &body, &stranger).await;
        match self.driver.sdk {
            Sdk::Python => {
                let shown = (&answer["code"], &answer["msg"]);
                assert_eq!(shown, (&json!(20_009), &json!("tenant app not installed")), "{answer}");
            }
            Sdk::Node => {
                let expected = json!({"code": 20_009, "msg": "tenant app not installed"});
                assert_eq!(answer["raw"], expected, "{answer}");
            }
        }
        assert!(self.driver.waiting_events().is_empty());
    }
}
