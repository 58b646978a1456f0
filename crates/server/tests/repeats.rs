//! Repeats: an identical repeat of an accepted call answers 0 and changes nothing, a different one gets its refusal;
//! also many at once, and after a restart. Source: the product's section 3; contract, section 7 (Q1, Q7, Q10).

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use contract::control::{Event, ListEvents, OrderState};
use futures_util::future::join_all;
use harness::rows::assert_same_rows;
use harness::scene::{Scene, with};
use harness::wire::{Answer, Ask, path};
use harness::{Engine, World};
use serde_json::{Value, json};

const DONE: &str = "200 0 success";
const ILLEGAL: &str = "400 1002858 illegal order status";

/// Other texts that say the same as `body`: the order of members, blanks, escapes, members that nobody knows, and
/// optional ones left out, null or at their default.
fn same(body: &Value) -> Vec<String> {
    let compact = body.to_string();
    let members = body.as_object().unwrap();
    let mut reversed: Vec<_> = members
        .iter()
        .rev()
        .map(|(name, value)| format!("\n  {} :\t{value} ", json!(name)))
        .collect();
    reversed.push(" \"unknown\": {\"a\": [1, 2]}".to_owned());
    let escaped: String = compact
        .chars()
        .map(|letter| match letter.is_ascii() {
            true => letter.to_string(),
            false => format!("\\u{:04x}", u32::from(letter)),
        })
        .collect();
    let mut bodies = vec![
        compact,
        serde_json::to_string_pretty(body).unwrap(),
        format!(" {{{}}} \r\n", reversed.join(",")),
        escaped,
    ];
    if body.get("operator_role") == Some(&json!(1)) {
        bodies.push(with(body.clone(), "/operator_role", None).to_string());
        bodies.push(with(body.clone(), "/operator_role", Some(&json!(null))).to_string());
    }
    if body.pointer("/report_file_list/0/report_url_type") == Some(&json!(1)) {
        let pointer = "/report_file_list/0/report_url_type";
        bodies.push(with(body.clone(), pointer, None).to_string());
        bodies.push(with(body.clone(), pointer, Some(&json!(null))).to_string());
    }
    bodies
}

/// Sends every text that says the same as `body`; each must be answered 0 and change nothing.
async fn repeat(scene: &Scene<'_>, call: &str, body: &Value) {
    scene
        .stores_nothing(async || {
            for same in same(body) {
                let answer = scene.send(call, same.as_str()).await;
                assert_eq!(answer.outcome(), DONE, "{call}: {same}");
            }
        })
        .await;
}

/// Bodies that say something else than `body`, one for each member that counts.
fn different(body: &Value, members: &[(&str, Value)]) -> Vec<Value> {
    members.iter().map(|(pointer, value)| with(body.clone(), pointer, Some(value))).collect()
}

fn report(name: &str, url: &str, url_type: u8) -> Value {
    json!({"report_name": name, "report_url": url, "report_url_type": url_type})
}

