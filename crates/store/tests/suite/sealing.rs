//! Personal data is sealed, each text for its own row, all under the root key.

use std::path::Path;

use domain::Id;
use domain::delivery::DeliveryState;
use store::answers::StoredAnswer;
use store::content::HttpExchange;
use store::deliveries::NewAttempt;
use store::{FaultKind, IdempotencyKey, Key, Location, Store};

use crate::support::*;
use crate::tenancy::{new_account, new_app};

on_both!(
    nothing_personal_is_readable,
    an_altered_text_does_not_open,
    a_text_in_another_row_does_not_open,
    an_orders_key_in_another_order_does_not_open,
    a_wrong_root_key_opens_nothing,
);

/// Texts that must not be found anywhere; each is written by one of the calls below.
const CANARIES: &[&str] = &[
    "canary-name",
    "13987654321",
    "canary@person.example",
    "canary-first",
    "canary-contact",
    "canary-comment",
    "canary-field",
    "canary-stage-result",
    "canary-result",
    "canary-reason",
    "canary-report-name",
    "canary-report-url",
    "canary-request",
    "canary-response",
    "canary-account-field",
    "canary-token",
    "canary-encrypt-key",
    "canary-answer",
    "canary-stage-id",
    "canary-application",
];

async fn write_canaries(world: &World) {
    let scene = world.scene(true, false).await;
    let store = &world.store;
    let mut form = form();
    form.candidate.name = "canary-name".into();
    form.candidate.mobile_number = "13987654321".into();
    form.candidate.email = "canary@person.example".into();
    form.candidate.first_name = "canary-first".into();
    form.client_contact.name = "canary-contact".into();
    form.comment = "canary-comment".into();
    form.custom_fields = vec![("k".into(), "canary-field".into())];
    form.application_id = "canary-application".into();
    let mut index = scene.place();
    let store::Request::Place { content, .. } = &mut index.request else { unreachable!() };
    *content = store::content::to_text(&form);
    let order_id = accepted(store, index).await;
    let mut said = stage("canary-stage-id", 100);
    said.result = Some("canary-stage-result".into());
    let reports = vec![report("canary-report-name", "https://v.example/canary-report-url")];
    accepted(store, scene.progress_with(order_id, said, reports)).await;
    accepted(store, scene.result(order_id, "canary-result")).await;
    accepted(store, scene.reject(order_id, "canary-reason")).await;
    let mut app = new_app(store, scene.app_id, None);
    app.secrets.verification_token = "canary-token".into();
    app.secrets.encrypt_key = "canary-encrypt-key".into();
    let key = IdempotencyKey {
        tenant_id: scene.tenant.tenant_id,
        actor_id: Id(1),
        key_digest: [1; 16],
        request_digest: [1; 16],
    };
    let stored = StoredAnswer { key, http_status: 201, body: b"canary-answer".to_vec(), at: NOW };
    store.create_app(BY, &app, Some(&stored)).await.unwrap();
    let mut account = new_account(store, scene.app_id);
    account.custom_fields = vec![("k".into(), "canary-account-field".into())];
    store.bind_account(BY, &scene.tenant, &account, None).await.unwrap();
    for claimed in store.claim_deliveries(NOW, NOW.plus_ms(1), 10).await.unwrap() {
        let exchange = HttpExchange {
            request: "canary-request".into(),
            response: "canary-response".into(),
            connection_id: None,
        };
        let (outcome, http_status) = ("delivered".into(), Some(200));
        let attempt = NewAttempt { at: NOW, took_ms: 1, outcome, http_status, exchange };
        let done = DeliveryState::Delivered;
        assert!(
            store.finish_delivery(&scene.tenant, &claimed, &attempt, done, None).await.unwrap()
        );
    }
}

async fn nothing_personal_is_readable(world: &World) {
    write_canaries(world).await;
    let stored = everything(world).await;
    assert!(found(&stored, "pkg-1"), "the search finds what stands open");
    for canary in CANARIES {
        assert!(!found(&stored, canary), "{canary} is readable");
    }
    for secret in [root().bytes().as_slice(), world.store.secrets().tokens.bytes()] {
        assert!(!stored.iter().any(|part| part.windows(32).any(|bytes| bytes == secret)));
    }
}

