//! A client: a tenant, a vendor's app and orders of its own; one call at a time, all kinds mixed, each answer
//! checked and noted before the next call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::control::Control;
use contract::control::{CreateAccount, CreateApp, CreateTenant};
use contract::scope::Scope;
use serde_json::Value;

use super::book::{Booked, Entry, Journal};
use super::call::{Answer, Call, Caller, Door, Effect};
use super::daemon::{Daemon, Setup};
use super::receiver::Receiver;
use super::{Random, now, pause};

/// What a client has of its own, and what it knows.
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) tenant_key: String,
    /// The tenant's key of the control API.
    pub(crate) key: String,
    pub(crate) app_id: String,
    pub(crate) account_id: String,
    /// Every package acknowledged, in the order of creation.
    pub(crate) packages: Vec<String>,
    pub(crate) orders: Vec<Booked>,
    /// The call that got no clear answer; it is made again before any other.
    pub(crate) unanswered: Option<Call>,
    /// Whether reports are named that the server has to fetch; links to look at otherwise.
    pub(crate) has_fetches: bool,
    /// Every acknowledgement: when the call was sent, and when it was answered.
    pub(crate) acknowledged: Vec<(Instant, Instant)>,
    /// Every fault that was answered.
    pub(crate) faults: Vec<(Instant, String)>,
    /// Acknowledged calls by kind, and refused or limited ones.
    pub(crate) tally: BTreeMap<&'static str, u64>,
    pub(super) review: bool,
    is_limited: bool,
    pub(super) app_secret: String,
    pub(super) token: String,
    pub(super) last: Option<Call>,
    pub(super) serial: u64,
    pub(super) random: Random,
    journal: Arc<Journal>,
    pub(super) report_host: String,
    live: Arc<Live>,
}

/// What the clients say while they work.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// Asks them to end.
    pub(crate) stop: AtomicBool,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) faults: AtomicU64,
    pub(crate) lost: AtomicU64,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Acknowledged, refused as it must be, or limited.
    Clear,
    /// A documented fault.
    Fault,
    /// No answer.
    Lost,
}

impl Client {
    /// As many clients as wanted, with their tenants, apps, accounts and first packages; the results of every
    /// second one are reviewed.
    pub(crate) async fn crowd(
        count: usize,
        setup: &Setup,
        daemon: &Daemon,
        receiver: &Receiver,
        journal: &Arc<Journal>,
        random: &mut Random,
    ) -> (Vec<Client>, Arc<Live>) {
        let operator = Control::new(&daemon.url, &setup.operator_key()).unwrap();
        let live = Arc::new(Live::default());
        let mut clients = Vec::new();
        for number in 0..count {
            let review = number % 2 == 1;
            let tenant =
                CreateTenant { report_approval: review, ..CreateTenant::named("星河科技") };
            let tenant = operator.create_tenant(&tenant).await.unwrap();
            let tenant_key = tenant.tenant.tenant_key;
            let app = CreateApp {
                name: "诚信背调".to_owned(),
                tenant_key: Some(tenant_key.clone()),
                scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
                callback_url: Some(receiver.callback_url()),
                ..CreateApp::default()
            };
            let app = operator.create_app(&app).await.unwrap();
            let hirer = Control::new(&daemon.url, &tenant.api_key).unwrap();
            hirer.grant_prepared(&tenant_key, &app.app.app_id).await.unwrap();
            let account = CreateAccount::new(&app.app.app_id, "华东");
            let account = hirer.create_account(&tenant_key, &account).await.unwrap();
            let mut client = Client {
                number,
                tenant_key,
                key: tenant.api_key,
                app_id: app.app.app_id,
                account_id: account.account_id,
                packages: Vec::new(),
                orders: Vec::new(),
                unanswered: None,
                has_fetches: true,
                acknowledged: Vec::new(),
                faults: Vec::new(),
                tally: BTreeMap::new(),
                review,
                is_limited: false,
                app_secret: app.app_secret,
                token: String::new(),
                last: None,
                serial: 0,
                random: random.fork(),
                journal: Arc::clone(journal),
                report_host: receiver.url(),
                live: Arc::clone(&live),
            };
            let door = daemon.door();
            client.make(&door, client.fetch_token()).await;
            let package = client.create_package();
            client.make(&door, package).await;
            assert_eq!(client.packages.len(), 1, "the first package is there");
            clients.push(client);
        }
        (clients, live)
    }

    /// Works until the server gives no answer.
    pub(crate) async fn until_lost(&mut self, door: &Door) {
        while self.step(door).await != Step::Lost {}
    }

    /// Works until said to stop; a call that fails is made again until its answer is clear.
    pub(crate) async fn until_stopped(&mut self, door: &Door) {
        while !self.live.stop.load(Ordering::SeqCst) {
            if self.step(door).await != Step::Clear {
                pause(Duration::from_millis(20)).await;
            }
        }
    }

    /// Makes the unanswered call until its answer is clear.
    pub(crate) async fn clear_up(&mut self, door: &Door) {
        while let Some(call) = self.unanswered.take() {
            assert_ne!(self.make(door, call).await, Step::Lost, "the server runs");
        }
    }

    async fn step(&mut self, door: &Door) -> Step {
        let call = self.unanswered.take().unwrap_or_else(|| self.choose());
        self.make(door, call).await
    }

    /// Places an order.
    pub(crate) async fn place_one(&mut self, door: &Door) {
        let call = self.place();
        assert_eq!(self.make(door, call).await, Step::Clear);
    }

