//! The rows of contract §4: the hirer's order queries.

use contract::code;

use super::book::{Beside, Book};
use super::harness::World;
use super::harness::scene::Scene;
use super::harness::wire::Ask;

const LIST: &str = "/open-apis/hire/v1/background_check_orders";
const BATCH: &str = "/open-apis/hire/v1/background_check_orders/batch_query";

pub(super) async fn rows(world: &World, book: &mut Book) {
    let scene = Scene::new(world).await;
    let with = |query: &str| {
        [
            Ask::new("GET", &format!("{LIST}?{query}")),
            Ask::post(&format!("{BATCH}?{query}"), "{}").json(),
        ]
    };
    for ask in with("page_token=x") {
        let answer = scene.vendor.ask(ask).await;
        let field = ("page_token", None, "expected that of the page before");
        book.row(&code::PARAMETER_ERROR, &[], &answer, Beside::Fields(&[field]));
    }
    for ask in with("page_size=101") {
        let answer = scene.vendor.ask(ask).await;
        let field = ("page_size", Some("101"), "the max value is 100");
        book.row(&code::FIELD_VALIDATION_FAILED, &[], &answer, Beside::Fields(&[field]));
    }
    for ask in with("") {
        world.execute("ALTER TABLE orders RENAME TO away").await;
        let answer = scene.vendor.ask(ask).await;
        world.execute("ALTER TABLE away RENAME TO orders").await;
        book.row(&code::SYSTEM_EXCEPTION, &[], &answer, Beside::Trace);
    }
}