fn found(stored: &[Vec<u8>], text: &str) -> bool {
    stored.iter().any(|part| part.windows(text.len()).any(|bytes| bytes == text.as_bytes()))
}

/// All that the engine keeps: SQLite's files as they lie there, PostgreSQL's rows column by column.
async fn everything(world: &World) -> Vec<Vec<u8>> {
    let mut stored = Vec::new();
    match &world.location {
        Location::Sqlite(path) => {
            for file in std::fs::read_dir(path.parent().unwrap_or(Path::new("/"))).unwrap() {
                stored.push(std::fs::read(file.unwrap().path()).unwrap());
            }
            assert!(stored.len() >= 2, "the database and its WAL");
        }
        Location::Postgres(_) => {
            let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'";
            for table in world.raw(tables).await {
                let table = String::from_utf8(table[0].clone()).unwrap();
                let columns = format!(
                    "SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}' \
                     AND data_type IN ('bigint', 'text', 'bytea')"
                );
                let columns = world.raw(&columns).await;
                let columns: Vec<_> = columns
                    .iter()
                    .map(|row| String::from_utf8_lossy(&row[0]).into_owned())
                    .collect();
                if columns.is_empty() {
                    continue;
                }
                let rows = world.raw(&format!("SELECT {} FROM {table}", columns.join(", "))).await;
                stored.extend(rows.into_iter().flatten());
            }
        }
    }
    stored
}

/// Where sealed texts stand: table, column, and the key's column.
const SEALED: &[(&str, &str, &str)] = &[
    ("orders", "wrapped_key", "order_id"),
    ("timeline_entries", "sealed", "entry_id"),
    ("reports", "sealed", "report_id"),
    ("accounts", "sealed", "account_id"),
    ("attempts", "sealed", "event_no"),
    ("apps", "sealed", "app_id"),
    ("tenants", "wrapped_key", "tenant_id"),
    ("idempotency", "sealed", "key_digest"),
];

/// Two of everything that is sealed, for two orders of one tenant.
struct Sealed {
    scene: Scene,
    orders: [Id; 2],
    accounts: [Id; 2],
    keys: [IdempotencyKey; 2],
}

async fn write_two_of_all(world: &World) -> Sealed {
    let store = &world.store;
    let scene = world.scene(true, false).await;
    world.scene(true, false).await;
    let (mut orders, mut accounts, mut keys) = ([Id(0); 2], [Id(0); 2], Vec::new());
    for index in 0..2_u8 {
        let order_id = accepted(store, scene.place()).await;
        let reports = vec![report("a", "https://v.example/a")];
        accepted(store, scene.result_with(order_id, "绿灯", reports)).await;
        let account = new_account(store, scene.app_id);
        store.bind_account(BY, &scene.tenant, &account, None).await.unwrap();
        let key = IdempotencyKey {
            tenant_id: scene.tenant.tenant_id,
            actor_id: Id(1),
            key_digest: [index; 16],
            request_digest: [1; 16],
        };
        let stored = StoredAnswer { key, http_status: 201, body: b"{}".to_vec(), at: NOW };
        let app_id = domain::AppId(100 + i64::from(index));
        store.create_app(BY, &new_app(store, app_id, None), Some(&stored)).await.unwrap();
        (orders[usize::from(index)], accounts[usize::from(index)]) = (order_id, account.account_id);
        keys.push(key);
    }
    for claimed in store.claim_deliveries(NOW, NOW.plus_ms(1), 10).await.unwrap() {
        let (outcome, exchange) = ("delivered".into(), HttpExchange::default());
        let attempt = NewAttempt { at: NOW, took_ms: 1, outcome, http_status: None, exchange };
        let done = DeliveryState::Delivered;
        assert!(
            store.finish_delivery(&scene.tenant, &claimed, &attempt, done, None).await.unwrap()
        );
    }
    Sealed { scene, orders, accounts, keys: keys.try_into().unwrap() }
}

