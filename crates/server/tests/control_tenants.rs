//! Tenants by the control API.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

mod harness;

use contract::control::{CreateTenant, CreatedTenant, List, Problem, UpdateTenant};
use harness::World;

#[tokio::test]
async fn a_tenant_is_created_with_its_first_key_and_read_back() {
    World::each(async |world| {
        let body = CreateTenant {
            report_approval: true,
            four_eyes: true,
            retention_days: 30,
            locale: "en".to_owned(),
            ..CreateTenant::named("星河科技")
        };
        let created = world.operator.create_tenant(&body).await.unwrap();
        assert!(created.api_key.starts_with("pbt_"), "a key of a tenant");
        assert_eq!(created.tenant.created_at, "2026-11-18T12:26:40.000Z");
        let tenant_key = &created.tenant.tenant_key;
        let own = world.control(&created.api_key);
        assert_eq!(own.get_tenant(tenant_key).await.unwrap(), created.tenant);
        assert_eq!(world.operator.get_tenant(tenant_key).await.unwrap(), created.tenant);
        assert_eq!((created.tenant.retention_days, created.tenant.locale.as_str()), (30, "en"));
    })
    .await;
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let body = UpdateTenant { report_approval: Some(true), ..UpdateTenant::default() };
        let changed = hirer.control.update_tenant(&hirer.tenant_key, &body).await.unwrap();
        assert!(changed.report_approval && !changed.four_eyes);
        assert_eq!((changed.name.as_str(), changed.retention_days), ("星河科技", 365));
        let read = world.operator.get_tenant(&hirer.tenant_key).await.unwrap();
        assert_eq!(read, changed);
        let body = UpdateTenant { name: Some(" ".to_owned()), ..UpdateTenant::default() };
        let refused = hirer.control.update_tenant(&hirer.tenant_key, &body).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().errors[0].field, "name");
    })
    .await;
}

#[tokio::test]
async fn a_change_that_changes_nothing_is_refused_with_what_was_expected() {
    World::each(async |world| {
        let seed = world.seed().await;
        let tenant = format!("/api/v1/tenants/{}", seed.hirer.tenant_key);
        let app = format!("/api/v1/apps/{}", seed.app.app.app_id);
        let before = world.rows().await;
        for (path, member) in [(&tenant, "retention_days"), (&app, "ip_allowlist")] {
            for body in ["", "{}", " { } ", r#"{"name":null}"#] {
                let ask = world.request("PATCH", path, &world.operator_key);
                let ask = ask.header("content-type", "application/json").body(body);
                let answer = ask.send().await.unwrap();
                assert_eq!(answer.status(), 400, "{path} {body:?}");
                let problem: Problem = answer.json().await.unwrap();
                assert!(problem.detail.contains("at least one of name"), "{problem:?}");
                assert!(problem.detail.contains(member), "{problem:?}");
            }
            let ask = world.request("PATCH", path, &world.operator_key);
            let ask = ask.header("content-type", "application/json").body(r#"{"colour":1}"#);
            let problem: Problem = ask.send().await.unwrap().json().await.unwrap();
            assert_eq!(problem.errors[0].field, "colour");
        }
        harness::rows::assert_same_rows(&before, &world.rows().await, "nothing was changed");
    })
    .await;
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_kept() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let change = |body: UpdateTenant| {
            let (control, tenant_key) = (hirer.control.clone(), hirer.tenant_key.clone());
            async move { control.update_tenant(&tenant_key, &body).await }
        };
        let (one, other) = tokio::join!(
            change(UpdateTenant { four_eyes: Some(true), ..UpdateTenant::default() }),
            change(UpdateTenant { retention_days: Some(7), ..UpdateTenant::default() }),
        );
        one.unwrap();
        other.unwrap();
        let tenant = world.operator.get_tenant(&hirer.tenant_key).await.unwrap();
        assert!(tenant.four_eyes && tenant.retention_days == 7, "{tenant:?}");
    })
    .await;
}

#[tokio::test]
async fn pages_hold_every_tenant_once_newest_first() {
    World::each(async |world| {
        let mut expected = Vec::new();
        for number in 0..7 {
            expected.push(world.hirer().await.tenant_key);
            // Some at the same instant, some not.
            world.clock.advance_ms(number % 2);
        }
        let mut list = List { limit: Some(3), ..List::default() };
        let (mut found, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let page = world.operator.list_tenants(&list).await.unwrap();
            sizes.push(page.items.len());
            assert!(page.items.is_sorted_by(|one, next| one.created_at >= next.created_at));
            found.extend(page.items.into_iter().map(|tenant| tenant.tenant_key));
            list.cursor = page.next_cursor;
            if list.cursor.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [3, 3, 1]);
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_creation_gives_the_first_answer_without_the_key() {
    World::each(async |world| {
        let post = |key: &str, body: &'static str| {
            let request = world.request("POST", "/api/v1/tenants", &world.operator_key);
            let request = request.header("content-type", "application/json");
            request.header("idempotency-key", key).body(body).send()
        };
        let first = post("k", r#"{"name":"a"}"#).await.unwrap();
        assert_eq!(first.status(), 201);
        let first: CreatedTenant = first.json().await.unwrap();
        assert!(first.api_key.starts_with("pbt_"));
        world.clock.advance_ms(86_399_999);
        let again = post("k", r#"{"name":"a"}"#).await.unwrap();
        assert_eq!(again.status(), 201);
        let again = again.text().await.unwrap();
        assert!(!again.contains("api_key") && !again.contains(&first.api_key), "shown once");
        let again: CreatedTenant = serde_json::from_str(&again).unwrap();
        assert_eq!(again, first.without_secret(), "the same tenant");
        let other = post("k", r#"{"name":"b"}"#).await.unwrap();
        assert_eq!(other.status(), 422);
        assert!(other.text().await.unwrap().contains("idempotency_key_reused"));
        // After 24 hours the key is free, also before it was purged.
        world.clock.advance_ms(2);
        let later = post("k", r#"{"name":"b"}"#).await.unwrap();
        assert_eq!(later.status(), 201);
        let later: CreatedTenant = later.json().await.unwrap();
        assert_ne!(later.tenant.tenant_key, first.tenant.tenant_key);
        assert!(later.api_key.starts_with("pbt_"));
        let page = world.operator.list_tenants(&List::default()).await.unwrap();
        assert_eq!(page.items.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn sixteen_twins_create_one_tenant() {
    World::each(async |world| {
        let control = world.operator.with_idempotency_key("twins").unwrap();
        let create = |_| {
            let control = control.clone();
            tokio::spawn(async move { control.create_tenant(&CreateTenant::named("a")).await })
        };
        let twins: Vec<_> = (0..16).map(create).collect();
        let (mut keys, mut tenants) = (Vec::new(), Vec::new());
        for twin in twins {
            let created = twin.await.unwrap().unwrap();
            keys.extend(Some(created.api_key).filter(|key| !key.is_empty()));
            tenants.push(created.tenant);
        }
        assert_eq!(keys.len(), 1, "one of them has the key");
        tenants.dedup();
        assert_eq!(tenants.len(), 1, "all have the same tenant");
        let page = world.operator.list_tenants(&List::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_answers_secrets_are_kept_sealed() {
    use harness::Engine;
    let world = World::on(Engine::Sqlite).await;
    let created = world.operator.create_tenant(&CreateTenant::named("a")).await.unwrap();
    for entry in std::fs::read_dir(world.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let key = created.api_key.as_bytes();
            assert!(!bytes.windows(key.len()).any(|part| part == key), "{}", path.display());
        }
    }
}
