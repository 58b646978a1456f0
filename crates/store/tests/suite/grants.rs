//! Grants: put by the tenant, taken back, ended by uninstalling, said in the chains, back-filled by the upgrade.

use contract::evidence::{AuditAct, Chain};
use contract::scope::Scope;
use domain::grant::Terms;
use domain::{AppId, Id, TenantId};
use store::Saved;
use store::apps::{App, AppSettings};
use store::audit::{self, By, chain_name};
use store::grants::{Grant, offered};
use store::installations::Installation;

use crate::support::*;
use crate::tenancy::new_app;

on_both!(
    a_grant_is_kept_changed_and_taken_back,
    a_grant_of_what_changed_meanwhile_is_none,
    uninstalling_ends_what_was_granted_for_good,
    both_chains_tell_what_an_app_became,
    the_upgrade_grants_what_stands,
    replicas_hear_of_grants,
);

const APP: AppId = AppId(5);
const TENANT: TenantId = TenantId(-7);
const ADMIN: By = by_key(Id(42), NOW);

async fn created(world: &World, tenant_id: Option<TenantId>) -> App {
    let app = new_app(&world.store, APP, tenant_id);
    assert_eq!(world.store.create_app(BY, &app, None).await.unwrap(), Saved::Done);
    app
}

async fn found(world: &World) -> Option<Grant> {
    let found = world.store.find_grant(APP, TENANT).await.unwrap();
    let again = world.store.find_grant(APP, TENANT).await.unwrap();
    assert_eq!(found, again, "from memory");
    found.as_deref().cloned()
}

async fn grant(world: &World, app: &App, terms: &Terms) -> Saved {
    world.store.grant(ADMIN, app, TENANT, terms).await.unwrap()
}

async fn install(world: &World) -> Installation {
    let new = installation_of(APP);
    assert_eq!(world.store.put_installation(BY, &new).await.unwrap(), Saved::Done);
    new
}

fn installation_of(app_id: AppId) -> Installation {
    Installation {
        app_id,
        tenant_id: TENANT,
        scopes: vec![Scope::BackgroundCheckOrder],
        installed_at: NOW,
        changed_by: 0,
        changed_at: NOW,
    }
}

/// The entries of a chain, each with its act and details in one text.
async fn reported(world: &World, tenant_id: TenantId) -> Vec<String> {
    let mut chain = Chain::new(&chain_name(tenant_id), &[]);
    let page = world.store.list_audit(tenant_id, 0, 100).await.unwrap();
    let reported = page.iter().map(|entry| {
        let entry = chain.take(&entry.line).unwrap();
        let details = entry.details.iter().map(|(name, value)| format!(" {name}={value}"));
        let actor = entry.actor_id.unwrap_or_else(|| "system".to_owned());
        format!("{:?} by {actor}{}", entry.act, details.collect::<String>())
    });
    reported.collect()
}

async fn a_grant_is_kept_changed_and_taken_back(world: &World) {
    let app = created(world, Some(TENANT)).await;
    let waiting = found(world).await.unwrap();
    assert_eq!((waiting.terms, waiting.ends_no), (None, 0), "it waits for the tenant");
    assert_eq!(grant(world, &app, &app.terms()).await, Saved::Done);
    let granted = found(world).await.unwrap();
    assert_eq!(granted.terms, Some(app.terms()));
    assert_eq!((granted.granted_by, granted.granted_at), (42, NOW));
    let listed = world.store.list_grants(TENANT).await.unwrap();
    assert_eq!(listed, [granted]);
    assert_eq!(world.store.list_grants(TenantId(7)).await.unwrap(), []);

    assert!(world.store.take_grant_back(ADMIN, APP, TENANT).await.unwrap());
    let taken = found(world).await.unwrap();
    assert_eq!((taken.terms, taken.ends_no), (None, 1));
    assert!(!world.store.take_grant_back(ADMIN, APP, TENANT).await.unwrap(), "once");
    let app = world.store.find_app(APP).await.unwrap().unwrap();
    assert_eq!(grant(world, &app, &app.terms()).await, Saved::Done);
    assert_eq!(found(world).await.unwrap().ends_no, 1, "what has ended stays so");
    let acts = world.store.list_audit(TENANT, 0, 100).await.unwrap().len();
    assert_eq!(acts, 4, "created, granted, taken back, granted");
}

async fn a_grant_of_what_changed_meanwhile_is_none(world: &World) {
    let app = created(world, Some(TENANT)).await;
    let settings = AppSettings { encrypted: false, ..app.settings.clone() };
    world.store.update_app(BY, APP, 1, &settings).await.unwrap();
    assert_eq!(grant(world, &app, &app.terms()).await, Saved::Outdated);
    assert_eq!(found(world).await.unwrap().terms, None);
    assert_eq!(reported(world, TENANT).await.len(), 2, "no grant is told that was none");
}

