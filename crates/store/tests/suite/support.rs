//! A store of its own for each test, with the things that every test needs.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::order::Refusal;
use domain::{Actor, AppId, Id, Roles, TenantId, UnixMs};
use futures_util::FutureExt;
use store::audit::By;
use store::content::{self, Comment, FinalResult, Form, Person, ReportSource, Stage};
use store::order_pages::{BEGINNING, OrderFilter};
use store::tenants::{NewTenant, Tenant, TenantSettings};
use store::{
    CommandResult, Key, Location, NewReport, Opening, OrderCommand, Request, Saved, Store,
};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// The instant at which the tests happen.
pub(crate) const NOW: UnixMs = UnixMs(1_795_000_000_000);
/// A key of the control API, at an instant.
pub(crate) const fn by_key(key_id: Id, at: UnixMs) -> By {
    By { actor: Actor::api_key(key_id, key_id, Roles::NONE), at }
}

/// Later than every id.
pub(crate) const END: Id = Id(i64::MAX);
/// Who makes and changes things.
pub(crate) const BY: By = By::system(NOW);
pub(crate) const PLACER: Actor = Actor::api_key(Id(10), Id(10), Roles::NONE);
pub(crate) const APPROVER: Actor = Actor::api_key(Id(11), Id(11), Roles::NONE);

/// The key under which every test opens its store.
pub(crate) fn root() -> Key {
    Key::new([7; 32])
}

/// Runs each behaviour on both engines.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::support::World::on_sqlite(super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::support::World::on_postgres(super::$name).await;
            })+
        }
    };
}
/// Runs each behaviour on both engines, and on PostgreSQL once more with a desk that works tenant by tenant.
macro_rules! on_every_desk {
    ($($name:ident),+ $(,)?) => {
        $crate::support::on_both!($($name),+);
        mod tenant_local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::support::World::on_tenant_local(super::$name).await;
            })+
        }
    };
}
pub(crate) use on_both;
pub(crate) use on_every_desk;

/// One store on a database that nobody else uses.
pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    pub(crate) location: Location,
    opening: Opening,
    _folder: Option<TempDir>,
}

impl World {
    /// A store that stands somewhere else.
    pub(crate) fn of(store: Arc<Store>, location: Location) -> World {
        World { store, location, opening: Opening::default(), _folder: None }
    }

