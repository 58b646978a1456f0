//! Keys for the control API: made, listed, shown, replaced, revoked, and what is shown once.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use client::control::{Control, Error};
use contract::control::{
    ApiKey, CreateApiKey, CreatedApiKey, KeyRole, List, ReplaceApiKey, RotateSecret, SecretKind,
};
use harness::{BEGIN, Engine, Hirer, World};
use serde_json::{Value, json};
use server::{Config, Server, StartError};
use system::clock::Clock;

const AT_ONCE: ReplaceApiKey = ReplaceApiKey { grace_seconds: None };

fn body(roles: &[KeyRole]) -> CreateApiKey {
    CreateApiKey {
        name: "ATS".to_owned(),
        owner: "王小明".to_owned(),
        roles: roles.to_vec(),
        ..CreateApiKey::default()
    }
}

async fn make(hirer: &Hirer, roles: &[KeyRole]) -> CreatedApiKey {
    hirer.control.create_api_key(&hirer.tenant_key, &body(roles)).await.unwrap()
}

fn code(refused: Result<impl Sized, Error>) -> String {
    match refused {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => error.problem().unwrap().code.clone(),
    }
}

/// What the API answers to a key: its status and its whole body.
async fn ask(server: &str, world: &World, hirer: &Hirer, key: &str) -> (u16, String) {
    let url = format!("{server}/api/v1/tenants/{}", hirer.tenant_key);
    let answer = world.http.get(url).bearer_auth(key).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_key_of_every_role_is_made_shown_listed_replaced_and_revoked() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
        let mut built = Vec::new();
        for role in &KeyRole::ALL[1..] {
            let created = make(&hirer, &[*role]).await;
            assert!(created.api_key.starts_with("pbt_"));
            let ApiKey { name, owner, roles, .. } = &created.key;
            assert_eq!((name.as_str(), owner.as_deref()), ("ATS", Some("王小明")));
            assert_eq!(roles, &[*role]);
            assert_eq!(ask(&world.server(), &world, &hirer, &created.api_key).await.0, 200);
            built.push(created);
        }
        let key_id = &built[1].key.key_id;
        let shown = control.get_api_key(tenant_key, key_id).await.unwrap();
        assert_eq!(shown.last_used_at.as_deref(), Some("2026-11-18T12:26:40.000Z"));
        assert_eq!(ApiKey { last_used_at: None, ..shown }, built[1].key);
        let first = control.list_api_keys(tenant_key, &List { limit: Some(4), cursor: None }).await;
        let first = first.unwrap();
        let rest = List { limit: Some(4), cursor: first.next_cursor.clone() };
        let rest = control.list_api_keys(tenant_key, &rest).await.unwrap();
        assert_eq!((first.items.len(), rest.items.len(), rest.next_cursor), (4, 2, None));
        let oldest = &rest.items[1];
        assert_eq!((oldest.name.as_str(), &oldest.owner), ("first key", &None));
        assert_eq!(oldest.roles, [KeyRole::Admin]);

        let replaced = control.replace_api_key(tenant_key, key_id, &AT_ONCE).await.unwrap();
        assert_eq!(replaced.key.key_id, *key_id);
        assert_eq!(ask(&world.server(), &world, &hirer, &built[1].api_key).await.0, 401);
        assert_eq!(ask(&world.server(), &world, &hirer, &replaced.api_key).await.0, 200);
        for _ in 0..2 {
            control.revoke_api_key(tenant_key, key_id).await.unwrap();
            assert_eq!(ask(&world.server(), &world, &hirer, &replaced.api_key).await.0, 401);
        }
        let shown = control.get_api_key(tenant_key, key_id).await.unwrap();
        assert!(shown.revoked_at.is_some());
        let refused = control.replace_api_key(tenant_key, key_id, &AT_ONCE).await;
        assert_eq!(code(refused), "illegal_state");
        let audit =
            world.request("GET", &format!("/api/v1/tenants/{tenant_key}/audit"), &hirer.key);
        let audit = audit.send().await.unwrap().text().await.unwrap();
        assert_eq!(audit.matches("api_key_made").count(), 6);
        assert_eq!(audit.matches("api_key_replaced").count(), 1);
        assert_eq!(audit.matches("api_key_revoked").count(), 1, "once");
        assert!(!audit.contains("王小明") && !audit.contains("ATS"), "{audit}");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_over_is_answered_as_one_that_never_was() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let ends = CreateApiKey {
            expires_at: Some("2026-11-18T20:26:50+08:00".to_owned()),
            ..body(&[KeyRole::Auditor])
        };
        let ends = hirer.control.create_api_key(&hirer.tenant_key, &ends).await.unwrap();
        assert_eq!(ends.key.expires_at.as_deref(), Some("2026-11-18T12:26:50.000Z"));
        let revoked = make(&hirer, &[KeyRole::Auditor]).await;
        let replaced = make(&hirer, &[KeyRole::Auditor]).await;
        for key in [&ends, &revoked, &replaced] {
            assert_eq!(ask(&world.server(), &world, &hirer, &key.api_key).await.0, 200);
        }
        let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
        control.revoke_api_key(tenant_key, &revoked.key.key_id).await.unwrap();
        let grace = ReplaceApiKey { grace_seconds: Some(10) };
        let new = control.replace_api_key(tenant_key, &replaced.key.key_id, &grace).await.unwrap();
        assert_eq!(ask(&world.server(), &world, &hirer, &replaced.api_key).await.0, 200);
        world.clock.advance_ms(9_999);
        assert_eq!(ask(&world.server(), &world, &hirer, &ends.api_key).await.0, 200);
        assert_eq!(ask(&world.server(), &world, &hirer, &replaced.api_key).await.0, 200);
        world.clock.advance_ms(1);
        let unknown = ask(&world.server(), &world, &hirer, "pbt_unknown").await;
        assert_eq!(unknown.0, 401);
        for key in [&ends, &revoked, &replaced] {
            assert_eq!(ask(&world.server(), &world, &hirer, &key.api_key).await, unknown);
        }
        assert_eq!(ask(&world.server(), &world, &hirer, &new.api_key).await.0, 200);
        for wrong in ["2026-11-18T12:26:50Z", "tomorrow", ""] {
            let late =
                CreateApiKey { expires_at: Some(wrong.to_owned()), ..body(&[KeyRole::Admin]) };
            let refused = control.create_api_key(tenant_key, &late).await.unwrap_err();
            assert_eq!(refused.problem().unwrap().errors[0].field, "expires_at", "{wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_known_at_once_and_recorded_once_a_minute() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let key = make(&hirer, &[KeyRole::Auditor]).await;
        let used = async |world: &World| {
            let control = world.control(&hirer.key);
            let shown = control.get_api_key(&hirer.tenant_key, &key.key.key_id).await.unwrap();
            shown.last_used_at
        };
        assert_eq!(used(&world).await, None);
        let before = world.rows().await["api_keys"].clone();
        for _ in 0..50 {
            ask(&world.server(), &world, &hirer, &key.api_key).await;
        }
        assert_eq!(used(&world).await.as_deref(), Some("2026-11-18T12:26:40.000Z"));
        assert_eq!(world.rows().await["api_keys"], before, "no call writes");
        hub::work::settle(&world.app.hub).await.unwrap();
        assert_ne!(world.rows().await["api_keys"], before);
        let mut world = world;
        world.restart().await;
        assert_eq!(used(&world).await.as_deref(), Some("2026-11-18T12:26:40.000Z"));
    })
    .await;
}

