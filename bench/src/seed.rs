//! An installation to measure on: tenants, apps, accounts, packages, and orders that wait for their results.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use contract::control::{AppKind, EventMode};
use contract::scope::Scope;
use domain::UnixMs;
use domain::{Actor, Roles};
use sha2::{Digest as _, Sha256};
use store::accounts::{Account, Package, PackageKind};
use store::apps::{App, AppSecrets, AppSettings, Changes, OldSecrets};
use store::audit::By;
use store::content::{Form, Person, to_text};
use store::tenants::{NewTenant, Tenant, TenantSettings};
use store::{CommandResult, Location, OrderCommand, Request, Saved, Store};
use tokio::task::JoinSet;

use crate::names;

/// Commands under way at once: more than a batch holds, so that every commit is a full one.
const AT_ONCE: usize = 1_024;

/// One tenant with what its orders need.
pub(crate) struct Hirer {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) index: usize,
    pub(crate) account: Account,
}

/// Fills an empty database with [`names::TENANTS`] tenants and `orders` orders, evenly.
///
/// # Errors
/// When the database holds something already, or storage fails.
pub(crate) async fn seed(location: &Location, orders: u64) -> anyhow::Result<()> {
    let store = Arc::new(Store::open(location, names::root_key(), now()).await?);
    let started = Instant::now();
    let mut hiring = JoinSet::new();
    for index in 0..names::TENANTS {
        hiring.spawn(hirer(Arc::clone(&store), index));
    }
    let mut hirers = Vec::with_capacity(names::TENANTS);
    while let Some(hirer) = hiring.join_next().await {
        hirers.push(hirer??);
    }
    place_all(&store, &Arc::new(hirers), orders).await?;
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("  {orders} orders after {seconds:.0} s");
    Ok(())
}

/// Places `orders` orders, evenly among the hirers.
///
/// # Errors
/// When one is refused, or storage fails.
pub(crate) async fn place_all(
    store: &Arc<Store>,
    hirers: &Arc<Vec<Hirer>>,
    orders: u64,
) -> anyhow::Result<()> {
    let (started, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut placing = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, hirers, next) = (Arc::clone(store), Arc::clone(hirers), Arc::clone(&next));
        placing.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= orders {
                    return anyhow::Ok(());
                }
                place(&store, &hirers[number as usize % hirers.len()], number).await?;
                if number > 0 && number.is_multiple_of(100_000) {
                    eprintln!("  {number} orders after {:.0} s", started.elapsed().as_secs_f64());
                }
            }
        });
    }
    while let Some(placed) = placing.join_next().await {
        placed??;
    }
    Ok(())
}

/// A tenant with an app, an account and a package.
///
/// # Errors
/// When it is there already, or storage fails.
pub(crate) async fn hirer(store: Arc<Store>, index: usize) -> anyhow::Result<Hirer> {
    let (tenant_id, app_id, at) = (names::tenant_id(index), names::app_id(index), now());
    let tenant = NewTenant {
        tenant_id,
        name: format!("租户 {index}"),
        settings: TenantSettings {
            report_approval: false,
            four_eyes: false,
            retention_days: 365,
            locale: "zh-CN".to_owned(),
            review_hours: None,
        },
        api_key_id: names::api_key_id(index),
        api_key_hash: hash(&format!("bench key {index}")),
        at,
    };
    ensure!(
        store.create_tenant(By::system(at), &tenant, None).await? == Saved::Done,
        "the tenant is there already"
    );
    let app = App {
        app_id,
        tenant_id: Some(tenant_id),
        kind: AppKind::SelfBuilt,
        settings: AppSettings {
            name: format!("供应商 {index}"),
            scopes: vec![Scope::BackgroundCheckOrder],
            event_mode: EventMode::Webhook,
            callback_url: None,
            encrypted: true,
            ip_allowlist: Vec::new(),
            is_enabled: true,
        },
        secret_hash: hash(&names::app_secret(index)),
        secrets: AppSecrets {
            verification_token: "b".repeat(32),
            encrypt_key: names::ENCRYPT_KEY.to_owned(),
            old: OldSecrets::default(),
        },
        pause: None,
        changes: Changes::none(),
        version: 1,
        created_at: at,
    };
    ensure!(
        store.create_app(By::system(at), &app, None).await? == Saved::Done,
        "the app is there already"
    );
    store.grant(By::system(at), &app, tenant_id, &app.terms()).await?;
    let tenant = store.find_tenant(tenant_id).await?.context("the tenant is gone")?;
    let account = Account {
        account_id: store.make_id(at),
        app_id,
        name: "账号".to_owned(),
        usage_list: vec![1],
        custom_fields: vec![("contract".to_owned(), format!("C-{index}"))],
        created_at: at,
    };
    store.bind_account(By::system(at), &tenant, &account, None).await?;
    let package = Package {
        kind: PackageKind::Package,
        package_id: names::PACKAGE.to_owned(),
        name: "标准套餐".to_owned(),
        description: "身份、学历、履历".to_owned(),
        is_deleted: false,
    };
    store.create_packages(tenant_id, account.account_id, &[package], at).await?;
    Ok(Hirer { tenant, index, account })
}

async fn place(store: &Store, hirer: &Hirer, number: u64) -> anyhow::Result<()> {
    let person = |name: &str| Person {
        name: format!("{name} {number}"),
        mobile_code: "86".to_owned(),
        mobile_number: format!("1{number:010}"),
        email: format!("person-{number}@example.com"),
        ..Person::default()
    };
    let form = Form {
        comment: "请在五个工作日内完成".to_owned(),
        candidate: person("候选人"),
        client_contact: person("联系人"),
        custom_fields: vec![("position".to_owned(), "工程师".to_owned())],
        application_id: number.to_string(),
        location_code: "CN_1".to_owned(),
        form_id: None,
        files: Vec::new(),
        ..Form::default()
    };
    let placer = names::api_key_id(hirer.index);
    let command = OrderCommand {
        tenant: Arc::clone(&hirer.tenant),
        order_id: domain::Id(0),
        at: now(),
        actor: Actor::api_key(placer, placer, Roles::NONE),
        request: Request::Place {
            vendor: hirer.account.app_id,
            account_id: hirer.account.account_id,
            package_id: names::PACKAGE.to_owned(),
            application_id: form.application_id.clone(),
            content: to_text(&form),
        },
        idempotency: None,
    };
    match store.command(command).await? {
        CommandResult::Accepted(_) => Ok(()),
        outcome => bail!("expected the order to be placed, got {outcome:?}"),
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn now() -> UnixMs {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