/// The kinds of fault with which everything is read by a process that remembers nothing.
async fn faults(world: &World, sealed: &Sealed) -> Vec<FaultKind> {
    let store = world.replica().await;
    let mut faults = Vec::new();
    let mut note = |fault: Option<store::Fault>| faults.extend(fault.map(|fault| fault.kind()));
    let tenant = &sealed.scene.tenant;
    for index in 0..2 {
        let order_id = sealed.orders[index];
        note(store.find_order(tenant, order_id).await.err());
        note(store.list_deliveries(tenant, order_id, Some(order_id)).await.err());
        let account_id = sealed.accounts[index];
        note(store.find_account(tenant, account_id).await.err());
        note(store.list_deliveries(tenant, account_id, None).await.err());
        note(store.find_used_key(&sealed.keys[index], NOW).await.err());
    }
    note(store.list_apps(None, 10).await.err());
    note(store.list_tenants(None, 10).await.err());
    faults
}

async fn an_altered_text_does_not_open(world: &World) {
    let sealed = write_two_of_all(world).await;
    assert_eq!(faults(world, &sealed).await, []);
    for (table, column, key) in SEALED {
        let row = first_row(table, key);
        let whole = world.raw(&format!("SELECT {column} FROM {table} WHERE {row}")).await;
        let mut altered = whole[0][0].clone();
        let last = altered.len() - 1;
        altered[last] ^= 1;
        put(world, table, column, &row, &altered).await;
        let found = faults(world, &sealed).await;
        assert!(
            !found.is_empty() && found.iter().all(|kind| *kind == FaultKind::Damaged),
            "{table}: {found:?}"
        );
        put(world, table, column, &row, &whole[0][0]).await;
    }
    assert_eq!(faults(world, &sealed).await, []);
}

async fn a_text_in_another_row_does_not_open(world: &World) {
    let sealed = write_two_of_all(world).await;
    for (table, column, key) in SEALED {
        let rows = world.raw(&format!("SELECT {column} FROM {table} ORDER BY {key}")).await;
        let (first, second) = (&rows[0][0], &rows[1][0]);
        assert_ne!(first, second);
        let row = first_row(table, key);
        put(world, table, column, &row, second).await;
        let found = faults(world, &sealed).await;
        assert!(
            !found.is_empty() && found.iter().all(|kind| *kind == FaultKind::Damaged),
            "{table}: {found:?}"
        );
        put(world, table, column, &row, first).await;
    }
    assert_eq!(faults(world, &sealed).await, []);
}

fn first_row(table: &str, key: &str) -> String {
    format!("{key} = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1)")
}

async fn put(world: &World, table: &str, column: &str, row: &str, bytes: &[u8]) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let literal =
        if world.is_sqlite() { format!("x'{hex}'") } else { format!("'\\x{hex}'::bytea") };
    world.raw(&format!("UPDATE {table} SET {column} = {literal} WHERE {row}")).await;
}

async fn an_orders_key_in_another_order_does_not_open(world: &World) {
    let sealed = write_two_of_all(world).await;
    let [order_id, other] = sealed.orders;
    let key = format!("(SELECT wrapped_key FROM orders WHERE order_id = {})", other.0);
    world
        .raw(&format!("UPDATE orders SET wrapped_key = {key} WHERE order_id = {}", order_id.0))
        .await;
    let scene = &sealed.scene;
    let fault = world.store.find_order(&scene.tenant, order_id).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Damaged);
    // A command that must write there is no success either, and spoils no other.
    let commands = [order_id, other].map(|order_id| {
        let store = world.store.clone();
        let command = scene.reject(order_id, "缺学历");
        async move { store.command(command).await }
    });
    let [damaged, whole] = futures_util::future::join_all(commands).await.try_into().unwrap();
    assert_eq!(damaged.unwrap_err().kind(), FaultKind::Damaged);
    assert_eq!(whole.unwrap(), store::CommandResult::Accepted(other));
    assert!(!world.store.is_failing(), "storage itself is well");
}

async fn a_wrong_root_key_opens_nothing(world: &World) {
    world.scene(false, false).await;
    let Err(fault) = Store::open(&world.copy().await, Key::new([8; 32]), NOW).await else {
        panic!("a wrong root key was taken");
    };
    assert_eq!(fault.kind(), FaultKind::WrongRootKey);
    world.replica().await;
}
