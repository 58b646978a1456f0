//! The hirer's order queries by the official SDKs, unmodified but for the domain, on both engines: pages, filters, field
//! scopes, the signed link, and refusals as their user sees them. Source: contract, section 4.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

#[path = "conformance/driver.rs"]
mod driver;
mod harness;

use contract::check::ReportUrlType;
use contract::control::CreateApp;
use contract::scope::Scope;
use driver::{Driver, Sdk};
use harness::filed::{CONTENT, Filed};
use harness::{Engine, World};
use serde_json::{Value, json};

#[tokio::test]
async fn the_python_sdk_queries_orders() {
    queries(Sdk::Python).await;
}

#[tokio::test]
async fn the_node_sdk_queries_orders() {
    queries(Sdk::Node).await;
}

async fn queries(sdk: Sdk) {
    for engine in Engine::available().await {
        // A driver for each server: the SDKs cache tokens without looking at the domain.
        let mut driver = match Driver::start(sdk) {
            Ok(driver) => driver,
            Err(why) if driver::is_demanded() => panic!("{why}"),
            Err(why) => return eprintln!("skipped: {why}"),
        };
        let world = World::on(engine).await;
        let mut filed = Filed::new(&world, ReportUrlType::Download).await;
        filed.store().await;
        let mut orders = vec![filed.order_id.clone()];
        for _ in 0..4 {
            orders.insert(0, world.place(&filed.seed).await.order_id);
        }
        reads_pages(&world, &mut driver, &filed, &orders).await;
        reads_an_order(&world, &mut driver, &filed).await;
        sees_no_more_than_it_may(&world, &mut driver, &filed).await;
        sees_refusals(&world, &mut driver).await;
    }
}

/// The hirer's own program.
async fn configure(world: &World, driver: &mut Driver, filed: &Filed<'_>, scopes: &[Scope]) {
    let body = CreateApp {
        name: "招聘看板".to_owned(),
        tenant_key: Some(filed.seed.hirer.tenant_key.clone()),
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        ..CreateApp::default()
    };
    let app = world.create_granted(&body).await.unwrap();
    driver.configure(&world.server(), &app.app.app_id, &app.app_secret).await;
}

/// `data` of a query that must succeed, as the SDK gives it.
async fn query(
    world: &World,
    driver: &mut Driver,
    method: &str,
    params: &Value,
    body: &Value,
) -> Value {
    world.clock.advance_ms(101);
    let answer = driver.query(method, params, body).await;
    let shown = format!("{method}: {answer}");
    assert_eq!((&answer["ok"], &answer["success"]), (&json!(true), &json!(true)), "{shown}");
    let msg = if method == "list_orders" { "success" } else { "SUCCESS" };
    assert_eq!((&answer["code"], &answer["msg"]), (&json!(0), &json!(msg)), "{shown}");
    // The SDK's types hold all that was sent: none of it has another type, none is lost.
    assert_holds(&answer["typed"], &answer["raw"]["data"], method);
    answer["typed"].clone()
}

/// Whatever stands in `sent` stands in `typed` too; what is absent may be null there.
fn assert_holds(typed: &Value, sent: &Value, path: &str) {
    match sent {
        Value::Object(members) => {
            for (name, value) in members {
                assert_holds(&typed[name], value, &format!("{path}.{name}"));
            }
        }
        Value::Array(values) => {
            let typed = typed.as_array().unwrap_or_else(|| panic!("{path}: no list"));
            assert_eq!(typed.len(), values.len(), "{path}");
            for (place, (typed, value)) in typed.iter().zip(values).enumerate() {
                assert_holds(typed, value, &format!("{path}[{place}]"));
            }
        }
        value => assert_eq!(typed, value, "{path}"),
    }
}

fn ids(data: &Value) -> Vec<String> {
    let items = data["items"].as_array().unwrap();
    items.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()).collect()
}

