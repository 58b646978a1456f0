//! Tenants, apps, accounts, packages, keys and tokens.

use std::collections::BTreeSet;

use contract::control::{AppKind, EventMode};
use contract::scope::Scope;
use domain::{AppId, Id, TenantId, UnixMs};
use store::accounts::{Account, Package, PackageKind};
use store::apps::{App, AppSecrets, AppSettings, Changes, OldSecrets};
use store::tenants::TenantSettings;
use store::{Saved, Store};

use crate::support::*;

on_both!(
    a_tenant_is_kept_with_its_key,
    a_tenant_changes_only_from_the_version_that_was_seen,
    an_app_is_kept_whole,
    an_app_changes_only_from_the_version_that_was_seen,
    an_app_with_accounts_stays,
    replicas_hear_of_changes_within_a_second,
    an_account_is_bound_and_unbound,
    packages_are_created_all_or_none,
    packages_are_renamed_and_deleted_all_or_none,
    a_token_lives_until_it_must_be_renewed,
    renewals_at_once_give_one_token,
    pages_go_on_where_the_last_one_ended,
);

pub(crate) fn new_app(store: &Store, app_id: AppId, tenant_id: Option<TenantId>) -> App {
    App {
        app_id,
        tenant_id,
        kind: if tenant_id.is_some() { AppKind::SelfBuilt } else { AppKind::Store },
        settings: AppSettings {
            name: "背调通".into(),
            scopes: vec![Scope::BackgroundCheckOrder, Scope::BackgroundCheckOrderReadonly],
            event_mode: EventMode::Webhook,
            callback_url: Some("https://hook.example/a".into()),
            encrypted: true,
            ip_allowlist: vec!["192.0.2.0/24".into(), "2001:db8::1".into()],
            is_enabled: true,
        },
        secret_hash: [3; 32],
        secrets: AppSecrets {
            verification_token: format!("token-{}", store.make_id(NOW)),
            encrypt_key: "key".into(),
            old: OldSecrets::default(),
        },
        pause: None,
        changes: Changes::none(),
        version: 1,
        created_at: NOW,
    }
}

pub(crate) fn new_account(store: &Store, app_id: AppId) -> Account {
    Account {
        account_id: store.make_id(NOW),
        app_id,
        name: "启明社招".into(),
        usage_list: vec![1, 2],
        custom_fields: vec![("appid".into(), "王秘钥".into())],
        created_at: NOW,
    }
}

async fn a_tenant_is_kept_with_its_key(world: &World) {
    let scene = world.scene(true, true).await;
    let tenant_id = scene.tenant.tenant_id;
    assert_eq!(
        world.store.find_tenant(TenantId(1)).await.unwrap().map(|tenant| tenant.tenant_id),
        None
    );
    let replica = world.replica().await;
    let found = replica.find_tenant(tenant_id).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.version), ("启明科技", 1));
    assert_eq!(found.settings, scene.tenant.settings);
    assert_eq!(found.created_at, NOW);
    assert_eq!(found.key.bytes(), scene.tenant.key.bytes());
    let about = |tenant: &store::tenants::Tenant| tenant.digester.digest("a", b"b");
    assert_eq!(about(&found), about(&scene.tenant));
    let other = world.scene(true, true).await;
    assert_ne!(other.tenant.key.bytes(), scene.tenant.key.bytes());
    let again = new_tenant(&world.store, tenant_id, scene.tenant.settings.clone());
    let fault = world.store.create_tenant(BY, &again, None).await.unwrap_err();
    assert_eq!(fault.kind(), store::FaultKind::Constraint);
}

async fn a_tenant_changes_only_from_the_version_that_was_seen(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant_id = scene.tenant.tenant_id;
    let settings = TenantSettings {
        report_approval: true,
        retention_days: 30,
        locale: "en".into(),
        four_eyes: true,
        totp_required: true,
        review_hours: None,
    };
    let update = async |version, name: &str| {
        world.store.update_tenant(BY, tenant_id, version, name, &settings).await.unwrap()
    };
    assert_eq!(update(1, "新").await, Saved::Done);
    assert_eq!(update(1, "旧").await, Saved::Outdated);
    let found = world.store.find_tenant(tenant_id).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.version), ("新", 2));
    assert_eq!(found.settings, settings);
    assert_eq!(update(2, "更新").await, Saved::Done);
    assert_eq!(world.store.find_tenant(tenant_id).await.unwrap().unwrap().name, "更新");
    let nobody = world.store.update_tenant(BY, TenantId(1), 1, "x", &settings).await.unwrap();
    assert_eq!(nobody, Saved::Outdated);
}