    /// Runs a behaviour on SQLite.
    pub(crate) async fn on_sqlite(behaviour: impl AsyncFnOnce(&World)) {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("probity.db"));
        let store = Arc::new(Store::open(&location, root(), NOW).await.unwrap());
        let opening = Opening::default();
        behaviour(&World { store, location, opening, _folder: Some(folder) }).await;
    }

    /// Runs a behaviour on PostgreSQL, in a database that is dropped afterwards.
    pub(crate) async fn on_postgres(behaviour: impl AsyncFnOnce(&World)) {
        World::on_opened(Opening::default(), behaviour).await;
    }

    /// The same with transactions of one tenant each.
    pub(crate) async fn on_tenant_local(behaviour: impl AsyncFnOnce(&World)) {
        let opening = Opening { is_tenant_local: true, ..Opening::default() };
        World::on_opened(opening, behaviour).await;
    }

    async fn on_opened(opening: Opening, behaviour: impl AsyncFnOnce(&World)) {
        let Some(database) = Database::create().await else { return };
        let location = Location::Postgres(database.url.clone());
        let store = Store::open_as(&location, root(), NOW, &opening).await.unwrap();
        let world = World { store: Arc::new(store), location, opening, _folder: None };
        let done = AssertUnwindSafe(behaviour(&world)).catch_unwind().await;
        drop(world);
        database.destroy().await;
        done.unwrap_or_else(|panic| resume_unwind(panic));
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.location, Location::Sqlite(_))
    }

    /// Another process's view of the same database: on SQLite, which one process has to itself, of a copy.
    pub(crate) async fn replica(&self) -> Store {
        Store::open_as(&self.copy().await, root(), NOW, &self.opening).await.unwrap()
    }

    /// Where another process may open the database as it stands: on SQLite a copy.
    pub(crate) async fn copy(&self) -> Location {
        let Location::Sqlite(path) = &self.location else { return self.location.clone() };
        let copy = (0..).map(|number| path.with_extension(format!("copy-{number}")));
        let copy = copy.into_iter().find(|copy| !copy.exists()).unwrap();
        self.raw(&format!("VACUUM INTO '{}'", copy.display())).await;
        // As a restore leaves it: no process works on it.
        raw_sqlite(&copy, "UPDATE write_probe SET is_running = 0");
        Location::Sqlite(copy)
    }

    /// Rows of a statement that goes past the store, each column as bytes of its text or blob.
    pub(crate) async fn raw(&self, sql: &str) -> Vec<Vec<Vec<u8>>> {
        match &self.location {
            Location::Sqlite(path) => raw_sqlite(path, sql),
            Location::Postgres(url) => raw_postgres(url, sql).await,
        }
    }

    /// The whole number that a statement gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.raw(sql).await;
        String::from_utf8(rows[0][0].clone()).unwrap().parse().unwrap()
    }

    /// How many rows stand in each table that commands write.
    pub(crate) async fn counts(&self) -> Counts {
        let tables =
            ["orders", "timeline_entries", "stage_keys", "reports", "events", "deliveries"];
        let counts = tables.map(|table| format!("(SELECT count(*) FROM {table})")).join(", ");
        let row = self.raw(&format!("SELECT {counts}")).await.remove(0);
        let numbers: Vec<i64> = row
            .into_iter()
            .map(|number| String::from_utf8(number).unwrap().parse().unwrap())
            .collect();
        let [orders, entries, stages, reports, events, deliveries] = numbers.try_into().unwrap();
        Counts { orders, entries, stages, reports, events, deliveries }
    }

    /// A tenant with these switches, and a vendor's app.
    pub(crate) async fn scene(&self, report_approval: bool, four_eyes: bool) -> Scene {
        let tenant_id = TenantId(self.store.make_id(NOW).0.wrapping_mul(0x9e37_79b9));
        let settings = TenantSettings {
            report_approval,
            four_eyes,
            retention_days: 365,
            locale: "zh-CN".into(),
            ..TenantSettings::default()
        };
        let tenant = new_tenant(&self.store, tenant_id, settings);
        assert_eq!(self.store.create_tenant(BY, &tenant, None).await.unwrap(), Saved::Done);
        let tenant = self.store.find_tenant(tenant_id).await.unwrap().unwrap();
        Scene { tenant, app_id: AppId(77) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) orders: i64,
    pub(crate) entries: i64,
    pub(crate) stages: i64,
    pub(crate) reports: i64,
    pub(crate) events: i64,
    pub(crate) deliveries: i64,
}

pub(crate) fn new_tenant(
    store: &Store,
    tenant_id: TenantId,
    settings: TenantSettings,
) -> NewTenant {
    let mut api_key_hash = [1; 32];
    api_key_hash[..8].copy_from_slice(&tenant_id.0.to_be_bytes());
    NewTenant {
        tenant_id,
        name: "启明科技".into(),
        settings,
        api_key_id: store.make_id(NOW),
        api_key_hash,
        at: NOW,
    }
}

fn raw_sqlite(path: &PathBuf, sql: &str) -> Vec<Vec<Vec<u8>>> {
    use rusqlite::types::ValueRef;
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let bytes = |index| match row.get_ref(index).unwrap() {
            ValueRef::Null => Vec::new(),
            ValueRef::Integer(value) => value.to_string().into_bytes(),
            ValueRef::Real(value) => value.to_string().into_bytes(),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
        };
        found.push((0..columns).map(bytes).collect());
    }
    found
}

