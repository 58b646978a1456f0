//! The official SDKs' clients of the long connection, unmodified but for the domain: all three events, handlers that
//! throw, take too long or are missing, coming back after a restart, a cut and a freeze, one connection too many, and
//! two programs that share what there is. Source: contract, sections 5.3 to 5.6.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

#[path = "conformance/driver.rs"]
mod driver;
mod harness;
mod line;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use contract::control::{Order, TerminateOrder};
use contract::endpoint::ClientConfig;
use domain::Id;
use domain::delivery::DeliveryState;
use driver::{Driver, Sdk};
use harness::{BEGIN, Engine, Seed, World, form};
use line::PATIENCE;
use line::proxy::Proxy;
use serde_json::{Value, json};
use store::deliveries::Delivery;
use system::clock::Clock;

const ACCOUNT: &str = "hire.eco_account.created_v1";
const CREATED: &str = "hire.eco_background_check.created_v1";
const CANCELED: &str = "hire.eco_background_check.canceled_v1";
const ALL: [&str; 3] = [ACCOUNT, CREATED, CANCELED];

#[tokio::test]
async fn the_python_sdk_is_connected_on_sqlite() {
    everything(Sdk::Python, Engine::Sqlite).await;
}

#[tokio::test]
async fn the_python_sdk_is_connected_on_postgres() {
    everything(Sdk::Python, Engine::Postgres).await;
}

#[tokio::test]
async fn the_node_sdk_is_connected_on_sqlite() {
    everything(Sdk::Node, Engine::Sqlite).await;
}

#[tokio::test]
async fn the_node_sdk_is_connected_on_postgres() {
    everything(Sdk::Node, Engine::Postgres).await;
}

/// A driver of the SDK; none where it is not installed and not demanded.
fn start(sdk: Sdk) -> Option<Driver> {
    match Driver::start(sdk) {
        Ok(driver) => Some(driver),
        Err(why) if driver::is_demanded() => panic!("{why}"),
        Err(why) => {
            eprintln!("skipped: {why}");
            None
        }
    }
}

/// A World whose clients come back quickly.
async fn world(engine: Engine) -> World {
    World::start(engine, Clock::manual(BEGIN), true, |config| {
        let limits = &mut config.long_connection;
        limits.client = ClientConfig {
            reconnect_count: -1,
            reconnect_interval: 1,
            reconnect_nonce: 0,
            ping_interval: 1,
        };
        limits.ping_period = Duration::from_secs(2);
        limits.silence = Duration::from_secs(6);
    })
    .await
}

async fn everything(sdk: Sdk, engine: Engine) {
    if !Engine::available().await.contains(&engine) {
        return;
    }
    let Some(driver) = start(sdk) else { return };
    let world = world(engine).await;
    let seed = world.seed_connected().await;
    let proxy = Proxy::start(world.address).await;
    let mut scenario = Scenario { world, driver, seed, proxy };
    scenario.is_told_without_a_handler().await;
    scenario.is_told_of_everything().await;
    scenario.is_told_again_when_its_handler_throws().await;
    scenario.is_told_again_when_its_handler_takes_too_long().await;
    scenario.comes_back_after_a_restart().await;
    scenario.comes_back_after_a_cut().await;
    scenario.comes_back_after_a_freeze().await;
    scenario.gives_up_as_the_fifty_first().await;
}

/// A vendor's program that is the driver, with a way to the server that can be cut.
struct Scenario {
    world: World,
    driver: Driver,
    seed: Seed,
    proxy: Proxy,
}

impl Scenario {
    async fn connect(&mut self, event_types: &[&str]) {
        let app = &self.seed.app;
        let url = self.proxy.url();
        self.driver.configure(&url, &app.app.app_id, &app.app_secret).await;
        self.driver.connect(&url, event_types).await;
        self.until_connected(1).await;
    }

    async fn until_connected(&self, count: usize) {
        let app_id = &self.seed.app.app.app_id;
        let is_so = async {
            while self.world.operator.list_app_connections(app_id).await.unwrap().items.len()
                != count
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, is_so).await.expect("so many are connected");
    }

    /// Another process with the same SDK in the place of the one that there is.
    async fn begin_anew(&mut self) {
        self.driver = start(self.driver.sdk).expect("it could be started before");
        self.until_connected(0).await;
    }

    /// The next event of the type, checked as far as all have it in common.
    async fn next_event(&mut self, event_type: &str) -> Value {
        let event = self.driver.next_event().await;
        let header = &event["header"];
        assert_eq!(header["event_type"], event_type, "{event}");
        assert_eq!(header["token"], self.seed.app.verification_token);
        assert_eq!(header["app_id"], self.seed.app.app.app_id);
        assert_eq!(header["tenant_key"], self.seed.hirer.tenant_key);
        assert_eq!(event["event_id"].as_str().unwrap().len(), 32);
        event
    }

