//! Well-formed calls that come to the wrong order or account: somebody else's, one that has ended, one in review. Each
//! gets its documented code, and nothing is stored. Source: contract, sections 3.3.1, 3.4 and 7 (Q7, Q12, Q13).

mod harness;

use contract::control::{ApproveOrder, CreateTenant, OrderState, RejectOrder, TerminateOrder};
use harness::scene::{Scene, with};
use harness::wire::{Answer, CALLS};
use harness::{Engine, PACKAGE, World};
use serde_json::{Value, json};
use system::clock::Clock;

const DONE: &str = "200 0 success";
const NOT_EXIST: &str = "400 1002862 background check order not exist";
const ILLEGAL: &str = "400 1002858 illegal order status";
const IN_REVIEW: &str = "500 1002863 background order is being approved";
/// The calls on an order.
const ORDER_CALLS: [&str; 3] = ["update_progress", "update_result", "cancel"];

/// The answer's bytes with the log id struck out.
fn without_log_id(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let log_id = answer.log_id();
    let strike = |text: &str| text.replace(log_id, "LOG_ID");
    let mut headers = answer.headers.clone();
    for (name, value) in &mut headers {
        *value = if name == "Date" { String::new() } else { strike(value) };
    }
    (answer.status, headers, strike(answer.text()))
}

/// What belongs to someone else is not found, and nothing says it from what is nowhere.
#[tokio::test]
async fn the_order_of_another_app_or_tenant_does_not_exist() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let other_app = world.create_app(&scene.seed.hirer, None, false).await;
        let other_app = world.caller(&other_app).await;
        let foreign = Scene::new(&world).await;
        scene
            .stores_nothing(async || {
                for call in ORDER_CALLS {
                    let body = scene.body(call).to_string();
                    let nowhere = json!("6931286400470354183");
                    let nowhere = with(scene.body(call), "/background_check_id", Some(&nowhere));
                    let expected = scene.send(call, nowhere.to_string()).await;
                    assert_eq!(expected.outcome(), NOT_EXIST, "{call}");
                    for caller in [&other_app, &foreign.vendor] {
                        let answer = caller.post(call, body.as_str()).await;
                        assert_eq!(without_log_id(&answer), without_log_id(&expected), "{call}");
                    }
                }
            })
            .await;
        // Also when the order has ended, or is in review.
        assert_eq!(scene.post("cancel", &scene.body("cancel")).await, DONE);
        for call in ORDER_CALLS {
            let answer = foreign.vendor.post(call, scene.body(call).to_string()).await;
            assert_eq!(answer.outcome(), NOT_EXIST, "{call}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_text_that_is_no_id_names_no_order() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let id = &scene.order_id;
        scene
            .stores_nothing(async || {
                for call in ORDER_CALLS {
                    for wrong in [
                        "0",
                        "-1",
                        "abc",
                        " ",
                        "9223372036854775807",
                        "9223372036854775808",
                        "99999999999999999999",
                        &format!("+{id}"),
                        &format!("0{id}"),
                        &format!(" {id}"),
                        &format!("{id} "),
                        &format!("{id}.0"),
                        &id[..18],
                        &"9".repeat(64),
                        "７000000000000000001",
                        "' OR 1=1 --",
                        "../../x",
                    ] {
                        let body =
                            with(scene.body(call), "/background_check_id", Some(&json!(wrong)));
                        assert_eq!(scene.post(call, &body).await, NOT_EXIST, "{call} {wrong:?}");
                    }
                }
            })
            .await;
    })
    .await;
}

/// A call on an order in some state, with other words than before.
fn another(scene: &Scene<'_>, call: &str) -> Value {
    match call {
        "update_progress" => with(scene.body(call), "/stage_id", Some(&json!("stage-9"))),
        "update_result" => with(scene.body(call), "/result", Some(&json!("红灯"))),
        _ => scene.body(call),
    }
}