async fn raw_postgres(url: &str, sql: &str) -> Vec<Vec<Vec<u8>>> {
    use tokio_postgres::types::Type;
    let client = connect(url).await.unwrap();
    let rows = client.query(sql, &[]).await.unwrap();
    let bytes = |row: &tokio_postgres::Row, index: usize| match *row.columns()[index].type_() {
        Type::INT8 => row.get::<_, Option<i64>>(index).map(|value| value.to_string().into_bytes()),
        Type::INT4 => row.get::<_, Option<i32>>(index).map(|value| value.to_string().into_bytes()),
        Type::BYTEA => row.get(index),
        _ => row.get::<_, Option<String>>(index).map(String::into_bytes),
    };
    let columns = |row: &tokio_postgres::Row| {
        (0..row.len()).map(|index| bytes(row, index).unwrap_or_default()).collect()
    };
    rows.iter().map(columns).collect()
}

pub(crate) async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let mut config: tokio_postgres::Config = url.parse().unwrap();
    config.connect_timeout(Duration::from_secs(5));
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A database on the PostgreSQL server that the tests use.
pub(crate) struct Database {
    server: tokio_postgres::Client,
    name: String,
    pub(crate) url: String,
}

impl Database {
    /// An empty database; none, with a line that says so, where no server is reached and none is demanded.
    pub(crate) async fn create() -> Option<Database> {
        let is_demanded = is_demanded();
        let server_url = std::env::var("DATABASE_URL")
            .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
        let server = match connect(&server_url).await {
            Ok(server) => server,
            Err(error) if is_demanded => panic!("PostgreSQL is demanded: {error}"),
            Err(error) => {
                println!("skipped: PostgreSQL is not reachable: {error}");
                return None;
            }
        };
        let tag = u64::from_be_bytes(Key::random().bytes()[..8].try_into().unwrap());
        let name = format!("probity_test_{tag:016x}");
        server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0")).await.unwrap();
        let (address, query) = match server_url.split_once('?') {
            Some((address, query)) => (address, format!("?{query}")),
            None => (server_url.as_str(), String::new()),
        };
        let (server_part, _) = address.rsplit_once('/').expect("the URL names a database");
        Some(Database { server, url: format!("{server_part}/{name}{query}"), name })
    }

    pub(crate) async fn destroy(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        self.server.batch_execute(&drop).await.unwrap();
    }
}

/// Whether a test that cannot run is a failure.
pub(crate) fn is_demanded() -> bool {
    ["DEMANDED", "CI"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Waits until it is so; looks again and again, for at most 20 seconds.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !is_so().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect(what);
}

/// Gives a command that must be accepted; its order.
pub(crate) async fn accepted(store: &Store, command: OrderCommand) -> Id {
    match store.command(command).await.unwrap() {
        CommandResult::Accepted(order_id) => order_id,
        other => panic!("expected an accepted command, found {other:?}"),
    }
}

/// Gives a command that must be refused; why it was.
pub(crate) async fn refused(store: &Store, command: OrderCommand) -> Refusal {
    match store.command(command).await.unwrap() {
        CommandResult::Refused(refusal) => refusal,
        other => panic!("expected a refused command, found {other:?}"),
    }
}

/// The ids of all orders that fit, from pages of a size that is not theirs.
pub(crate) async fn list(store: &Store, tenant: &Tenant, filter: &OrderFilter) -> Vec<Id> {
    let (mut ids, mut after) = (Vec::new(), Some(BEGINNING));
    while let Some(key) = after {
        let page = store.list_orders(tenant, filter, key, 7).await.unwrap();
        ids.extend(page.orders.iter().map(|order| order.order_id));
        after = page.next;
    }
    ids
}

/// A tenant and its vendor, as who they give commands.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) app_id: AppId,
}

impl Scene {
    pub(crate) fn command(&self, order_id: Id, actor: Actor, request: Request) -> OrderCommand {
        let tenant = Arc::clone(&self.tenant);
        OrderCommand { tenant, order_id, at: NOW, actor, request, idempotency: None }
    }

    pub(crate) fn vendor(&self) -> Actor {
        Actor::vendor(self.app_id)
    }

    pub(crate) fn place(&self) -> OrderCommand {
        let request = Request::Place {
            vendor: self.app_id,
            account_id: Id(5),
            package_id: "pkg-1".into(),
            application_id: form().application_id,
            content: content::to_text(&form()),
        };
        self.command(Id(0), PLACER, request)
    }