#[tokio::test]
async fn an_identical_result_changes_nothing_and_another_one_is_refused() {
    World::each(async |world| {
        for with_approval in [false, true] {
            let scene = match with_approval {
                true => Scene::with_approval(&world).await,
                false => Scene::new(&world).await,
            };
            let call = "update_result";
            let body = scene.body_with(call, "/operator_role", Some(&json!(1)));
            assert_eq!(scene.post(call, &body).await, DONE);
            let state = scene.order().await.state;
            let refusal = match with_approval {
                true => "500 1002863 background order is being approved",
                false => ILLEGAL,
            };
            repeat(&scene, call, &body).await;
            let url = "https://vendor.example/a.pdf";
            let others = different(
                &body,
                &[
                    ("/result", json!("绿灯 ")),
                    ("/result_time", json!("1700000000001")),
                    ("/operator_role", json!(2)),
                    ("/report_file_list", json!([])),
                    ("/report_file_list", json!([report("b.pdf", url, 1)])),
                    (
                        "/report_file_list",
                        json!([report("a.pdf", "https://vendor.example/b.pdf", 1)]),
                    ),
                    ("/report_file_list", json!([report("a.pdf", url, 2)])),
                    (
                        "/report_file_list",
                        json!([report("a.pdf", url, 1), report("a.pdf", url, 1)]),
                    ),
                ],
            );
            scene
                .stores_nothing(async || {
                    for other in others {
                        assert_eq!(scene.post(call, &other).await, refusal, "{other}");
                    }
                })
                .await;
            assert_eq!(scene.order().await.state, state);
            assert_eq!(scene.order().await.results.len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn an_identical_stage_changes_nothing_and_another_one_of_its_id_is_refused() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let call = "update_progress";
        let first = scene.body(call);
        let second = with(first.clone(), "/stage_id", Some(&json!("stage-2")));
        let second = with(second, "/stage_time", Some(&json!("1700000000001")));
        assert_eq!(scene.post(call, &first).await, DONE);
        repeat(&scene, call, &first).await;
        assert_eq!(scene.post(call, &second).await, DONE);
        // The first one's time lies before the last stage now, and is still a repeat.
        repeat(&scene, call, &first).await;
        repeat(&scene, call, &second).await;
        scene
            .stores_nothing(async || {
                for other in different(
                    &first,
                    &[
                        ("/stage_name", json!("工作履历核实")),
                        ("/stage_en_name", json!("work")),
                        ("/stage_time", json!("1700000000002")),
                        ("/result", json!("有差异")),
                        ("/operator_role", json!(2)),
                        (
                            "/report_file_list",
                            json!([report("b.pdf", "https://vendor.example/b.pdf", 1)]),
                        ),
                    ],
                ) {
                    let outcome = scene.post(call, &other).await;
                    let start = "400 1002002 Parameter error | stage_id: ";
                    assert!(outcome.starts_with(start), "{outcome}");
                }
            })
            .await;
        // Absent and empty say the same for members that may be left out.
        let plain = json!({
            "background_check_id": scene.order_id,
            "stage_id": "stage-3",
            "stage_name": "完成",
            "stage_time": "1700000000002",
        });
        assert_eq!(scene.post(call, &plain).await, DONE);
        repeat(&scene, call, &plain).await;
        scene
            .stores_nothing(async || {
                for (name, value) in [
                    ("stage_en_name", json!("")),
                    ("result", json!("")),
                    ("result", json!(null)),
                    ("report_file_list", json!([])),
                    ("operator_role", json!(1)),
                ] {
                    let body = with(plain.clone(), &format!("/{name}"), Some(&value));
                    assert_eq!(scene.post(call, &body).await, DONE, "{name}");
                }
            })
            .await;
    })
    .await;
}

/// A call that was accepted stays accepted, whatever became of the order since.
#[tokio::test]
async fn repeats_are_answered_0_after_the_order_has_ended() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let (stage, result) = (scene.body("update_progress"), scene.body("update_result"));
        assert_eq!(scene.post("update_progress", &stage).await, DONE);
        assert_eq!(scene.post("update_result", &result).await, DONE);
        repeat(&scene, "update_progress", &stage).await;
        repeat(&scene, "update_result", &result).await;

        let scene = Scene::of(&world, scene.seed.clone()).await;
        let (stage, cancel) = (scene.body("update_progress"), scene.body("cancel"));
        assert_eq!(scene.post("update_progress", &stage).await, DONE);
        assert_eq!(scene.post("cancel", &cancel).await, DONE);
        repeat(&scene, "update_progress", &stage).await;
        repeat(&scene, "cancel", &cancel).await;
        assert_eq!(scene.order().await.state, OrderState::Terminated);
        // A result that was never accepted is not a repeat.
        assert_eq!(scene.post("update_result", &scene.body("update_result")).await, ILLEGAL);
    })
    .await;
}

/// A repeat is no new result, also when the first one was sent back meanwhile: a lost answer that is asked for again
/// must not open a review that nobody wanted.
#[tokio::test]
async fn an_identical_result_opens_no_second_review() {
    World::each(async |world| {
        let scene = Scene::with_approval(&world).await;
        let hirer = &scene.seed.hirer;
        let body = scene.body("update_result");
        assert_eq!(scene.post("update_result", &body).await, DONE);
        let withdrawn = hirer.control.withdraw_order(&hirer.tenant_key, &scene.order_id).await;
        assert_eq!(withdrawn.unwrap().state, OrderState::ReviewWithdrawn);
        repeat(&scene, "update_result", &body).await;
        let other = with(body, "/result_time", Some(&json!("1700000000009")));
        assert_eq!(scene.post("update_result", &other).await, DONE);
        let order = scene.order().await;
        assert_eq!((order.state, order.results.len()), (OrderState::InReview, 2));
    })
    .await;
}

async fn events(scene: &Scene<'_>) -> Vec<Event> {
    let hirer = &scene.seed.hirer;
    let list = ListEvents { order_id: Some(scene.order_id.clone()), ..ListEvents::default() };
    hirer.control.list_events(&hirer.tenant_key, &list).await.unwrap().items
}