async fn reads_pages(world: &World, driver: &mut Driver, filed: &Filed<'_>, orders: &[String]) {
    configure(world, driver, filed, Scope::ALL).await;
    for method in ["list_orders", "query_orders"] {
        let (mut seen, mut params) =
            (Vec::new(), json!({"page_size": 2, "user_id_type": "open_id"}));
        loop {
            let data = query(world, driver, method, &params, &Value::Null).await;
            seen.extend(ids(&data));
            if data["has_more"] == json!(false) {
                break;
            }
            params["page_token"] = data["page_token"].clone();
        }
        assert_eq!(seen, orders, "{method}");
    }
    let filters = json!({
        "order_status": "2",
        "application_id": "7000000000000000001",
        "begin_start_time": "1",
        "begin_end_time": "9999999999999",
        "update_start_time": "1",
        "update_end_time": "9999999999999",
    });
    let data = query(world, driver, "query_orders", &json!({}), &filters).await;
    assert_eq!(ids(&data), orders[..4]);
    let filters = json!({"application_id": "another", "update_start_time": "1"});
    assert_eq!(ids(&query(world, driver, "list_orders", &filters, &Value::Null).await).len(), 0);
    let body = json!({"background_check_order_id_list": [orders[3], orders[1]]});
    let data = query(world, driver, "query_orders", &json!({}), &body).await;
    assert_eq!(ids(&data), [orders[1].clone(), orders[3].clone()]);
}

async fn reads_an_order(world: &World, driver: &mut Driver, filed: &Filed<'_>) {
    let body = json!({"background_check_order_id_list": [filed.order_id]});
    let data = query(world, driver, "query_orders", &json!({}), &body).await;
    let order = &data["items"][0];
    assert_eq!((&order["order_status"], &order["account_third_type"]), (&json!(3), &json!(127)));
    assert_eq!((&order["package"], &order["conclusion"]), (&json!("标准套餐"), &json!("绿灯")));
    assert_eq!(order["candidate_info"]["mobile"], "13800000000");
    assert_eq!(order["contactor_info"]["email"], "lisi@example.com");
    assert_eq!(order["provider_info"]["provider_name"]["zh_cn"], "诚信背调");
    assert_eq!(order["ext_item_info_list"][0]["name"], "学历核实");
    assert_eq!(order["process_info_list"][0]["en_process"], "arranged");
    let report = &order["feedback_info_list"][0];
    assert_eq!((&report["report_type"], &report["result"]), (&json!(2), &json!("绿灯")));
    let link = report["attachment_url"].as_str().unwrap();
    assert_eq!(world.http.get(link).send().await.unwrap().bytes().await.unwrap(), CONTENT);
}

async fn sees_no_more_than_it_may(world: &World, driver: &mut Driver, filed: &Filed<'_>) {
    configure(world, driver, filed, &[Scope::BackgroundCheckOrderReadonly]).await;
    let params = json!({"user_id_type": "user_id"});
    let data = query(world, driver, "query_orders", &params, &json!({"order_status": "3"})).await;
    let order = &data["items"][0];
    assert_eq!(order["candidate_info"]["name"], "张三");
    for pointer in [
        "/candidate_info/mobile",
        "/candidate_info/email",
        "/contactor_info/mobile",
        "/contactor_info/email",
        "/creator_info/user_id",
    ] {
        assert!(order.pointer(pointer).is_none_or(Value::is_null), "{pointer}: {order}");
    }
}

async fn sees_refusals(world: &World, driver: &mut Driver) {
    for (method, params, body, code) in [
        ("list_orders", json!({"page_size": 101}), Value::Null, 99_992_402),
        ("list_orders", json!({"page_token": "x"}), Value::Null, 1_002_002),
        (
            "list_orders",
            json!({"update_start_time": "2", "update_end_time": "1"}),
            Value::Null,
            1_002_002,
        ),
        ("query_orders", json!({"user_id_type": "mail"}), json!({}), 99_992_402),
        ("query_orders", json!({}), json!({"order_status": "7"}), 99_992_402),
        (
            "query_orders",
            json!({}),
            json!({"begin_start_time": "2", "begin_end_time": "1"}),
            1_002_002,
        ),
    ] {
        world.clock.advance_ms(101);
        let answer = driver.query(method, &params, &body).await;
        let shown = format!("{method} {params} {body}: {answer}");
        assert_eq!(
            (&answer["code"], &answer["http_status"]),
            (&json!(code), &json!(400)),
            "{shown}"
        );
        assert_eq!(answer["error_log_id"], answer["log_id"], "{shown}");
    }
}