    /// Makes a call, and notes what it came to.
    async fn make(&mut self, door: &Door, call: Call) -> Step {
        let key = match call.caller {
            Caller::Vendor => self.token.clone(),
            _ => self.key.clone(),
        };
        if let Effect::Change(place, _) = &call.effect {
            self.orders[*place].is_touched = true;
        }
        let sent = now();
        let answer = door.send(&call, &key).await;
        let step = self.note(call, sent, answer);
        if self.is_limited {
            pause(Duration::from_millis(50)).await;
        }
        step
    }

    /// Checks the answer to a call, and notes it in book and journal.
    pub(crate) fn note(&mut self, mut call: Call, sent: Instant, answer: Answer) -> Step {
        self.is_limited = matches!(answer, Answer::Not(429, _));
        if answer.is_fault() {
            self.faults.push((now(), format!("{} {answer:?}", call.kind)));
            self.live.faults.fetch_add(1, Ordering::SeqCst);
            call.is_repeat = true;
            self.unanswered = Some(call);
            return Step::Fault;
        }
        match answer {
            Answer::Done(body) => {
                assert_eq!(call.refusal, None, "{} was accepted: {call:?}", call.kind);
                self.acknowledged.push((sent, now()));
                self.live.acknowledged.fetch_add(1, Ordering::SeqCst);
                *self.tally.entry(call.kind).or_default() += 1;
                self.apply(call, &body);
            }
            Answer::Not(429, _) => {
                *self.tally.entry("limited").or_default() += 1;
                if call.is_repeat {
                    self.unanswered = Some(call);
                }
            }
            Answer::Not(_, code) if call.refusal == Some(code.as_str()) => {
                *self.tally.entry("refused").or_default() += 1;
            }
            // Ids of packages are never created twice: then the unanswered call had been accepted.
            Answer::Not(400, code)
                if code == "1002001"
                    && call.is_repeat
                    && matches!(call.effect, Effect::Package(_)) =>
            {
                self.apply(call, b"{}");
            }
            Answer::Not(status, code) => {
                panic!("{} was answered {status} {code}: {call:?}", call.kind)
            }
            Answer::Lost => {
                self.live.lost.fetch_add(1, Ordering::SeqCst);
                call.is_repeat = true;
                self.unanswered = Some(call);
                return Step::Lost;
            }
        }
        Step::Clear
    }

    /// Notes an acknowledged call: in the journal first.
    fn apply(&mut self, call: Call, body: &[u8]) {
        let answer: Value = serde_json::from_slice(body).unwrap();
        let mut order_id = answer["order_id"].as_str().map(str::to_owned);
        if let Effect::Change(place, _) = &call.effect {
            order_id = Some(self.orders[*place].order_id.clone());
        }
        let (number, kind) = (self.number, call.kind);
        let order = order_id.as_deref().unwrap_or("-");
        self.journal.write(&format!("client={number} call={kind} order={order} {:?}", call.effect));
        let again = Call { is_repeat: true, ..call.clone() };
        match call.effect {
            Effect::Nothing => {}
            Effect::Again(None) => {}
            Effect::Again(first) => assert_eq!(order_id, first, "a repeat placed another order"),
            Effect::Token => {
                let token = answer["tenant_access_token"].as_str().expect("a token").to_owned();
                // With more than 30 minutes left it stays the same, whatever happened in between.
                assert!(self.token.is_empty() || self.token == token, "the token changed");
                self.token = token;
            }
            Effect::Package(package_id) => self.packages.push(package_id),
            Effect::Place => {
                let order_id = order_id.expect("a placed order has an id");
                assert!(self.find(&order_id).is_none(), "an order was acknowledged twice");
                let effect = Effect::Again(Some(order_id.clone()));
                self.last = Some(Call { kind: "repeat", effect, ..again });
                self.orders.push(Booked::placed(order_id));
            }
            Effect::Change(place, entry) => {
                self.last = Some(Call { kind: "repeat", effect: Effect::Again(None), ..again });
                self.orders[place].entries.push(entry);
                self.orders[place].is_touched = true;
            }
        }
    }

    /// The order with this id, if the client knows it.
    pub(crate) fn find(&self, order_id: &str) -> Option<&Booked> {
        self.orders.iter().find(|order| order.order_id == order_id)
    }

    /// The entry that the unanswered call would have made on this order.
    pub(crate) fn unanswered_entry(&self, order: usize) -> Option<&Entry> {
        match &self.unanswered.as_ref()?.effect {
            Effect::Change(place, entry) if *place == order => Some(entry),
            _ => None,
        }
    }

    /// The package that the unanswered call would have made.
    pub(crate) fn unanswered_package(&self) -> Option<&str> {
        match &self.unanswered.as_ref()?.effect {
            Effect::Package(package_id) => Some(package_id),
            _ => None,
        }
    }

    /// Whether the unanswered call places an order.
    pub(crate) fn is_placing(&self) -> bool {
        matches!(self.unanswered.as_ref().map(|call| &call.effect), Some(Effect::Place))
    }
}

/// Adds up the tallies of all clients.
pub(crate) fn tallies(clients: &[Client]) -> BTreeMap<&'static str, u64> {
    let mut sum = BTreeMap::new();
    for (kind, count) in clients.iter().flat_map(|client| &client.tally) {
        *sum.entry(*kind).or_default() += count;
    }
    sum
}