#[tokio::test]
async fn only_the_tenants_admin_makes_its_keys_and_only_the_operator_the_operators() {
    World::each(async |world| {
        let (hirer, other) = (world.hirer().await, world.hirer().await);
        let tenant_key = &hirer.tenant_key;
        let key = make(&hirer, &[KeyRole::Recruiter, KeyRole::Auditor]).await;
        let key_id = &key.key.key_id;
        for control in [&world.operator, &world.control(&key.api_key)] {
            let built = control.create_api_key(tenant_key, &body(&[KeyRole::Admin])).await;
            assert_eq!(code(built), "forbidden");
            assert_eq!(
                code(control.list_api_keys(tenant_key, &List::default()).await),
                "forbidden"
            );
            assert_eq!(code(control.get_api_key(tenant_key, key_id).await), "forbidden");
            let replaced = control.replace_api_key(tenant_key, key_id, &AT_ONCE).await;
            assert_eq!(code(replaced), "forbidden");
            assert_eq!(code(control.revoke_api_key(tenant_key, key_id).await), "forbidden");
        }
        assert_eq!(code(other.control.get_api_key(tenant_key, key_id).await), "not_found");
        let elsewhere = other.control.get_api_key(&other.tenant_key, key_id).await;
        assert_eq!(code(elsewhere), "not_found");
        let built = hirer.control.create_api_key(tenant_key, &body(&[KeyRole::Operator])).await;
        assert_eq!(built.unwrap_err().problem().unwrap().errors[0].field, "roles[0]");
        assert_eq!(code(hirer.control.create_operator_key(&body(&[])).await), "forbidden");

        let second = world.operator.create_operator_key(&body(&[])).await.unwrap();
        assert!(second.api_key.starts_with("pbo_"));
        assert_eq!(second.key.roles, [KeyRole::Operator]);
        let control = world.control(&second.api_key);
        let listed = control.list_operator_keys(&List::default()).await.unwrap().items;
        assert_eq!(listed.len(), 2, "and none of a tenant");
        let first = &listed[1].key_id;
        control.revoke_operator_key(first).await.unwrap();
        assert_eq!(
            code(world.operator.list_operator_keys(&List::default()).await),
            "unauthenticated"
        );
        let last = control.revoke_operator_key(&second.key.key_id).await;
        assert_eq!(code(last), "illegal_state");
        let replaced = control.replace_operator_key(&second.key.key_id, &AT_ONCE).await.unwrap();
        let control = world.control(&replaced.api_key);
        let shown = control.get_operator_key(&second.key.key_id).await.unwrap();
        assert_eq!(shown.revoked_at, None);
        assert_eq!(code(control.get_operator_key(key_id).await), "not_found");
    })
    .await;
}

