//! The other end of what the workers do: an HTTP server on loopback that records what reaches it and answers by a
//! script; and the parties to deal with, written straight into the memory.

#![allow(dead_code, reason = "every test file uses its own part")]

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use contract::control::{AppKind, EventMode};
use contract::scope::Scope;
use domain::event::EventKind;
use domain::{Actor, Roles};
use domain::{AppId, Id, TenantId, UnixMs};
use store::accounts::Account;
use store::apps::{App, AppSecrets, AppSettings, Changes, OldSecrets};
use store::audit::By;
use store::content::{Comment, FinalResult, Form, Person, ReportSource, to_text};
use store::deliveries::Delivery;
use store::events::Event;
use store::tenants::{NewTenant, Tenant, TenantSettings};
use store::{CommandResult, NewReport, OrderCommand, Request, Saved};
use system::random;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::harness::World;

/// How a peer answers one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes, then the next request of the connection.
    Whole(Vec<u8>),
    /// These bytes, then the end of the connection.
    Last(Vec<u8>),
    /// These bytes, then nothing more.
    Stall(Vec<u8>),
    /// The first bytes, then the second ones again and again.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes one by one, each 100 ms after the one before.
    Drip(Vec<u8>),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `POST /path HTTP/1.1`.
    pub(crate) line: String,
    /// Names in the spelling of the wire.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The value of the header with exactly this spelling.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as an event in plain text, which must be printed as we print events.
    pub(crate) fn event(&self) -> (contract::event::Header, contract::event::Event) {
        let (header, event) = contract::event::read(&self.body).expect("an event");
        assert_eq!(contract::event::render(&header, &event), self.body, "compact, in our order");
        (header, event)
    }
}

type Script = Arc<dyn Fn(&Seen, usize) -> Reply + Send + Sync>;

/// A server that answers by a function of the request and its number; 1 is the first.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    news: Arc<Notify>,
}

