//! The rows of contract §3.3: packages and additional items.

use contract::code;
use serde_json::json;

use super::book::{Beside, Book};
use super::harness::World;
use super::harness::scene::Scene;

pub(super) async fn rows(world: &World, book: &mut Book) {
    let scene = Scene::new(world).await;
    for (call, code) in [
        ("packages", &code::ACCOUNT_PACKAGE_NOT_FOUND),
        ("packages_update", &code::ACCOUNT_PACKAGE_NOT_FOUND),
        ("packages_delete", &code::PACKAGE_DELETE_NOT_FOUND),
    ] {
        for account_id in ["7000000000000000001", "x"] {
            let body = scene.body_with(call, "/account_id", Some(&json!(account_id)));
            let answer = scene.send(call, body.to_string()).await;
            let field = ("account_id", None, "expected an account of this app");
            book.row(code, &[], &answer, Beside::Fields(&[field]));
        }
    }
    world.execute("ALTER TABLE packages RENAME TO away").await;
    for (call, code) in [
        ("packages", &code::SYSTEM_FAULT_400),
        ("packages_update", &code::SYSTEM_FAULT_400),
        ("packages_delete", &code::SYSTEM_INTERNAL_ERROR),
    ] {
        let answer = scene.send(call, scene.body(call).to_string()).await;
        book.row(code, &[], &answer, Beside::Trace);
    }
    world.execute("ALTER TABLE away RENAME TO packages").await;
}