async fn an_app_is_kept_whole(world: &World) {
    for tenant_id in [None, Some(TenantId(-5))] {
        let app_id = AppId(tenant_id.map_or(1, |_| -1));
        let app = new_app(&world.store, app_id, tenant_id);
        assert_eq!(world.store.create_app(BY, &app, None).await.unwrap(), Saved::Done);
        let found = world.replica().await.find_app(app_id).await.unwrap().unwrap();
        assert_eq!((found.app_id, found.tenant_id, found.kind), (app_id, tenant_id, app.kind));
        assert_eq!(found.settings, app.settings);
        assert_eq!((found.secret_hash, found.version), (app.secret_hash, 1));
        assert_eq!(found.secrets, app.secrets);
    }
    assert!(world.store.find_app(AppId(2)).await.unwrap().is_none());
}

async fn an_app_changes_only_from_the_version_that_was_seen(world: &World) {
    let app = new_app(&world.store, AppId(1), None);
    world.store.create_app(BY, &app, None).await.unwrap();
    assert!(world.store.find_app(app.app_id).await.unwrap().unwrap().settings.is_enabled);
    let settings =
        AppSettings { is_enabled: false, ip_allowlist: vec![], scopes: vec![], ..app.settings };
    let saved = world.store.update_app(BY, app.app_id, 1, &settings).await.unwrap();
    assert_eq!(saved, Saved::Done);
    let saved = world.store.update_app(BY, app.app_id, 1, &settings).await.unwrap();
    assert_eq!(saved, Saved::Outdated);
    let found = world.store.find_app(app.app_id).await.unwrap().unwrap();
    assert_eq!((&found.settings, found.version), (&settings, 2));
}

async fn an_app_with_accounts_stays(world: &World) {
    let scene = world.scene(false, false).await;
    let app = new_app(&world.store, scene.app_id, None);
    world.store.create_app(BY, &app, None).await.unwrap();
    let account = new_account(&world.store, app.app_id);
    world.store.bind_account(BY, &scene.tenant, &account, None).await.unwrap();
    assert_eq!(world.store.delete_app(BY, app.app_id).await.unwrap(), Saved::Outdated);
    assert!(world.store.find_app(app.app_id).await.unwrap().is_some());
    let tenant_id = scene.tenant.tenant_id;
    assert!(world.store.unbind_account(BY, tenant_id, account.account_id).await.unwrap());
    assert_eq!(world.store.delete_app(BY, app.app_id).await.unwrap(), Saved::Done);
    assert!(world.store.find_app(app.app_id).await.unwrap().is_none());
}

async fn replicas_hear_of_changes_within_a_second(world: &World) {
    if world.is_sqlite() {
        return; // One process has a SQLite file to itself.
    }
    let scene = world.scene(false, false).await;
    let tenant_id = scene.tenant.tenant_id;
    let app = new_app(&world.store, AppId(1), None);
    world.store.create_app(BY, &app, None).await.unwrap();
    let replica = world.replica().await;
    for version in 1..5 {
        // Both remember the rows as they are.
        for store in [world.store.as_ref(), &replica] {
            assert_eq!(store.find_app(app.app_id).await.unwrap().unwrap().version, version);
            assert_eq!(store.find_tenant(tenant_id).await.unwrap().unwrap().version, version);
        }
        let writer = if version % 2 == 0 { &replica } else { world.store.as_ref() };
        writer.update_app(BY, app.app_id, version, &app.settings).await.unwrap();
        let settings = &scene.tenant.settings;
        writer.update_tenant(BY, tenant_id, version, "改", settings).await.unwrap();
        let all = async {
            until("all replicas see the change", async || {
                let mut is_seen = true;
                for store in [world.store.as_ref(), &replica] {
                    is_seen &= store.find_app(app.app_id).await.unwrap().unwrap().version > version;
                    is_seen &=
                        store.find_tenant(tenant_id).await.unwrap().unwrap().version > version;
                }
                is_seen
            })
            .await;
        };
        tokio::time::timeout(std::time::Duration::from_secs(1), all).await.expect("a second");
    }
}

