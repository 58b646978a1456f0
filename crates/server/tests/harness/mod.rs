//! A World for tests from end to end: a server that was really started, on either engine, with a clock that is
//! moved by hand, and callers for everybody who talks to it.
//!
//! ```ignore
//! mod harness;
//! use harness::World;
//!
//! #[tokio::test]
//! async fn a_placed_order_is_arranged() {
//!     World::each(async |world| {
//!         let seed = world.seed().await;
//!         let order = world.place(&seed).await;
//!         assert_eq!(order.state, OrderState::Arranged);
//!     })
//!     .await;
//! }
//! ```

#![allow(dead_code, reason = "every test file uses its own part of the harness")]
#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod database;
pub(crate) mod filed;
mod granted;
pub(crate) mod queries;
pub(crate) mod rows;
pub(crate) mod scene;
pub(crate) mod store_app;
pub(crate) mod wire;

use std::net::SocketAddr;
use std::path::Path;

use client::control::Control;
use client::vendor::Vendor;
use contract::control::{
    Account, CandidateInfo, ClientContactInfo, CreateAccount, CreateApiKey, CreateApp,
    CreateTenant, CreatedApp, Mobile, Order, PlaceOrder,
};
use contract::package::{CreatePackages, PackageEntry};
use contract::scope::Scope;
use domain::{TenantId, UnixMs};
use server::{Config, Server, SharedApp};
use system::clock::Clock;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use database::Database;

/// Where the manual clock stands when a World begins: 2026-11-18T12:26:40.000Z.
pub(crate) const BEGIN: UnixMs = UnixMs(1_795_004_800_000);
/// The package that [`World::bind`] publishes.
pub(crate) const PACKAGE: &str = "pkg-a";
/// The additional item that [`World::bind`] publishes.
pub(crate) const ITEM: &str = "item-a";

/// What a World keeps its memory on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// The embedded one, in a folder of the World's own.
    Sqlite,
    /// `DATABASE_URL`, else 127.0.0.1:5432; a database of the World's own.
    Postgres,
}

/// A running server and everybody who talks to it. Dropped, it stops and leaves nothing behind.
pub(crate) struct World {
    /// What the server shares with its handlers: memory, objects, settings.
    pub(crate) app: SharedApp,
    /// What it keeps its memory on.
    pub(crate) engine: Engine,
    /// The only time that passes.
    pub(crate) clock: Clock,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The operator's key, `pbo_…`.
    pub(crate) operator_key: String,
    /// The operator's caller.
    pub(crate) operator: Control,
    /// For requests that no SDK would send.
    pub(crate) http: reqwest::Client,
    has_workers: bool,
    // In this order: the server stops before its memory goes.
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
    database: Option<Database>,
    folder: TempDir,
}

/// A tenant and its first key.
#[derive(Clone)]
pub(crate) struct Hirer {
    pub(crate) tenant_key: String,
    pub(crate) tenant_id: TenantId,
    /// `pbt_…`, role admin.
    pub(crate) key: String,
    /// A caller with the key.
    pub(crate) control: Control,
}

/// A tenant, a vendor's app with all scopes, and an account with one package and one additional item.
#[derive(Clone)]
pub(crate) struct Seed {
    pub(crate) hirer: Hirer,
    pub(crate) app: CreatedApp,
    pub(crate) vendor: Vendor,
    pub(crate) account: Account,
}

impl Engine {
    /// The engines to test on: SQLite, and PostgreSQL when it answers.
    ///
    /// # Panics
    /// When PostgreSQL is demanded (`DEMANDED=1` or `CI=true`) and does not answer.
    pub(crate) async fn available() -> Vec<Engine> {
        match database::check().await {
            Ok(()) => vec![Engine::Sqlite, Engine::Postgres],
            Err(why) if is_demanded() => panic!("PostgreSQL is demanded: {why}"),
            Err(why) => {
                eprintln!("skipped on PostgreSQL: {why}");
                vec![Engine::Sqlite]
            }
        }
    }
}

/// Whether parts that need installed programs must run instead of being skipped.
pub(crate) fn is_demanded() -> bool {
    ["DEMANDED", "CI"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| value == "1" || value == "true"))
}

