//! The route table of the open API, walked: every call with no token, with every wrong kind of token, without its
//! scopes, from a foreign tenant, from a disabled app. Source: contract, sections 2.1, 2.3 and 3.
//!
//! A new call does not compile before it has its row in [`row`]; a call of the vendors needs a good body in
//! `harness/scene.rs` as well.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use contract::code::{self, Code};
use contract::control::{CreateApp, CreatedApp, UpdateApp};
use contract::route::{Access, Call, Method, ROUTES, Route};
use contract::scope::Scope;
use harness::rows::assert_same_rows;
use harness::scene::Scene;
use harness::wire::{Answer, Ask};
use harness::{Hirer, World};
use serde_json::{Value, json};

/// What a call is walked with.
enum Row {
    /// Needs no token: a good body, whatever stands in `Authorization`.
    Token(fn(&Walk<'_>) -> Value),
    /// Needs a tenant token.
    Vendor {
        /// Names the good body in `harness/scene.rs`.
        name: &'static str,
        /// The answer to an app of another tenant that names what is not its own: a refusal, [`EMPTY`], or [`OWN`].
        foreign: &'static str,
    },
}

/// Instead of a refusal: the answer holds nothing of anybody.
const EMPTY: &str = "200 0, an empty page";
/// Instead of a refusal: the call names nothing but what is the caller's own.
const OWN: &str = "200 0, done to its own";
const NO_PACKAGE: &str =
    "400 1002001 account package not found | account_id: expected an account of this app";
const NO_ORDER: &str = "400 1002862 background check order not exist";

/// The row of each call. Without a wildcard, so that a new call is not forgotten.
fn row(call: Call) -> Row {
    let vendor = |name, foreign| Row::Vendor { name, foreign };
    match call {
        Call::TenantTokenInternal | Call::AppTokenInternal => {
            Row::Token(|walk| secret(&walk.scene.seed.app))
        }
        Call::ResendAppTicket => Row::Token(|walk| secret(&walk.store_app)),
        Call::AppToken => Row::Token(|walk| {
            let mut body = secret(&walk.store_app);
            body["app_ticket"] = json!(walk.ticket);
            body
        }),
        Call::TenantToken => Row::Token(|walk| {
            let tenant_key = &walk.scene.seed.hirer.tenant_key;
            json!({"app_access_token": walk.app_token, "tenant_key": tenant_key})
        }),
        // The form of the caller's own app.
        Call::CreateAccountFields => vendor("account_fields", OWN),
        Call::UpdateAccountFields => vendor(
            "account_fields_update",
            "500 1002001 background check account custom field is not exist | \
             custom_field_list[0].key: expected a key of the form",
        ),
        Call::DeleteAccountFields => vendor(
            "account_fields_delete",
            "500 1002001 Exam provider cannot be deleted | \
             custom_field_key_list[0]: expected a key of the form",
        ),
        Call::CreateCheckFields => vendor(
            "check_fields",
            "400 1002855 background check custom field is exist not allow to create | \
             account_id: expected an account of this app",
        ),
        Call::UpdateCheckFields => vendor(
            "check_fields_update",
            "400 1002001 background check custom field is not exist | \
             account_id: expected an account of this app",
        ),
        Call::DeleteCheckFields => vendor(
            "check_fields_delete",
            "400 1002860 background check custom field cannot be deleted | \
             account_id: expected an account of this app",
        ),
        Call::CreatePackages => vendor("packages", NO_PACKAGE),
        Call::UpdatePackages => vendor("packages_update", NO_PACKAGE),
        Call::DeletePackages => vendor(
            "packages_delete",
            "400 1002859 account package not found | account_id: expected an account of this app",
        ),
        Call::UpdateProgress => vendor("update_progress", NO_ORDER),
        Call::UpdateResult => vendor("update_result", NO_ORDER),
        Call::CancelCheck => vendor("cancel", NO_ORDER),
        Call::ListOrders => vendor("list_orders", EMPTY),
        Call::QueryOrders => vendor("query_orders", EMPTY),
    }
}

fn secret(app: &CreatedApp) -> Value {
    json!({"app_id": app.app.app_id, "app_secret": app.app_secret})
}

/// An order with its parties, and a store app that is installed in their tenant.
struct Walk<'w> {
    scene: Scene<'w>,
    store_app: CreatedApp,
    /// The store app's.
    ticket: String,
    app_token: String,
}

impl<'w> Walk<'w> {
    async fn begin(world: &'w World) -> Walk<'w> {
        let scene = Scene::new(world).await;
        let store_app = world.create_store_app(None, false).await;
        world.install(&store_app, &scene.seed.hirer, None).await;
        let ticket = world.ticket(&store_app).await;
        let app_token = world.app_token(&store_app).await;
        Walk { scene, store_app, ticket, app_token }
    }

    /// The call with its good body and this token.
    async fn ask(&self, route: &Route, name: &str, token: Option<&str>) -> Answer {
        self.scene.world.clock.advance_ms(61);
        let ask = match route.method {
            Method::Get => Ask::new("GET", route.path),
            Method::Post => Ask::post(route.path, self.scene.body(name).to_string()).json(),
            Method::Patch => Ask::patch(route.path, self.scene.body(name).to_string()).json(),
        };
        let ask = token.map_or_else(|| ask.clone(), |token| ask.clone().bearer(token));
        self.scene.world.ask(&ask).await
    }

    /// Makes a call that must be refused, and must store nothing.
    async fn refused(&self, route: &Route, name: &str, token: Option<&str>, expected: &str) {
        let shown = format!("{:?} with {token:?}", route.call);
        let world = self.scene.world;
        let before = world.rows().await;
        let answer = self.ask(route, name, token).await;
        assert_eq!(answer.outcome(), expected, "{shown}");
        assert_same_rows(&before, &world.rows().await, &shown);
    }
}

/// The line of a code that has one text.
fn line(code: &Code) -> String {
    format!("{} {} {}", code.http_status, code.number, code.msg)
}

/// The calls that need a token, each with its body's name and its answer to a foreign tenant.
fn vendor_calls() -> impl Iterator<Item = (&'static Route, &'static str, &'static str)> {
    ROUTES.iter().filter_map(|route| match row(route.call) {
        Row::Vendor { name, foreign } => Some((route, name, foreign)),
        Row::Token(_) => None,
    })
}

#[test]
fn every_row_is_of_its_routes_kind() {
    for route in ROUTES {
        let is_open = matches!(row(route.call), Row::Token(_));
        assert_eq!(is_open, route.access == Access::Open, "{:?}", route.call);
    }
}

#[tokio::test]
async fn every_call_refuses_no_token_and_every_wrong_kind_of_token() {
    World::each(async |world| {
        let walk = Walk::begin(&world).await;
        let seed = &walk.scene.seed;
        let good = walk.scene.vendor.token.clone();
        let own = world.store_token(&walk.store_app, &seed.hirer).await;
        let renamed = walk.app_token.replacen("a-", "t-", 1);
        let cut = &good[..good.len() - 1];
        let wrong = [
            ("t-bad", &code::INVALID_ACCESS_TOKEN),
            (cut, &code::INVALID_ACCESS_TOKEN),
            (&renamed, &code::INVALID_ACCESS_TOKEN),
            ("a-6U1SbDiM6XIH2DcTCPyeub", &code::INVALID_APP_TOKEN),
            (&walk.app_token, &code::INVALID_APP_TOKEN),
            ("u-7f1bcd13fc57d46bac21793a18e560", &code::USER_TOKEN_NOT_SUPPORTED),
            ("eyJhbGciOiJFUzI1NiJ9.eyJqdGkiOiI3In0.c2ln", &code::USER_TOKEN_NOT_SUPPORTED),
            ("bad", &code::INVALID_TOKEN_PREFIX),
            (&seed.app.app_secret, &code::INVALID_TOKEN_PREFIX),
            (&seed.hirer.key, &code::INVALID_TOKEN_PREFIX),
            (&world.operator_key, &code::INVALID_TOKEN_PREFIX),
        ];
        for (route, name, _) in vendor_calls() {
            walk.refused(route, name, None, &line(&code::MISSING_ACCESS_TOKEN)).await;
            for (token, code) in wrong {
                walk.refused(route, name, Some(token), &line(code)).await;
            }
        }
        world.clock.advance_ms(7_200_000);
        for (route, name, _) in vendor_calls() {
            for expired in [&good, &own] {
                let expected = line(&code::INVALID_ACCESS_TOKEN);
                walk.refused(route, name, Some(expired), &expected).await;
            }
        }
    })
    .await;
}

/// An app of the tenant with these scopes.
async fn app_with(world: &World, hirer: &Hirer, scopes: &[Scope]) -> CreatedApp {
    let body = CreateApp {
        name: "诚信背调".to_owned(),
        tenant_key: Some(hirer.tenant_key.clone()),
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        ..CreateApp::default()
    };
    world.create_granted(&body).await.unwrap()
}

#[tokio::test]
async fn every_call_names_the_scopes_that_are_missing() {
    World::each(async |world| {
        let walk = Walk::begin(&world).await;
        let hirer = &walk.scene.seed.hirer;
        for (route, name, _) in vendor_calls() {
            assert!(!route.scopes.is_empty(), "{name}");
            // All the scopes there are but those of the call: of the app's own, and of the tenant's grace.
            let others = Scope::ALL.iter().copied().filter(|it| !route.scopes.contains(it));
            let others: Vec<_> = others.collect();
            let poor = app_with(&world, hirer, &others).await;
            let of_poor = world.caller(&poor).await.token;
            world.install(&walk.store_app, hirer, Some(&others)).await;
            let of_store = world.store_token(&walk.store_app, hirer).await;
            for token in [&of_poor, &of_store] {
                let before = world.rows().await;
                let answer = walk.ask(route, name, Some(token)).await;
                let names: Vec<_> = route.scopes.iter().map(|scope| scope.as_str()).collect();
                let start = format!(
                    "400 99991672 Access denied. One of the following scopes is required: [{}].",
                    names.join(", ")
                );
                assert!(answer.outcome().starts_with(&start), "{name}: {}", answer.outcome());
                let violations: Vec<_> = names
                    .iter()
                    .map(|name| json!({"type": "action_scope_required", "subject": name}))
                    .collect();
                let error = &answer.json()["error"];
                assert_eq!(error["permission_violations"], json!(violations), "{name}");
                assert_same_rows(&before, &world.rows().await, name);
            }
            // Any one of them is enough to get beyond the gateway.
            for scope in route.scopes {
                let app = app_with(&world, hirer, &[*scope]).await;
                let token = world.caller(&app).await.token;
                let outcome = walk.ask(route, name, Some(&token)).await.outcome();
                assert!(!outcome.contains("99991672"), "{name} with {scope}: {outcome}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_call_takes_what_belongs_to_a_foreign_tenant_for_absent() {
    World::each(async |world| {
        let walk = Walk::begin(&world).await;
        let other = world.seed().await;
        world.install(&walk.store_app, &other.hirer, None).await;
        let strangers = [
            // Another app in another tenant; another app in the same one; an app of both tenants.
            world.caller(&other.app).await.token,
            world.store_token(&walk.store_app, &walk.scene.seed.hirer).await,
            world.store_token(&walk.store_app, &other.hirer).await,
        ];
        walk.scene.publish_forms().await;
        for (route, name, foreign) in vendor_calls().filter(|(.., foreign)| *foreign != OWN) {
            for token in &strangers {
                if foreign == EMPTY {
                    let answer = walk.ask(route, name, Some(token)).await.json();
                    assert_eq!(
                        (&answer["code"], &answer["data"]["items"]),
                        (&json!(0), &json!([]))
                    );
                } else {
                    walk.refused(route, name, Some(token), foreign).await;
                }
            }
        }
        // Where the store app is not installed any more, it is notified so before anything else.
        let app_id = &walk.store_app.app.app_id;
        world.operator.delete_installation(app_id, &other.hirer.tenant_key).await.unwrap();
        for (route, name, _) in vendor_calls() {
            let expected = line(&code::UNAUTHORIZED_APP);
            walk.refused(route, name, Some(&strangers[2]), &expected).await;
        }
        let body =
            json!({"app_access_token": walk.app_token, "tenant_key": other.hirer.tenant_key});
        let refused =
            world.ask(&Ask::post(harness::store_app::STORE_TENANT_TOKEN, body.to_string())).await;
        assert_eq!(refused.json(), json!({"code": 20009, "msg": "tenant app not installed"}));
    })
    .await;
}

#[tokio::test]
async fn every_call_refuses_a_disabled_app_and_one_from_elsewhere() {
    World::each(async |world| {
        let walk = Walk::begin(&world).await;
        let seed = &walk.scene.seed;
        let of_store = world.store_token(&walk.store_app, &seed.hirer).await;
        let tokens = [&walk.scene.vendor.token, &of_store];
        let app_ids = [&seed.app.app.app_id, &walk.store_app.app.app_id];
        let allow = async |ranges: &[&str]| {
            let list = ranges.iter().map(|range| (*range).to_owned()).collect();
            let body = UpdateApp { ip_allowlist: Some(list), ..UpdateApp::default() };
            for app_id in app_ids {
                world.update_granted(app_id, &body).await.unwrap();
            }
        };
        allow(&["192.0.2.0/24"]).await;
        for (route, name, _) in vendor_calls() {
            for token in tokens {
                let expected = "400 99991401 ip 127.0.0.1 is denied by app setting";
                walk.refused(route, name, Some(token), expected).await;
            }
        }
        allow(&[]).await;
        let bodies: Vec<_> = ROUTES
            .iter()
            .filter_map(|route| match row(route.call) {
                Row::Token(body) => Some((route, body(&walk))),
                Row::Vendor { .. } => None,
            })
            .collect();
        for app_id in app_ids {
            world.operator.disable_app(app_id).await.unwrap();
        }
        for (route, name, _) in vendor_calls() {
            for token in tokens {
                walk.refused(route, name, Some(token), &line(&code::APP_NOT_IN_USE)).await;
            }
        }
        for (route, body) in bodies {
            let before = world.rows().await;
            let answer = world.ask(&Ask::post(route.path, body.to_string()).json()).await;
            let expected = json!({"code": 10014, "msg": "app unauthorized"});
            assert_eq!((answer.status, answer.json()), (200, expected), "{:?}", route.call);
            assert_same_rows(&before, &world.rows().await, route.path);
        }
    })
    .await;
}

/// The other way round: what is refused above would have been done.
#[tokio::test]
async fn every_call_is_done_with_the_right_token_or_needs_none() {
    World::each(async |world| {
        let walk = Walk::begin(&world).await;
        for route in ROUTES {
            let Row::Token(body) = row(route.call) else { continue };
            let plain = Ask::post(route.path, body(&walk).to_string()).json();
            for ask in [
                plain.clone(),
                plain.clone().bearer("t-bad"),
                plain.clone().bearer("u-1"),
                plain.clone().bearer(&walk.scene.vendor.token),
                plain.clone().with("Authorization", "Basic dXNlcjpwYXNz"),
            ] {
                let answer = world.ask(&ask).await;
                assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(0)));
            }
        }
        for (route, name, _) in vendor_calls() {
            // An order of its own for each, since some calls end it.
            let walk = Walk::begin(&world).await;
            walk.scene.publish_forms().await;
            let answer = walk.ask(route, name, Some(&walk.scene.vendor.token)).await;
            assert_eq!(answer.json()["code"], 0, "{name}: {}", answer.text());
            assert_eq!(answer.status, 200);
        }
    })
    .await;
}