async fn an_account_is_bound_and_unbound(world: &World) {
    let scene = world.scene(false, false).await;
    let tenant_id = scene.tenant.tenant_id;
    let account = new_account(&world.store, scene.app_id);
    world.store.bind_account(BY, &scene.tenant, &account, None).await.unwrap();
    let found = world.store.find_account(&scene.tenant, account.account_id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&account));
    let stranger = world.scene(false, false).await;
    assert_eq!(world.store.find_account(&stranger.tenant, account.account_id).await.unwrap(), None);
    let foreign = stranger.tenant.tenant_id;
    assert!(!world.store.unbind_account(BY, foreign, account.account_id).await.unwrap());
    let package = package(PackageKind::Package, "p1");
    world.store.create_packages(tenant_id, account.account_id, &[package], NOW).await.unwrap();
    assert!(world.store.unbind_account(BY, tenant_id, account.account_id).await.unwrap());
    assert!(!world.store.unbind_account(BY, tenant_id, account.account_id).await.unwrap());
    assert_eq!(world.store.find_account(&scene.tenant, account.account_id).await.unwrap(), None);
    assert_eq!(world.store.list_packages(tenant_id, account.account_id).await.unwrap(), []);
    let event = world.store.find_event_of(tenant_id, account.account_id).await.unwrap();
    assert!(event.is_some(), "what happened stays");
}

fn package(kind: PackageKind, package_id: &str) -> Package {
    let (name, description) = (format!("套餐 {package_id}"), String::new());
    Package { kind, package_id: package_id.into(), name, description, is_deleted: false }
}

async fn packages_are_created_all_or_none(world: &World) {
    let (tenant_id, account_id) = (TenantId(3), Id(4));
    let create = async |packages: &[Package]| {
        world.store.create_packages(tenant_id, account_id, packages, NOW).await.unwrap()
    };
    let first = [package(PackageKind::Package, "a"), package(PackageKind::AdditionalItem, "a")];
    assert_eq!(create(&first).await, None);
    let second = [
        package(PackageKind::Package, "b"),
        package(PackageKind::Package, "a"),
        package(PackageKind::Package, "c"),
    ];
    assert_eq!(create(&second).await, Some(1));
    let twice = [package(PackageKind::Package, "d"), package(PackageKind::Package, "d")];
    assert_eq!(create(&twice).await, Some(1));
    assert_eq!(world.store.list_packages(tenant_id, account_id).await.unwrap(), first);
    assert_eq!(create(&second[..1]).await, None);
    let other = world.store.create_packages(tenant_id, Id(5), &first, NOW).await.unwrap();
    assert_eq!(other, None, "another account's are its own");
    assert_eq!(world.store.list_packages(tenant_id, account_id).await.unwrap().len(), 3);
}

async fn packages_are_renamed_and_deleted_all_or_none(world: &World) {
    let (tenant_id, account_id) = (TenantId(3), Id(4));
    let store = &world.store;
    let first = [package(PackageKind::Package, "a"), package(PackageKind::AdditionalItem, "b")];
    store.create_packages(tenant_id, account_id, &first, NOW).await.unwrap();
    let list = async || store.list_packages(tenant_id, account_id).await.unwrap();
    let renamed = |package: &Package| Package { name: "新".into(), ..package.clone() };
    let rename = async |packages: &[Package]| {
        store.rename_packages(tenant_id, account_id, packages).await.unwrap()
    };
    let unknown = package(PackageKind::Package, "b");
    assert_eq!(rename(&[renamed(&first[0]), unknown.clone()]).await, Some(1));
    assert_eq!(list().await, first);
    assert_eq!(rename(&[renamed(&first[0])]).await, None);
    assert_eq!(list().await, [renamed(&first[0]), first[1].clone()]);

    let delete = async |packages: &[(PackageKind, String)]| {
        store.delete_packages(tenant_id, account_id, packages).await.unwrap()
    };
    let (a, b) =
        ((PackageKind::Package, "a".to_owned()), (PackageKind::AdditionalItem, "b".into()));
    assert_eq!(delete(&[b.clone(), a.clone(), a.clone()]).await, Some(2));
    assert_eq!(list().await.len(), 2);
    assert_eq!(delete(&[a.clone(), b]).await, None);
    assert_eq!(list().await, []);
    assert_eq!(delete(&[a]).await, Some(0));
    assert_eq!(rename(&[renamed(&first[0])]).await, Some(0));
    // Orders can still show them; and they may come back.
    let ever = store.list_packages_ever(tenant_id, account_id).await.unwrap();
    assert!(ever.len() == 2 && ever.iter().all(|package| package.is_deleted), "{ever:?}");
    assert_eq!(store.create_packages(tenant_id, account_id, &first, NOW).await.unwrap(), None);
    assert_eq!(list().await, first);
}