#[tokio::test]
async fn a_completed_order_takes_nothing_more() {
    World::each(async |world| {
        for with_approval in [false, true] {
            let name = CreateTenant::named("星河科技");
            let tenant = CreateTenant { report_approval: with_approval, ..name };
            let seed = world.seed_with(&tenant, None, false).await;
            let scene = Scene::of(&world, seed).await;
            assert_eq!(scene.post("update_result", &scene.body("update_result")).await, DONE);
            if with_approval {
                let hirer = &scene.seed.hirer;
                let body = ApproveOrder::default();
                hirer
                    .control
                    .approve_order(&hirer.tenant_key, &scene.order_id, &body)
                    .await
                    .unwrap();
            }
            assert_eq!(scene.order().await.state, OrderState::Completed);
            scene
                .stores_nothing(async || {
                    for call in ORDER_CALLS {
                        assert_eq!(
                            scene.post(call, &another(&scene, call)).await,
                            ILLEGAL,
                            "{call}"
                        );
                    }
                })
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_terminated_order_takes_nothing_but_another_cancel() {
    World::each(async |world| {
        for by_hirer in [false, true] {
            let scene = Scene::new(&world).await;
            if by_hirer {
                let hirer = &scene.seed.hirer;
                let body = TerminateOrder { reason: "候选人放弃".to_owned() };
                hirer
                    .control
                    .terminate_order(&hirer.tenant_key, &scene.order_id, &body)
                    .await
                    .unwrap();
            } else {
                assert_eq!(scene.post("cancel", &scene.body("cancel")).await, DONE);
            }
            assert_eq!(scene.order().await.state, OrderState::Terminated);
            scene
                .stores_nothing(async || {
                    for call in ["update_progress", "update_result"] {
                        assert_eq!(
                            scene.post(call, &another(&scene, call)).await,
                            ILLEGAL,
                            "{call}"
                        );
                    }
                    // 0, without effect. Source: contract, section 3.4.4.
                    assert_eq!(scene.post("cancel", &scene.body("cancel")).await, DONE);
                })
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_order_in_review_takes_no_other_result() {
    World::each(async |world| {
        let scene = Scene::with_approval(&world).await;
        assert_eq!(scene.post("update_result", &scene.body("update_result")).await, DONE);
        assert_eq!(scene.order().await.state, OrderState::InReview);
        scene
            .stores_nothing(async || {
                let call = "update_result";
                assert_eq!(scene.post(call, &another(&scene, call)).await, IN_REVIEW);
            })
            .await;
        // Progress and cancel are taken. Source: contract, section 3.4.4.
        let call = "update_progress";
        assert_eq!(scene.post(call, &scene.body(call)).await, DONE);
        assert_eq!(scene.order().await.state, OrderState::InReview);
        assert_eq!(scene.post("cancel", &scene.body("cancel")).await, DONE);
        assert_eq!(scene.order().await.state, OrderState::Terminated);
    })
    .await;
}

#[tokio::test]
async fn a_rejected_or_withdrawn_order_takes_every_call() {
    World::each(async |world| {
        for is_rejected in [false, true] {
            let scene = Scene::with_approval(&world).await;
            assert_eq!(scene.post("update_result", &scene.body("update_result")).await, DONE);
            let hirer = &scene.seed.hirer;
            let (control, key, id) = (&hirer.control, &hirer.tenant_key, &scene.order_id);
            let decided = match is_rejected {
                true => {
                    control
                        .reject_order(
                            key,
                            id,
                            &RejectOrder { reason: "不全".to_owned(), result_number: None },
                        )
                        .await
                }
                false => control.withdraw_order(key, id).await,
            };
            assert_eq!(decided.unwrap().order_status, if is_rejected { 9 } else { 6 });
            let call = "update_progress";
            assert_eq!(scene.post(call, &scene.body(call)).await, DONE);
            let call = "update_result";
            assert_eq!(scene.post(call, &another(&scene, call)).await, DONE);
            assert_eq!(scene.order().await.state, OrderState::InReview);
            assert_eq!(scene.post("cancel", &scene.body("cancel")).await, DONE);
        }
    })
    .await;
}

/// A stage_id that was used for something else, and a stage_time that does not grow. Source: contract, section 7, Q7.
#[tokio::test]
async fn stages_are_new_and_later_than_the_last() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let call = "update_progress";
        let stage = |id: &str, time: &str| {
            let body = with(scene.body(call), "/stage_id", Some(&json!(id)));
            with(body, "/stage_time", Some(&json!(time)))
        };
        assert_eq!(scene.post(call, &stage("a", "1700000000000")).await, DONE);
        assert_eq!(scene.post(call, &stage("b", "1700000000001")).await, DONE);
        scene
            .stores_nothing(async || {
                for (body, field) in [
                    (stage("a", "1700000000002"), "stage_id"),
                    (stage("b", "1700000000002"), "stage_id"),
                    (stage("c", "1700000000001"), "stage_time"),
                    (stage("c", "1700000000000"), "stage_time"),
                    (stage("c", "1"), "stage_time"),
                ] {
                    let outcome = scene.post(call, &body).await;
                    let start = format!("400 1002002 Parameter error | {field}: ");
                    assert!(outcome.starts_with(&start), "{outcome}");
                }
            })
            .await;
        assert_eq!(scene.post(call, &stage("c", "1700000000002")).await, DONE);
        let stages = scene.order().await.stages;
        let ids: Vec<_> = stages.iter().filter_map(|stage| stage.stage_id.as_deref()).collect();
        assert!(ids.ends_with(&["a", "b", "c"]), "{ids:?}");
    })
    .await;
}

/// Source: contract, section 7, Q12 and Q13.
#[tokio::test]
async fn packages_need_an_account_of_the_app_and_ids_that_are_new() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let other_app = world.create_app(&scene.seed.hirer, None, false).await;
        let of_other_app = world.bind(&scene.seed.hirer, &other_app).await.account_id;
        let foreign = world.seed().await.account.account_id;
        let call = "packages";
        let start = "400 1002001 account package not found | ";
        scene
            .stores_nothing(async || {
                let account = |id: &str| with(scene.body(call), "/account_id", Some(&json!(id)));
                let expected = without_log_id(
                    &scene.send(call, account("7000000000000000001").to_string()).await,
                );
                assert_eq!(expected.0, 400);
                for id in [&*of_other_app, &*foreign, &*scene.order_id, "0", "-1", "abc"] {
                    let answer = scene.send(call, account(id).to_string()).await;
                    assert!(answer.outcome().starts_with(&format!("{start}account_id: ")), "{id}");
                    assert_eq!(without_log_id(&answer), expected, "{id}");
                }
                let entry = |id: &str| json!({"id": id, "name": "标准"});
                for (field, list) in [
                    ("package_list", json!([entry("new"), entry(PACKAGE)])),
                    ("package_list", json!([entry("new"), entry("new")])),
                    ("additional_item_list", json!([entry("new"), entry("new")])),
                ] {
                    let body = with(scene.body(call), &format!("/{field}"), Some(&list));
                    let outcome = scene.post(call, &body).await;
                    assert!(outcome.starts_with(&format!("{start}{field}[1].id=")), "{outcome}");
                }
            })
            .await;
        assert_eq!(scene.post(call, &scene.body(call)).await, DONE);
        // Created once, never again, not even with the same words.
        let again = scene.post(call, &scene.body(call)).await;
        assert!(again.starts_with(start), "{again}");
    })
    .await;
}

/// The calls that bring reports, each with the types that their links may have.
fn kinds() -> impl Iterator<Item = (&'static str, Option<Value>)> {
    ["update_progress", "update_result"]
        .into_iter()
        .flat_map(|call| [None, Some(json!(1)), Some(json!(2))].map(|url_type| (call, url_type)))
}

/// Without exceptions of the operator. Source: the product's section 4, items 1 and 6.
#[tokio::test]
async fn reports_at_addresses_that_are_not_public_are_refused_at_once() {
    for engine in Engine::available().await {
        let strict = |config: &mut server::Config| config.allow_outbound.clear();
        let world = World::start(engine, Clock::manual(harness::BEGIN), false, strict).await;
        let scene = Scene::new(&world).await;
        let pointer = "/report_file_list/0/report_url";
        let type_pointer = "/report_file_list/0/report_url_type";
        let start =
            "400 99992402 field validation failed | report_file_list[0].report_url: expected ";
        scene
            .stores_nothing(async || {
                for host in [
                    "127.0.0.1",
                    "127.1",
                    "0x7f.1",
                    "2130706433",
                    "0.0.0.0",
                    "10.0.0.1",
                    "172.16.0.1",
                    "192.168.1.1",
                    "100.64.0.1",
                    "169.254.169.254",
                    "192.0.2.1",
                    "224.0.0.1",
                    "255.255.255.255",
                    "[::]",
                    "[::1]",
                    "[::ffff:127.0.0.1]",
                    "[64:ff9b::7f00:1]",
                    "[2002:7f00:1::]",
                    "[fe80::1]",
                    "[fd00::1]",
                    "[ff02::1]",
                    "[2001:db8::1]",
                    "localhost",
                    "LOCALHOST.",
                    "a.localhost",
                ] {
                    for (call, url_type) in kinds() {
                        let url = json!(format!("http://{host}/a.pdf"));
                        let body = scene.body_with(call, pointer, Some(&url));
                        let outcome =
                            scene.post(call, &with(body, type_pointer, url_type.as_ref())).await;
                        let expected = format!("{start}a public http or https address");
                        assert_eq!(outcome, expected, "{call} {host} {url_type:?}");
                    }
                }
                for place in ["vendor.example:22", "vendor.example:6379", "192.168.1.1:22"] {
                    for (call, url_type) in kinds() {
                        let url = json!(format!("http://{place}/a.pdf"));
                        let body = scene.body_with(call, pointer, Some(&url));
                        let outcome =
                            scene.post(call, &with(body, type_pointer, url_type.as_ref())).await;
                        assert!(
                            outcome.starts_with(start),
                            "{call} {place} {url_type:?}: {outcome}"
                        );
                    }
                }
            })
            .await;
        // A name may turn out to be anything: it is checked when it is fetched from.
        let url = json!("https://reports.vendor.example/a.pdf");
        let body = scene.body_with("update_result", pointer, Some(&url));
        assert_eq!(scene.post("update_result", &body).await, DONE);
    }
}

/// Whatever is wrong with a call, the others go on: a mix of all at once.
#[tokio::test]
async fn bad_calls_among_good_ones_hurt_nobody() {
    World::each(async |world| {
        let seed = world.seed().await;
        let scenes: Vec<_> =
            futures_util::future::join_all((0..8).map(|_| Scene::of(&world, seed.clone()))).await;
        let calls = scenes.iter().flat_map(|scene| {
            CALLS[..3].iter().map(move |(call, _)| async move {
                let bad = with(scene.body(call), "/background_check_id", Some(&json!("7")));
                assert_eq!(scene.post(call, &bad).await, NOT_EXIST);
            })
        });
        let good = scenes.iter().map(|scene| async move {
            let call = "update_result";
            assert_eq!(scene.post(call, &scene.body(call)).await, DONE);
        });
        tokio::join!(futures_util::future::join_all(calls), futures_util::future::join_all(good));
        for scene in &scenes {
            assert_eq!(scene.order().await.state, OrderState::Completed);
        }
    })
    .await;
}