impl Peer {
    pub(crate) async fn start(
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = Peer { address, seen: Arc::default(), news: Arc::default() };
        let (shared, script): (Peer, Script) = (peer.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shared, script) = (shared.clone(), Arc::clone(&script));
                tokio::spawn(async move {
                    // Who breaks off gets no answer.
                    let _ = shared.converse(stream, &script).await;
                });
            }
        });
        peer
    }

    /// A peer that answers everything with 200 and the body of the SDKs.
    pub(crate) async fn willing() -> Peer {
        Peer::start(|_, _| ok()).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Seen> {
        loop {
            let news = self.news.notified();
            if self.seen.lock().unwrap().len() >= count {
                return self.seen();
            }
            news.await;
        }
    }

    async fn converse(&self, mut stream: TcpStream, script: &Script) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut bytes = Vec::new();
        while let Some(request) = read_request(&mut stream, &mut bytes).await? {
            let number = {
                let mut seen = self.seen.lock().unwrap();
                seen.push(request.clone());
                seen.len()
            };
            self.news.notify_waiters();
            match script(&request, number) {
                Reply::Whole(bytes) => stream.write_all(&bytes).await?,
                Reply::Last(bytes) => {
                    stream.write_all(&bytes).await?;
                    return stream.shutdown().await;
                }
                Reply::Stall(bytes) => {
                    stream.write_all(&bytes).await?;
                    std::future::pending::<()>().await;
                }
                Reply::Endless(head, piece) => {
                    stream.write_all(&head).await?;
                    loop {
                        stream.write_all(&piece).await?;
                    }
                }
                Reply::Drip(bytes) => {
                    let mut pace = tokio::time::interval(std::time::Duration::from_millis(100));
                    for byte in bytes {
                        pace.tick().await;
                        stream.write_all(&[byte]).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

async fn read_request(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut lines = head.split("\r\n");
            let line = lines.next().unwrap_or_default().to_owned();
            let headers: Vec<(String, String)> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let length =
                headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = length.map_or(0, |(_, length)| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = bytes[end + 4..end + 4 + length].to_vec();
                bytes.drain(..end + 4 + length);
                return Ok(Some(Seen { line, headers, body }));
            }
        }
        let mut piece = [0; 16 * 1024];
        let count = stream.read(&mut piece).await?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&piece[..count]);
    }
}

/// An answer with its length announced; `headers` are lines with their ends.
pub(crate) fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} Status\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// What the SDKs' receivers answer.
pub(crate) fn ok() -> Reply {
    Reply::Whole(answer(200, "", br#"{"msg":"success"}"#))
}

/// A small whole PDF with these words in it.
pub(crate) fn pdf(words: &str) -> Vec<u8> {
    format!("%PDF-1.7\n1 0 obj\n<< /Type /Catalog {words} >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n")
        .into_bytes()
}

/// A tenant with an app and an account.
pub(crate) struct Parties {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) app_id: AppId,
    pub(crate) account_id: Id,
}

/// The settings of an app with all it takes to be notified of events at `callback_url`.
pub(crate) fn settings(callback_url: Option<&str>, encrypted: bool) -> AppSettings {
    AppSettings {
        name: "诚信背调".to_owned(),
        scopes: vec![Scope::BackgroundCheckOrder],
        event_mode: EventMode::Webhook,
        callback_url: callback_url.map(str::to_owned),
        encrypted,
        ip_allowlist: Vec::new(),
        is_enabled: true,
    }
}

/// The form with which [`World::placed`] places orders.
pub(crate) fn form() -> Form {
    let person = |name: &str, number: &str, email: &str| Person {
        name: name.to_owned(),
        mobile_code: "86".to_owned(),
        mobile_number: number.to_owned(),
        email: email.to_owned(),
        ..Person::default()
    };
    Form {
        additional_item_ids: vec!["item-a".to_owned()],
        comment: "加急 / \"x\"".to_owned(),
        candidate: Person {
            first_name: "San".to_owned(),
            last_name: "Zhang".to_owned(),
            ..person("张三", "13800000000", "z@example.com")
        },
        client_contact: person("李四", "13900000000", "l@example.com"),
        custom_fields: vec![("degree".to_owned(), "bachelor".to_owned())],
        ..Form::default()
    }
}

impl World {
    /// Runs the workers until they are idle.
    pub(crate) async fn settle(&self) {
        hub::work::settle(&self.app.hub).await.unwrap();
    }

    /// A tenant, an app with these settings, and an account, whose binding is an event.
    pub(crate) async fn parties(&self, settings: AppSettings) -> Parties {
        let (store, at) = (&self.app.hub.store, self.clock.now());
        let new = NewTenant {
            tenant_id: TenantId(random::bits()),
            name: "星河科技".to_owned(),
            settings: TenantSettings {
                report_approval: false,
                four_eyes: false,
                retention_days: 365,
                locale: "zh-CN".to_owned(),
                review_hours: None,
            },
            api_key_id: store.make_id(at),
            api_key_hash: random::bytes(),
            at,
        };
        assert_eq!(store.create_tenant(By::system(at), &new, None).await.unwrap(), Saved::Done);
        let tenant = store.find_tenant(new.tenant_id).await.unwrap().unwrap();
        let app = App {
            app_id: AppId(random::bits()),
            tenant_id: Some(new.tenant_id),
            kind: AppKind::SelfBuilt,
            settings,
            secret_hash: random::bytes(),
            secrets: AppSecrets {
                verification_token: "v-1".to_owned(),
                encrypt_key: "test key".to_owned(),
                old: OldSecrets::default(),
            },
            pause: None,
            changes: Changes::none(),
            version: 1,
            created_at: at,
        };
        assert_eq!(store.create_app(By::system(at), &app, None).await.unwrap(), Saved::Done);
        self.grant(&app.app_id.to_string()).await;
        let account = Account {
            account_id: store.make_id(at),
            app_id: app.app_id,
            name: "华东区".to_owned(),
            usage_list: vec![1, 2],
            custom_fields: vec![("code".to_owned(), "星-7".to_owned())],
            created_at: at,
        };
        assert_eq!(
            store.bind_account(By::system(at), &tenant, &account, None).await.unwrap(),
            Saved::Done
        );
        Parties { tenant, app_id: app.app_id, account_id: account.account_id }
    }

    /// Changes the parties' app.
    pub(crate) async fn change_app(&self, parties: &Parties, settings: &AppSettings) {
        let app = self.app.hub.store.find_app(parties.app_id).await.unwrap().unwrap();
        let by = By::system(self.clock.now());
        let saved = self.app.hub.store.update_app(by, parties.app_id, app.version, settings).await;
        assert_eq!(saved.unwrap(), Saved::Done);
        self.grant(&parties.app_id.to_string()).await;
    }

    /// Gives a command of somebody to the order desk; it must be accepted.
    pub(crate) async fn command(&self, parties: &Parties, order_id: Id, request: Request) -> Id {
        let actor = match request {
            Request::Place { .. } | Request::Terminate { .. } => {
                Actor::api_key(Id(1), Id(1), Roles::NONE)
            }
            _ => Actor::vendor(parties.app_id),
        };
        let command = OrderCommand {
            tenant: Arc::clone(&parties.tenant),
            order_id,
            at: self.clock.now(),
            actor,
            request,
            idempotency: None,
        };
        match self.app.hub.store.command(command).await.unwrap() {
            CommandResult::Accepted(id) => id,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Places an order with [`form`].
    pub(crate) async fn placed(&self, parties: &Parties) -> Id {
        let request = Request::Place {
            vendor: parties.app_id,
            account_id: parties.account_id,
            package_id: "pkg-a".to_owned(),
            application_id: String::new(),
            content: to_text(&form()),
        };
        self.command(parties, Id(0), request).await
    }

    /// Ends an order from the hirer's side.
    pub(crate) async fn terminated(&self, parties: &Parties, order_id: Id, reason: &str) {
        let content = to_text(&Comment { text: reason.to_owned() });
        self.command(parties, order_id, Request::Terminate { content }).await;
    }

    /// Places an order whose result brings reports from these addresses, the last one as a preview if so wished.
    pub(crate) async fn reported(
        &self,
        parties: &Parties,
        urls: &[String],
        is_preview: bool,
    ) -> Id {
        let order_id = self.placed(parties).await;
        let report = |(place, url): (usize, &String)| NewReport {
            is_preview: is_preview && place + 1 == urls.len(),
            content: to_text(&ReportSource {
                name: format!("报告{place}"),
                url: url.clone(),
                log_id: None,
            }),
        };
        let result = FinalResult {
            result: "绿灯".to_owned(),
            result_time_ms: self.clock.now().0,
            operator_role: 1,
        };
        let request = Request::Result {
            canonical: random::bytes::<16>().to_vec(),
            content: to_text(&result),
            reports: urls.iter().enumerate().map(report).collect(),
        };
        self.command(parties, order_id, request).await;
        order_id
    }

    /// The events of a tenant, oldest first, each with its delivery.
    pub(crate) async fn deliveries(&self, parties: &Parties) -> Vec<(Event, Delivery)> {
        let (store, tenant) = (&self.app.hub.store, &parties.tenant);
        let events = store.list_events(tenant.tenant_id, Id(i64::MAX), 1_000).await.unwrap();
        let mut found = Vec::new();
        for event in events.into_iter().rev() {
            let delivery = store.list_deliveries(tenant, event.event_id.event_no, event.order_id);
            let delivery = delivery.await.unwrap().remove(0);
            assert_eq!(delivery.state, event.delivery_state);
            found.push((event, delivery));
        }
        found
    }

    /// The first delivery of this kind.
    pub(crate) async fn delivery(&self, parties: &Parties, kind: EventKind) -> (Event, Delivery) {
        let mut found = self.deliveries(parties).await.into_iter();
        found.find(|(event, _)| event.kind == kind).expect("an event of the kind")
    }

    /// Moves the clock to an instant.
    pub(crate) fn go_to(&self, at: UnixMs) {
        self.clock.advance_ms(u64::try_from(at.ms_since(self.clock.now())).unwrap());
    }
}