async fn uninstalling_ends_what_was_granted_for_good(world: &World) {
    created(world, None).await;
    let new = install(world).await;
    let app = world.store.find_app(APP).await.unwrap().unwrap();
    let terms = offered(&app, Some(&new));
    assert_eq!(terms.scopes, [Scope::BackgroundCheckOrder], "those of the installation");
    assert_eq!(grant(world, &app, &terms).await, Saved::Done);
    assert!(world.store.delete_installation(BY, APP, TENANT).await.unwrap());
    install(world).await;
    let grant = found(world).await.unwrap();
    assert_eq!((grant.terms, grant.ends_no), (None, 1), "the tenant has to grant it anew");
    assert_eq!(world.store.delete_app(BY, APP).await.unwrap(), Saved::Done);
    assert_eq!(world.store.list_grants(TENANT).await.unwrap(), []);
}

async fn both_chains_tell_what_an_app_became(world: &World) {
    let app = created(world, None).await;
    install(world).await;
    let app = AppSettings {
        scopes: vec![Scope::BackgroundCheckOrder],
        callback_url: Some("https://user:pw@other.example/b?token=s3cret".into()),
        ..app.settings
    };
    assert_eq!(world.store.update_app(BY, APP, 2, &app).await.unwrap(), Saved::Done);
    let before = world.store.find_app(APP).await.unwrap().unwrap();
    let mut secrets = before.secrets.clone();
    secrets.encrypt_key = "another key".into();
    let rotated = world.store.rotate_app(BY, APP, 3, &[4; 32], &secrets, None).await.unwrap();
    assert_eq!(rotated, Saved::Done);
    let after = world.store.find_app(APP).await.unwrap().unwrap();
    let numbers = (after.changes.app_secret_no, after.changes.encrypt_key_no);
    assert_eq!(numbers, (2, 2));
    assert_eq!(grant(world, &after, &after.terms()).await, Saved::Done);

    let of_tenant = reported(world, TENANT).await;
    let of_operator = reported(world, audit::OPERATOR).await;
    assert_eq!(of_operator[1..], of_tenant[..3], "created before it was installed");
    let all = of_tenant.join("\n");
    for expected in [
        "InstallationChanged by system scopes=hire:background_check_order",
        "AppChanged by system callback_host=other.example callback_host_before=hook.example",
        "scopes=hire:background_check_order scopes_before=hire:background_check_order \
         hire:background_check_order:readonly",
        "AppRotated by system app_secret=",
        "encrypt_key_before=",
        "AppGranted by 42 ",
    ] {
        assert!(all.contains(expected), "{expected}\n{all}");
    }
    for secret in ["s3cret", "pw", "another key"] {
        assert!(!all.contains(secret), "{all}");
    }
    assert_eq!(of_tenant.len(), 4);
    assert!(reported(world, TenantId(7)).await.is_empty());
}

/// Runs what the migration inserts on rows that stand as they stood before it.
async fn the_upgrade_grants_what_stands(world: &World) {
    let own = created(world, Some(TENANT)).await;
    let shop = new_app(&world.store, AppId(6), None);
    world.store.create_app(BY, &shop, None).await.unwrap();
    let installed = installation_of(AppId(6));
    world.store.put_installation(BY, &installed).await.unwrap();
    world.raw("DELETE FROM grants").await;
    let folder = if world.is_sqlite() { "sqlite" } else { "postgres" };
    let path = format!("{}/migrations/{folder}/V0012__grants.sql", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let inserts: Vec<_> =
        text.split(';').filter(|sql| sql.contains("INSERT INTO grants")).collect();
    assert_eq!(inserts.len(), 2);
    for insert in inserts {
        world.raw(insert).await;
    }
    let replica = world.replica().await;
    let grant = replica.find_grant(APP, TENANT).await.unwrap().unwrap();
    assert_eq!((grant.terms.as_ref(), grant.granted_by), (Some(&own.terms()), 0));
    let grant = replica.find_grant(AppId(6), TENANT).await.unwrap().unwrap();
    assert_eq!(grant.terms, Some(offered(&shop, Some(&installed))));
}

async fn replicas_hear_of_grants(world: &World) {
    if world.is_sqlite() {
        return; // One process has a SQLite file to itself.
    }
    let app = created(world, Some(TENANT)).await;
    let replica = world.replica().await;
    let is_granted = async || {
        let grant = replica.find_grant(APP, TENANT).await.unwrap();
        grant.is_some_and(|grant| grant.terms.is_some())
    };
    assert!(!is_granted().await);
    assert_eq!(grant(world, &app, &app.terms()).await, Saved::Done);
    until("the replica hears of the grant", is_granted).await;
    assert!(world.store.take_grant_back(ADMIN, APP, TENANT).await.unwrap());
    until("the replica hears that it was taken back", async || !is_granted().await).await;
    let acts: Vec<_> = reported(world, TENANT).await;
    assert!(acts[2].starts_with(&format!("{:?} by 42", AuditAct::AppGrantTakenBack)), "{acts:?}");
}
