//! The rows of contract §3.3: packages and additional items.

use contract::code;
use serde_json::json;

use super::book::{Beside, Book};
use super::harness::World;
use super::harness::scene::Scene;

pub(super) async fn rows(world: &World, book: &mut Book) {
    let scene = Scene::new(world).await;
    let code = &code::ACCOUNT_PACKAGE_NOT_FOUND;
    for account_id in ["7000000000000000001", "x"] {
        let body = scene.body_with("packages", "/account_id", Some(&json!(account_id)));
        let answer = scene.send("packages", body.to_string()).await;
        let field = ("account_id", None, "expected an account of this app");
        book.row(code, &[], &answer, Beside::Fields(&[field]));
    }
}