const HALF_HOUR_MS: i64 = 1_800_000;
const TWO_HOURS_MS: i64 = 7_200_000;

async fn token(world: &World, at: UnixMs) -> store::tokens::TokenRow {
    let (needed, expires) = (at.plus_ms(HALF_HOUR_MS), at.plus_ms(TWO_HOURS_MS));
    world.store.current_token(TenantId(1), AppId(2), at, needed, expires).await.unwrap()
}

async fn a_token_lives_until_it_must_be_renewed(world: &World) {
    let first = token(world, NOW).await;
    assert_eq!((first.tenant_id, first.app_id), (TenantId(1), AppId(2)));
    assert_eq!((first.issued_at, first.expires_at), (NOW, NOW.plus_ms(TWO_HOURS_MS)));
    let last_ms = TWO_HOURS_MS - HALF_HOUR_MS;
    assert_eq!(token(world, NOW.plus_ms(last_ms)).await, first);
    let second = token(world, NOW.plus_ms(last_ms + 1)).await;
    assert_ne!(second.token_id, first.token_id);
    assert_eq!(second.expires_at, NOW.plus_ms(last_ms + 1 + TWO_HOURS_MS));
    let (needed, expires) = (NOW.plus_ms(HALF_HOUR_MS), NOW.plus_ms(TWO_HOURS_MS));
    let other =
        world.store.current_token(TenantId(2), AppId(2), NOW, needed, expires).await.unwrap();
    assert_ne!(other.token_id, second.token_id);
}

async fn renewals_at_once_give_one_token(world: &World) {
    for round in 0..4 {
        let at = NOW.plus_ms(round * TWO_HOURS_MS);
        let tokens =
            futures_util::future::join_all((0..16).map(|ms| token(world, at.plus_ms(ms)))).await;
        let ids: BTreeSet<_> = tokens.iter().map(|token| token.token_id).collect();
        assert_eq!(ids.len(), 1, "round {round}");
    }
}

async fn pages_go_on_where_the_last_one_ended(world: &World) {
    let settings = world.scene(false, false).await.tenant.settings.clone();
    let (mut apps, mut tenants) = (BTreeSet::new(), BTreeSet::new());
    let first = world.store.list_tenants(None, 10).await.unwrap().remove(0);
    tenants.insert((first.created_at, first.tenant_id));
    // Several are of the same instant; some ids are negative.
    for number in -6..6_i64 {
        let at = NOW.plus_ms(number / 3);
        let app = new_app(&world.store, AppId(number * 7), None);
        world.store.create_app(BY, &App { created_at: at, ..app }, None).await.unwrap();
        apps.insert((at, AppId(number * 7)));
        let mut tenant = new_tenant(&world.store, TenantId(number * 7), settings.clone());
        tenant.at = at;
        world.store.create_tenant(BY, &tenant, None).await.unwrap();
        tenants.insert((at, TenantId(number * 7)));
    }
    for limit in [1, 2, 5, 100] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = world.store.list_apps(before, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some((last.created_at, last.app_id));
            seen.extend(page.iter().map(|app| (app.created_at, app.app_id)));
        }
        assert!(seen.iter().eq(apps.iter().rev()), "pages of {limit} apps: {seen:?}");
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = world.store.list_tenants(before, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some((last.created_at, last.tenant_id));
            seen.extend(page.iter().map(|tenant| (tenant.created_at, tenant.tenant_id)));
        }
        assert!(seen.iter().eq(tenants.iter().rev()), "pages of {limit} tenants: {seen:?}");
    }
    let scene = world.scene(false, false).await;
    let mut bound = Vec::new();
    for _ in 0..7 {
        let account = new_account(&world.store, scene.app_id);
        world.store.bind_account(BY, &scene.tenant, &account, None).await.unwrap();
        bound.insert(0, account);
    }
    let newer = world.store.list_accounts(&scene.tenant, END, 4).await.unwrap();
    let older = world.store.list_accounts(&scene.tenant, newer[3].account_id, 4).await.unwrap();
    assert_eq!([newer, older].concat(), bound);
}
