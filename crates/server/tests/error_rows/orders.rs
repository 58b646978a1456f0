//! The rows of contract §3.4: orders, from the vendor's side.

use contract::code::{self, Code};
use serde_json::{Value, json};

use super::book::{Beside, Book};
use super::harness::World;
use super::harness::scene::Scene;
use super::harness::wire::Answer;

const CALLS: [&str; 3] = ["update_progress", "update_result", "cancel"];

async fn post(scene: &Scene<'_>, call: &str, body: &Value) -> Answer {
    scene.send(call, body.to_string()).await
}

async fn done(scene: &Scene<'_>, call: &str) {
    assert_eq!(scene.post(call, &scene.body(call)).await, "200 0 success");
}

pub(super) async fn rows(world: &World, book: &mut Book) {
    let scene = Scene::new(world).await;
    for call in CALLS {
        for id in ["6931286400470354183", "x"] {
            let body = scene.body_with(call, "/background_check_id", Some(&json!(id)));
            let answer = post(&scene, call, &body).await;
            book.row(&code::ORDER_NOT_EXIST, &[], &answer, Beside::Trace);
        }
    }
    storage_fails(&scene, book).await;

    done(&scene, "update_progress").await;
    let taken = scene.body_with("update_progress", "/stage_name", Some(&json!("另一个")));
    let answer = post(&scene, "update_progress", &taken).await;
    let field = ("stage_id", None, "expected a stage_id that the order does not have yet");
    book.row(&code::PARAMETER_ERROR, &[], &answer, Beside::Fields(&[field]));
    let late = scene.body_with("update_progress", "/stage_id", Some(&json!("stage-2")));
    let answer = post(&scene, "update_progress", &late).await;
    let field = ("stage_time", None, "expected a stage_time after the order's last one");
    book.row(&code::PARAMETER_ERROR, &[], &answer, Beside::Fields(&[field]));

    // Completed, and terminated.
    done(&scene, "update_result").await;
    let other = scene.body_with("update_result", "/result", Some(&json!("红灯")));
    for (call, body) in
        [("update_result", &other), ("update_progress", &late), ("cancel", &scene.body("cancel"))]
    {
        let answer = post(&scene, call, body).await;
        book.row(&code::ILLEGAL_ORDER_STATUS, &[], &answer, Beside::Trace);
    }
    let ended = Scene::new(world).await;
    done(&ended, "cancel").await;
    for call in ["update_progress", "update_result"] {
        let answer = post(&ended, call, &ended.body(call)).await;
        book.row(&code::ILLEGAL_ORDER_STATUS, &[], &answer, Beside::Trace);
    }

    let reviewed = Scene::with_approval(world).await;
    done(&reviewed, "update_result").await;
    let other = reviewed.body_with("update_result", "/result", Some(&json!("红灯")));
    let answer = post(&reviewed, "update_result", &other).await;
    book.row(&code::ORDER_BEING_APPROVED, &[], &answer, Beside::Trace);
}

/// 1002001 has the text that each call documents.
async fn storage_fails(scene: &Scene<'_>, book: &mut Book) {
    let rows: [(&str, &Code); 3] = [
        ("update_progress", &code::SYSTEM_ERROR),
        ("update_result", &code::SYSTEM_ERROR),
        ("cancel", &code::SYSTEM_ERROR_BARE),
    ];
    for (call, code) in rows {
        scene.world.execute("ALTER TABLE orders RENAME TO away").await;
        let answer = post(scene, call, &scene.body(call)).await;
        scene.world.execute("ALTER TABLE away RENAME TO orders").await;
        book.row(code, &[], &answer, Beside::Trace);
    }
}