impl World {
    /// Runs `test` in a World of its own on every engine that there is.
    pub(crate) async fn each(test: impl AsyncFn(World)) {
        for engine in Engine::available().await {
            eprintln!("on {engine:?}");
            test(World::on(engine).await).await;
        }
    }

    /// A World whose workers do not run: the test takes their steps itself.
    pub(crate) async fn on(engine: Engine) -> World {
        World::start(engine, Clock::manual(BEGIN), false, |_| {}).await
    }

    /// A World with everything chosen. Loopback may be called unless `adjust` changes that.
    pub(crate) async fn start(
        engine: Engine,
        clock: Clock,
        has_workers: bool,
        adjust: impl FnOnce(&mut Config),
    ) -> World {
        let folder = TempDir::new().unwrap();
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Database::create().await.unwrap()),
        };
        let mut config = Config {
            data: folder.path().join("data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: database.as_ref().map(|database| database.url.clone()),
            allow_outbound: vec!["127.0.0.1".to_owned()],
            ..Config::default()
        };
        adjust(&mut config);
        let data = config.data.clone();
        let server = Server::bind(config, clock.clone()).await.unwrap();
        let (app, address) = (SharedApp::clone(&server.app), server.address());
        let (stop, running) = run(server, has_workers);
        let operator_key = read_operator_key(&data);
        let operator = Control::new(&format!("http://{address}"), &operator_key).unwrap();
        // Whoever came first has set it, with the same.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let stop = Some(stop);
        World {
            app,
            engine,
            clock,
            address,
            operator_key,
            operator,
            http,
            has_workers,
            stop,
            running,
            database,
            folder,
        }
    }

    /// Stops the server and waits for its end.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.running).await.unwrap();
        self.running = tokio::spawn(async {});
    }

    /// Stops the server, waits for its end, and starts another one on the same memory and address.
    pub(crate) async fn restart(&mut self) {
        self.restart_with(|_| {}).await;
    }

    /// The same, with other settings.
    pub(crate) async fn restart_with(&mut self, adjust: impl FnOnce(&mut Config)) {
        self.stop().await;
        let mut config = Config { listen: self.address, ..self.app.config.clone() };
        adjust(&mut config);
        let server = Server::bind(config, self.clock.clone()).await.unwrap();
        self.app = SharedApp::clone(&server.app);
        let (stop, running) = run(server, self.has_workers);
        (self.stop, self.running) = (Some(stop), running);
    }

    /// The data folder: database file, reports, keys.
    pub(crate) fn data(&self) -> &Path {
        &self.app.config.data
    }

    /// The server's address, without a slash at the end.
    pub(crate) fn server(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A caller of the control API with any key.
    pub(crate) fn control(&self, key: &str) -> Control {
        Control::new(&self.server(), key).unwrap()
    }

    /// A request as it stands, `path` from the root: `/api/v1/tenants`; without a key when it is empty.
    pub(crate) fn request(&self, method: &str, path: &str, key: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        let request = self.http.request(method, format!("{}{path}", self.server()));
        if key.is_empty() { request } else { request.bearer_auth(key) }
    }

    /// A tenant with the default settings: no review.
    pub(crate) async fn hirer(&self) -> Hirer {
        self.hirer_with(&CreateTenant::named("星河科技")).await
    }

    /// A tenant with these settings.
    pub(crate) async fn hirer_with(&self, body: &CreateTenant) -> Hirer {
        let created = self.operator.create_tenant(body).await.unwrap();
        Hirer {
            tenant_id: created.tenant.tenant_key.parse().unwrap(),
            tenant_key: created.tenant.tenant_key,
            control: self.control(&created.api_key),
            key: created.api_key,
        }
    }

    /// A key of the tenant with other roles than admin, named with blanks between them.
    pub(crate) async fn member_key(&self, hirer: &Hirer, role: &str) -> String {
        let roles = role.split(' ').map(|role| serde_json::from_value(role.into()).unwrap());
        let body = CreateApiKey {
            name: role.to_owned(),
            owner: "a test".to_owned(),
            roles: roles.collect(),
            ..CreateApiKey::default()
        };
        hirer.control.create_api_key(&hirer.tenant_key, &body).await.unwrap().api_key
    }

    /// A self-built app of the tenant with every scope; its events go to `callback_url`.
    pub(crate) async fn create_app(
        &self,
        hirer: &Hirer,
        callback_url: Option<&str>,
        encrypted: bool,
    ) -> CreatedApp {
        let body = CreateApp {
            name: "诚信背调".to_owned(),
            tenant_key: Some(hirer.tenant_key.clone()),
            scopes: Scope::ALL.iter().map(|scope| scope.as_str().to_owned()).collect(),
            callback_url: callback_url.map(str::to_owned),
            encrypted,
            ..CreateApp::default()
        };
        self.create_granted(&body).await.unwrap()
    }

    /// The vendor's caller for an app.
    pub(crate) fn vendor(&self, app: &CreatedApp) -> Vendor {
        Vendor::new(&self.server(), &app.app.app_id, &app.app_secret).unwrap()
    }

    /// Binds an account to the app; the vendor publishes [`PACKAGE`] and [`ITEM`] for it.
    pub(crate) async fn bind(&self, hirer: &Hirer, app: &CreatedApp) -> Account {
        let body = CreateAccount::new(&app.app.app_id, "华东区");
        let account = hirer.control.create_account(&hirer.tenant_key, &body).await.unwrap();
        let entry = |id: &str, name: &str| PackageEntry {
            id: id.to_owned(),
            name: name.to_owned(),
            description: None,
        };
        let packages = CreatePackages {
            account_id: account.account_id.clone(),
            package_list: vec![entry(PACKAGE, "标准套餐")],
            additional_item_list: vec![entry(ITEM, "学历核实")],
        };
        self.vendor(app).create_packages(&packages).await.unwrap();
        hirer.control.get_account(&hirer.tenant_key, &account.account_id).await.unwrap()
    }

    /// A tenant without review, an app without an endpoint, and an account.
    pub(crate) async fn seed(&self) -> Seed {
        self.seed_with(&CreateTenant::named("星河科技"), None, false).await
    }

    /// A tenant whose results wait for an approver, an app without an endpoint, and an account.
    pub(crate) async fn seed_with_approval(&self) -> Seed {
        let body = CreateTenant { report_approval: true, ..CreateTenant::named("星河科技") };
        self.seed_with(&body, None, false).await
    }

    /// A tenant with these settings, an app whose events go to `callback_url`, and an account.
    pub(crate) async fn seed_with(
        &self,
        tenant: &CreateTenant,
        callback_url: Option<&str>,
        encrypted: bool,
    ) -> Seed {
        let hirer = self.hirer_with(tenant).await;
        let app = self.create_app(&hirer, callback_url, encrypted).await;
        let account = self.bind(&hirer, &app).await;
        Seed { vendor: self.vendor(&app), hirer, app, account }
    }

    /// Places an order with [`form`].
    pub(crate) async fn place(&self, seed: &Seed) -> Order {
        let body = form(&seed.account.account_id);
        seed.hirer.control.place_order(&seed.hirer.tenant_key, &body).await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
    }
}