/// 64 identical calls, each on a connection of its own, that come to the order at once.
async fn at_once(scene: &Scene<'_>, call: &str, body: &Value) {
    let ask = Ask::post(path(call), body.to_string()).json().bearer(&scene.vendor.token);
    let mut lines = join_all((0..64).map(|_| scene.world.line())).await;
    // 64 in an instant are more than a second's 50: each passes the gateway a little later than the one before.
    for line in &mut lines {
        scene.world.clock.advance_ms(61);
        line.begin(&ask).await;
    }
    let answers = join_all(lines.iter_mut().map(|line| line.finish(&ask))).await;
    let outcomes: Vec<_> = answers.iter().map(Answer::outcome).collect();
    assert_eq!(outcomes, vec![DONE; 64], "{call}");
}

#[tokio::test]
async fn sixty_four_identical_calls_at_once_leave_one_result_and_one_event_set() {
    World::each(async |world| {
        for with_approval in [false, true] {
            let scene = match with_approval {
                true => Scene::with_approval(&world).await,
                false => Scene::new(&world).await,
            };
            let reported = events(&scene).await;
            assert_eq!(reported.len(), 1, "created");
            at_once(&scene, "update_progress", &scene.body("update_progress")).await;
            at_once(&scene, "update_result", &scene.body("update_result")).await;
            let order = scene.order().await;
            let expected = if with_approval { OrderState::InReview } else { OrderState::Completed };
            assert_eq!(order.state, expected);
            assert_eq!((order.results.len(), order.reports.len()), (1, 2));
            let of_vendor =
                order.stages.iter().filter(|stage| stage.stage_id.as_deref() == Some("stage-1"));
            assert_eq!(of_vendor.count(), 1);
            let done: Vec<_> = order.timeline.iter().map(|entry| json!(entry.action)).collect();
            assert_eq!(done, ["placed", "progress", "result"]);
            assert_eq!(
                events(&scene).await,
                reported,
                "the vendor is told nothing of its own calls"
            );
        }
        let scene = Scene::new(&world).await;
        at_once(&scene, "cancel", &scene.body("cancel")).await;
        let order = scene.order().await;
        assert_eq!(order.state, OrderState::Terminated);
        let done: Vec<_> = order.timeline.iter().map(|entry| json!(entry.action)).collect();
        assert_eq!(done, ["placed", "canceled"]);
        assert_eq!(events(&scene).await.len(), 1, "who ends it itself is not told");
    })
    .await;
}

/// Different results at once: one is taken, all others get the refusal that the new state demands.
#[tokio::test]
async fn of_many_different_results_at_once_one_wins() {
    World::each(async |world| {
        let scene = Scene::new(&world).await;
        let call = "update_result";
        let bodies: Vec<_> = (0..32)
            .map(|number| scene.body_with(call, "/result", Some(&json!(format!("结论 {number}")))))
            .collect();
        let outcomes = join_all(bodies.iter().map(|body| scene.post(call, body))).await;
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| *outcome == DONE);
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(|outcome| *outcome == ILLEGAL), "{lost:?}");
        let order = scene.order().await;
        assert_eq!((order.state, order.results.len()), (OrderState::Completed, 1));
        let winner = outcomes.iter().position(|outcome| outcome == DONE).unwrap();
        assert_eq!(order.conclusion, Some(format!("结论 {winner}")));
    })
    .await;
}

/// The server is stopped and started between a call and its repeat.
#[tokio::test]
async fn repeats_are_recognised_after_a_restart() {
    for engine in Engine::available().await {
        let mut world = World::on(engine).await;
        let scene = Scene::new(&world).await;
        let other = Scene::of(&world, scene.seed.clone()).await;
        let calls = [
            (&scene, "update_progress", scene.body("update_progress")),
            (&scene, "update_result", scene.body("update_result")),
            (&other, "cancel", other.body("cancel")),
        ];
        for (scene, call, body) in &calls {
            assert_eq!(scene.post(call, body).await, DONE);
        }
        let calls = calls.map(|(_, call, body)| (call, body));
        let (seed, token) = (scene.seed.clone(), scene.vendor.token.clone());
        let different = scene.body_with("update_result", "/result", Some(&json!("红灯")));
        let before = world.rows().await;

        world.restart().await;
        world.clock.advance_ms(1_001);
        let caller = world.caller(&seed.app).await;
        assert_eq!(caller.token, token);
        for (call, body) in calls {
            assert_eq!(caller.post(call, body.to_string()).await.outcome(), DONE, "{call}");
        }
        let refused = caller.post("update_result", different.to_string()).await;
        assert_eq!(refused.outcome(), ILLEGAL);
        assert_same_rows(&before, &world.rows().await, "repeats after a restart");
    }
}