#[tokio::test]
async fn an_admin_does_not_lock_the_tenant_out() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let (control, tenant_key) = (&hirer.control, &hirer.tenant_key);
        let keys = control.list_api_keys(tenant_key, &List::default()).await.unwrap();
        let first = &keys.items[0].key_id;
        assert_eq!(code(control.revoke_api_key(tenant_key, first).await), "illegal_state");
        let ends = CreateApiKey {
            expires_at: Some("2027-01-01T00:00:00Z".to_owned()),
            ..body(&[KeyRole::Admin])
        };
        control.create_api_key(tenant_key, &ends).await.unwrap();
        assert_eq!(code(control.revoke_api_key(tenant_key, first).await), "illegal_state");
        let second = make(&hirer, &[KeyRole::Admin, KeyRole::Approver]).await;
        control.revoke_api_key(tenant_key, first).await.unwrap();
        assert_eq!(code(control.get_tenant(tenant_key).await), "unauthenticated");
        world.control(&second.api_key).get_tenant(tenant_key).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_recruiter_whose_key_was_replaced_still_sees_its_orders() {
    World::each(async |world| {
        let seed = world.seed().await;
        let (control, tenant_key) = (&seed.hirer.control, &seed.hirer.tenant_key);
        let key = make(&seed.hirer, &[KeyRole::Recruiter]).await;
        let form = harness::form(&seed.account.account_id);
        let own = world.control(&key.api_key).place_order(tenant_key, &form).await.unwrap();
        let foreign = world.place(&seed).await;
        let key_id = &key.key.key_id;
        let replaced = control.replace_api_key(tenant_key, key_id, &AT_ONCE).await.unwrap();
        let recruiter = world.control(&replaced.api_key);
        recruiter.get_order(tenant_key, &own.order_id).await.unwrap();
        assert_eq!(code(recruiter.get_order(tenant_key, &foreign.order_id).await), "not_found");
        // Who is an auditor as well lists all of them, and sees into the own ones alone.
        let both = make(&seed.hirer, &[KeyRole::Recruiter, KeyRole::Auditor]).await;
        let both = world.control(&both.api_key);
        let listed = both.list_orders(tenant_key, &Default::default()).await.unwrap();
        assert_eq!(listed.items.len(), 2);
        assert_eq!(code(both.get_order(tenant_key, &foreign.order_id).await), "not_found");
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_revoked_here_is_refused_by_the_other_replica_at_once() {
    if !Engine::available().await.contains(&Engine::Postgres) {
        return;
    }
    let world = World::on(Engine::Postgres).await;
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config { listen, ..world.app.config.clone() };
    let server = Server::bind(config, world.clock.clone()).await.unwrap();
    let other = format!("http://{}", server.address());
    let (_stop, stopped) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(server.run_without_workers(async { stopped.await.unwrap_or_default() }));
    let hirer = world.hirer().await;
    for _ in 0..10 {
        let key = make(&hirer, &[KeyRole::Auditor]).await;
        assert_eq!(ask(&other, &world, &hirer, &key.api_key).await.0, 200);
        hirer.control.revoke_api_key(&hirer.tenant_key, &key.key.key_id).await.unwrap();
        assert_eq!(ask(&other, &world, &hirer, &key.api_key).await.0, 401);
    }
}

#[tokio::test]
async fn what_is_shown_once_is_not_shown_to_repeats_and_is_kept_nowhere() {
    World::each(async |world| {
        let seed = world.seed().await;
        let key = make(&seed.hirer, &[KeyRole::Auditor]).await;
        let operators = world.operator.create_operator_key(&body(&[])).await.unwrap();
        let (operator, admin) = (world.operator_key.as_str(), seed.hirer.key.as_str());
        let (tenant_key, app_id) = (&seed.hirer.tenant_key, &seed.app.app.app_id);
        let named = json!({"name": "a", "owner": "b", "roles": ["approver"]});
        let rotate = |secret| serde_json::to_value(RotateSecret { secret, grace_seconds: None });
        let key_path = format!("/tenants/{tenant_key}/api_keys");
        let rotate_path = format!("/apps/{app_id}/rotate");
        let replace_path = format!("{key_path}/{}/replace", key.key.key_id);
        let own_path = format!("/api_keys/{}/replace", operators.key.key_id);
        let app = json!({"name": "a", "tenant_key": tenant_key});
        let cases = [
            ("/tenants".to_owned(), operator, json!({"name": "a"}), &["api_key"][..]),
            (
                "/apps".to_owned(),
                operator,
                app,
                &["app_secret", "verification_token", "encrypt_key"],
            ),
            (rotate_path.clone(), operator, rotate(SecretKind::AppSecret).unwrap(), &["value"]),
            (rotate_path.clone(), operator, rotate(SecretKind::EncryptKey).unwrap(), &["value"]),
            (rotate_path, operator, rotate(SecretKind::VerificationToken).unwrap(), &["value"]),
            (key_path, admin, named, &["api_key"]),
            (replace_path, admin, json!({}), &["api_key"]),
            ("/api_keys".to_owned(), operator, json!({"name": "a", "owner": "b"}), &["api_key"]),
            (own_path, operator, json!({"grace_seconds": 60}), &["api_key"]),
        ];
        let mut secrets = Vec::new();
        for (number, (path, caller, body, members)) in cases.into_iter().enumerate() {
            let post = async || {
                let ask = world.request("POST", &format!("/api/v1{path}"), caller).json(&body);
                let ask = ask.header("idempotency-key", format!("once-{number}"));
                let answer = ask.send().await.unwrap();
                (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
            };
            let (status, mut first) = post().await;
            assert!(status == 200 || status == 201, "{path}: {first}");
            let again = post().await;
            assert_eq!(again.0, status, "{path}");
            for member in members {
                let secret = first.as_object_mut().unwrap().remove(*member).unwrap();
                secrets.push(secret.as_str().unwrap().to_owned());
            }
            assert_eq!(again.1, first, "{path}: done, without the secret");
        }
        assert_eq!(secrets.len(), 11);
        assert!(secrets.iter().all(|secret| secret.len() >= 32));
        let rows = format!("{:?}", world.rows().await);
        for secret in &secrets {
            let hex = contract::hex::to_hex(secret.as_bytes());
            assert!(!rows.contains(secret) && !rows.contains(&hex), "nothing readable");
        }
    })
    .await;
}

fn data_config(world: &World) -> Config {
    world.app.config.clone()
}

#[tokio::test]
async fn a_lost_operator_key_is_replaced_on_the_machine() {
    for engine in Engine::available().await {
        let mut world = World::start(engine, Clock::manual(BEGIN), false, |_| {}).await;
        let hirer = world.hirer().await;
        let spare = world.operator.create_operator_key(&body(&[])).await.unwrap();
        let file = world.data().join("operator.key");
        let replace = async |world: &World, may_overwrite| {
            let config = data_config(world);
            server::keys::replace_operator_keys(&config, &world.clock, may_overwrite).await
        };
        let refused = replace(&world, false).await.unwrap_err();
        assert!(matches!(refused, StartError::OperatorKeyStands(_)), "{refused}");
        assert!(refused.to_string().contains("--overwrite"), "{refused}");
        std::fs::remove_file(&file).unwrap();
        if engine == Engine::Sqlite {
            // The folder belongs to the server.
            let refused = replace(&world, false).await.unwrap_err();
            assert!(refused.to_string().contains("another one has it open"), "{refused}");
            assert!(!file.exists());
            world.operator.list_tenants(&List::default()).await.unwrap();
            world.stop().await;
        }
        assert_eq!(replace(&world, false).await.unwrap(), file);
        if engine == Engine::Sqlite {
            world.restart().await;
        }
        let mode = std::fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let new = std::fs::read_to_string(&file).unwrap().trim().to_owned();
        let control = Control::new(&world.server(), &new).unwrap();
        assert_eq!(control.list_tenants(&List::default()).await.unwrap().items.len(), 1);
        for old in [&world.operator, &world.control(&spare.api_key)] {
            assert_eq!(code(old.list_tenants(&List::default()).await), "unauthenticated");
        }
        hirer.control.get_tenant(&hirer.tenant_key).await.unwrap();
        let listed = control.list_operator_keys(&List::default()).await.unwrap().items;
        assert_eq!(listed.iter().filter(|key| key.revoked_at.is_some()).count(), 2);
        let audit = world.request("GET", "/api/v1/audit", &new).send().await.unwrap();
        let audit = audit.text().await.unwrap();
        assert_eq!(audit.matches("api_key_revoked").count(), 2);
        assert!(audit.contains(r#""actor":"system""#), "{audit}");
        if engine == Engine::Postgres {
            assert_eq!(replace(&world, true).await.unwrap(), file);
            assert_eq!(code(control.list_tenants(&List::default()).await), "unauthenticated");
        }
    }
}

#[tokio::test]
async fn a_folder_without_an_installation_gets_no_operator_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { data: folder.path().join("data"), ..Config::default() };
    let clock = Clock::manual(BEGIN);
    let refused = server::keys::replace_operator_keys(&config, &clock, true).await.unwrap_err();
    assert!(refused.to_string().contains("expected a database"), "{refused}");
    assert!(!config.data.exists());
}