/// A whole order form for [`PACKAGE`] and [`ITEM`].
pub(crate) fn form(account_id: &str) -> PlaceOrder {
    let mobile = |number: &str| Mobile { code: "86".to_owned(), number: number.to_owned() };
    PlaceOrder {
        account_id: account_id.to_owned(),
        package_id: PACKAGE.to_owned(),
        additional_item_id_list: vec![ITEM.to_owned()],
        comment: "请尽快".to_owned(),
        candidate_info: CandidateInfo {
            name: "张三".to_owned(),
            mobile: Some(mobile("13800000000")),
            email: Some("zhangsan@example.com".to_owned()),
            first_name: Some("San".to_owned()),
            last_name: Some("Zhang".to_owned()),
        },
        client_contact_info: Some(ClientContactInfo {
            name: "李四".to_owned(),
            mobile: Some(mobile("13900000000")),
            email: Some("lisi@example.com".to_owned()),
        }),
        custom_field_list: Vec::new(),
        application_id: Some("7000000000000000001".to_owned()),
        location_code: Some("CN_1".to_owned()),
    }
}

/// Runs a server until what it gives is used, or gone.
fn run(server: Server, has_workers: bool) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap_or_default() };
    let running = match has_workers {
        true => tokio::spawn(server.run(stopped)),
        false => tokio::spawn(server.run_without_workers(stopped)),
    };
    (stop, running)
}

fn read_operator_key(data: &Path) -> String {
    let path = data.join(server::data_folder::OPERATOR_KEY_FILE);
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}