    async fn place(&self) -> Order {
        self.world.place(&self.seed).await
    }

    async fn terminate(&self, order: &Order) {
        let body = TerminateOrder { reason: "候选人放弃 / \"withdrew\"".to_owned() };
        let tenant_key = &self.seed.hirer.tenant_key;
        let control = &self.seed.hirer.control;
        control.terminate_order(tenant_key, &order.order_id, &body).await.unwrap();
    }

    /// Places an order and waits until it has arrived.
    async fn is_told_of_an_order(&mut self) {
        let order = self.place().await;
        let event = self.next_event(CREATED).await;
        assert_eq!(event["body"]["background_check_id"], order.order_id);
        self.until_delivered(&event, 1).await;
    }

    /// The delivery of an event as soon as it has so many tries, all recorded.
    async fn tried(&self, event_id: &Value, tries: usize) -> Delivery {
        let event_id: domain::event::EventId = event_id.as_str().unwrap().parse().unwrap();
        let (store, tenant_id) = (&self.world.app.hub.store, self.seed.hirer.tenant_id);
        let tenant = store.find_tenant(tenant_id).await.unwrap().unwrap();
        let event = store.find_event(tenant_id, event_id).await.unwrap().unwrap();
        let read = async || {
            let found = store.list_deliveries(&tenant, event_id.event_no, event.order_id).await;
            found.unwrap().remove(0)
        };
        let tried = async {
            while read().await.attempts.len() < tries {
                tokio::task::yield_now().await;
            }
            // The state is read before the tries, so it may be older than they are.
            read().await
        };
        tokio::time::timeout(PATIENCE, tried).await.expect("so many tries are recorded")
    }

    async fn until_delivered(&self, event: &Value, tries: usize) {
        let delivery = self.tried(&event["event_id"], tries).await;
        assert_eq!(delivery.state, DeliveryState::Delivered, "{:?}", delivery.attempts);
        assert_eq!(delivery.attempts.len(), tries, "{:?}", delivery.attempts);
    }

    /// Python's refusal makes the event come again; Node acknowledges what nobody handles.
    async fn is_told_without_a_handler(&mut self) {
        self.connect(&[ACCOUNT, CREATED]).await;
        // What was held while nobody was connected.
        let event = self.next_event(ACCOUNT).await;
        assert_eq!(event["body"]["account_id"], self.seed.account.account_id);
        let order = self.place().await;
        let event = self.next_event(CREATED).await;
        self.until_delivered(&event, 1).await;
        self.terminate(&order).await;
        let (store, tenant_id) = (&self.world.app.hub.store, self.seed.hirer.tenant_id);
        let events = store.list_events(tenant_id, Id(i64::MAX), 1).await.unwrap();
        let canceled = json!(events[0].event_id.to_string());
        let delivery = self.tried(&canceled, 1).await;
        let outcome = delivery.attempts[0].outcome.as_str();
        match self.driver.sdk {
            Sdk::Node => {
                assert_eq!((outcome, delivery.state), ("delivered", DeliveryState::Delivered));
            }
            Sdk::Python => assert_eq!(outcome, "acknowledged with 500"),
        }
        self.begin_anew().await;
        self.connect(&ALL).await;
        if self.driver.sdk == Sdk::Python {
            self.world.clock.advance_ms(15_000);
            let event = self.next_event(CANCELED).await;
            assert_eq!(event["event_id"], canceled);
            self.until_delivered(&event, 2).await;
        }
    }

    async fn is_told_of_everything(&mut self) {
        let order = self.place().await;
        let event = self.next_event(CREATED).await;
        let (body, sent) = (&event["body"], form(&self.seed.account.account_id));
        assert_eq!(body["background_check_id"], order.order_id);
        assert_eq!(body["candidate_info"]["name"], sent.candidate_info.name);
        assert_eq!(body["comment"], sent.comment);
        self.until_delivered(&event, 1).await;
        self.terminate(&order).await;
        let event = self.next_event(CANCELED).await;
        assert_eq!(event["body"]["background_check_id"], order.order_id);
        assert_eq!(event["body"]["termination_reason"], "候选人放弃 / \"withdrew\"");
        self.until_delivered(&event, 1).await;
    }

    async fn is_told_again_when_its_handler_throws(&mut self) {
        self.driver.behave(1, 0).await;
        self.comes_twice("acknowledged with 500").await;
    }

    async fn is_told_again_when_its_handler_takes_too_long(&mut self) {
        self.driver.behave(0, 4_000).await;
        self.comes_twice("no ack came in time").await;
    }

