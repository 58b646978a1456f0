//! The hirer's order queries as they are asked by hand.

use contract::control::CreateApp;
use contract::scope::Scope;
use serde_json::{Value, json};

use super::wire::{Ask, Caller};
use super::{Hirer, World};

pub(crate) const LIST: &str = "/open-apis/hire/v1/background_check_orders";
pub(crate) const BATCH: &str = "/open-apis/hire/v1/background_check_orders/batch_query";

/// `data` of a list that must succeed.
pub(crate) async fn list(caller: &Caller<'_>, query: &str) -> Value {
    let answer = caller.ask(Ask::new("GET", &format!("{LIST}{query}"))).await.json();
    assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!("success")), "{answer}");
    answer["data"].clone()
}

/// `data` of a batch query that must succeed.
pub(crate) async fn batch(caller: &Caller<'_>, query: &str, body: &Value) -> Value {
    // Ten in a second are allowed.
    caller.world.clock.advance_ms(100);
    let ask = Ask::post(&format!("{BATCH}{query}"), body.to_string()).json();
    let answer = caller.ask(ask).await.json();
    assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!("SUCCESS")), "{answer}");
    answer["data"].clone()
}

/// The ids of a page.
pub(crate) fn ids(data: &Value) -> Vec<String> {
    let items = data["items"].as_array().unwrap();
    items.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()).collect()
}

/// An app of the hirer's own: no account is bound to it.
pub(crate) async fn hirers_app<'w>(
    world: &'w World,
    hirer: &Hirer,
    scopes: &[Scope],
) -> Caller<'w> {
    let body = CreateApp {
        name: "招聘看板".to_owned(),
        tenant_key: Some(hirer.tenant_key.clone()),
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        ..CreateApp::default()
    };
    let app = world.create_granted(&body).await.unwrap();
    world.caller(&app).await
}