    pub(crate) fn progress(&self, order_id: Id, stage_id: &str, time_ms: i64) -> OrderCommand {
        self.progress_with(order_id, stage(stage_id, time_ms), Vec::new())
    }

    pub(crate) fn progress_with(
        &self,
        order_id: Id,
        stage: Stage,
        reports: Vec<NewReport>,
    ) -> OrderCommand {
        let content = content::to_text(&stage);
        let request = Request::Progress {
            stage_id: stage.stage_id,
            stage_time_ms: stage.stage_time_ms,
            canonical: canonical(&content, &reports),
            content,
            reports,
        };
        self.command(order_id, self.vendor(), request)
    }

    pub(crate) fn result(&self, order_id: Id, text: &str) -> OrderCommand {
        self.result_with(order_id, text, Vec::new())
    }

    pub(crate) fn result_with(
        &self,
        order_id: Id,
        text: &str,
        reports: Vec<NewReport>,
    ) -> OrderCommand {
        let content = content::to_text(&final_result(text));
        let canonical = canonical(&content, &reports);
        self.command(order_id, self.vendor(), Request::Result { canonical, content, reports })
    }

    pub(crate) fn cancel(&self, order_id: Id) -> OrderCommand {
        self.command(order_id, self.vendor(), Request::Cancel)
    }

    pub(crate) fn terminate(&self, order_id: Id, reason: &str) -> OrderCommand {
        self.command(order_id, PLACER, Request::Terminate { content: words(reason) })
    }

    pub(crate) fn approve(&self, order_id: Id) -> OrderCommand {
        self.command(
            order_id,
            APPROVER,
            Request::Approve { result_number: None, content: words("可以录用") },
        )
    }

    pub(crate) fn reject(&self, order_id: Id, reason: &str) -> OrderCommand {
        self.command(
            order_id,
            APPROVER,
            Request::Reject { result_number: None, returned_event: false, content: words(reason) },
        )
    }

    pub(crate) fn withdraw(&self, order_id: Id) -> OrderCommand {
        self.command(order_id, PLACER, Request::Withdraw)
    }
}

fn canonical(content: &[u8], reports: &[NewReport]) -> Vec<u8> {
    let parts = reports.iter().map(|report| report.content.as_slice());
    std::iter::once(content).chain(parts).collect::<Vec<_>>().join(&b'\n')
}

pub(crate) fn words(text: &str) -> Vec<u8> {
    content::to_text(&Comment { text: text.into() })
}

pub(crate) fn stage(stage_id: &str, stage_time_ms: i64) -> Stage {
    Stage {
        stage_id: stage_id.into(),
        stage_name: "学历核实".into(),
        stage_en_name: Some("education".into()),
        stage_time_ms,
        result: None,
        operator_role: 1,
    }
}

pub(crate) fn final_result(text: &str) -> FinalResult {
    FinalResult { result: text.into(), result_time_ms: 1_794_999_999_000, operator_role: 1 }
}

pub(crate) fn report(name: &str, url: &str) -> NewReport {
    NewReport { is_preview: false, content: content::to_text(&source(name, url)) }
}

pub(crate) fn preview(name: &str, url: &str) -> NewReport {
    NewReport { is_preview: true, content: content::to_text(&source(name, url)) }
}

pub(crate) fn source(name: &str, url: &str) -> ReportSource {
    ReportSource { name: name.into(), url: url.into(), log_id: None }
}

pub(crate) fn form() -> Form {
    Form {
        additional_item_ids: vec!["item-1".into(), "item-2".into()],
        comment: "请尽快".into(),
        candidate: Person {
            name: "张小鱼".into(),
            mobile_code: "86".into(),
            mobile_number: "13900001234".into(),
            email: "xiaoyu@candidate.example".into(),
            first_name: "Xiaoyu".into(),
            last_name: "Zhang".into(),
        },
        client_contact: Person { name: "李委托".into(), ..Person::default() },
        custom_fields: vec![("id_number".into(), "110101199003070000".into())],
        application_id: "6931286400470354183".into(),
        location_code: "CT_3".into(),
        form_id: None,
        files: Vec::new(),
    }
}