    /// Places an order whose event is not taken at first.
    async fn comes_twice(&mut self, outcome: &str) {
        self.place().await;
        let first = self.next_event(CREATED).await;
        let delivery = self.tried(&first["event_id"], 1).await;
        assert_eq!(delivery.attempts[0].outcome, outcome);
        self.world.clock.advance_ms(15_000);
        let again = self.next_event(CREATED).await;
        assert_eq!(again["event_id"], first["event_id"]);
        self.until_delivered(&again, 2).await;
    }

    async fn is_back(&mut self) {
        assert_eq!(self.driver.next_line().await, json!({"state": "back"}));
        self.until_connected(1).await;
        self.is_told_of_an_order().await;
    }

    async fn comes_back_after_a_restart(&mut self) {
        self.world.restart().await;
        self.is_back().await;
    }

    async fn comes_back_after_a_cut(&mut self) {
        self.proxy.cut();
        self.is_back().await;
    }

    /// The server notices a client that is silent, the client a server that has left.
    async fn comes_back_after_a_freeze(&mut self) {
        self.proxy.freeze();
        let order = self.place().await;
        let (store, tenant_id) = (&self.world.app.hub.store, self.seed.hirer.tenant_id);
        let events = store.list_events(tenant_id, Id(i64::MAX), 1).await.unwrap();
        let event_id = json!(events[0].event_id.to_string());
        let delivery = self.tried(&event_id, 1).await;
        assert_eq!(delivery.attempts[0].outcome, "no ack came in time");
        self.until_connected(0).await;
        self.proxy.thaw();
        assert_eq!(self.driver.next_line().await, json!({"state": "back"}));
        self.until_connected(1).await;
        self.world.clock.advance_ms(15_000);
        let delivery = self.tried(&event_id, 2).await;
        assert_eq!(delivery.state, DeliveryState::Delivered, "{:?}", delivery.attempts);
        // What lay on the way arrives late as well, and its ack counts for nothing.
        let event = self.next_event(CREATED).await;
        assert_eq!(event["body"]["background_check_id"], order.order_id);
    }

    async fn gives_up_as_the_fifty_first(&mut self) {
        self.begin_anew().await;
        let mut others = Vec::new();
        for _ in 0..50 {
            others.push(self.world.connect(&self.seed.app).await.serve());
        }
        let app = &self.seed.app;
        self.driver.configure(&self.world.server(), &app.app.app_id, &app.app_secret).await;
        self.driver.connect(&self.world.server(), &ALL).await;
        let line = self.driver.next_line().await;
        assert_eq!(line["state"], "given up", "{line}");
        let error = line["error"].as_str().unwrap();
        assert!(error.contains("the number of connections exceeded the limit"), "{error}");
        assert_eq!(others.len(), 50);
    }
}

#[tokio::test]
async fn two_programs_share_a_thousand_events_and_none_is_lost() {
    for engine in Engine::available().await {
        let (Some(mut python), Some(mut node)) = (start(Sdk::Python), start(Sdk::Node)) else {
            return;
        };
        let world = world(engine).await;
        let seed = world.seed_connected().await;
        let app = &seed.app;
        for driver in [&mut python, &mut node] {
            driver.configure(&world.server(), &app.app.app_id, &app.app_secret).await;
            driver.connect(&world.server(), &ALL).await;
        }
        let connected = async {
            while world.operator.list_app_connections(&app.app.app_id).await.unwrap().items.len()
                < 2
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, connected).await.expect("both are connected");
        let place = async {
            for _ in 0..1_000 {
                world.place(&seed).await;
            }
        };
        let (mut at_python, mut at_node) = (0, 0);
        let mut came: HashMap<String, usize> = HashMap::new();
        let receive = async {
            while came.len() < 1_001 {
                let event = tokio::select! {
                    event = python.next_event() => { at_python += 1; event }
                    event = node.next_event() => { at_node += 1; event }
                };
                *came.entry(event["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        };
        tokio::join!(place, receive);
        assert!(at_python > 300 && at_node > 300, "{at_python} and {at_node}");
        let tenant = world.app.hub.store.find_tenant(seed.hirer.tenant_id).await.unwrap().unwrap();
        let events =
            world.app.hub.store.list_events(tenant.tenant_id, Id(i64::MAX), 2_000).await.unwrap();
        let ids: HashSet<String> = events.iter().map(|event| event.event_id.to_string()).collect();
        assert_eq!(ids, came.keys().cloned().collect(), "none is lost");
        for event in events {
            let event_no = event.event_id.event_no;
            let found =
                world.app.hub.store.list_deliveries(&tenant, event_no, event.order_id).await;
            let tries = found.unwrap().remove(0).attempts.len().max(1);
            let times = came[&event.event_id.to_string()];
            assert!(times <= tries, "{times} times by {tries} tries");
        }
    }
}
