//! The rows of contract §5.4: the call for a long connection. All have HTTP 200 and an empty `data`.

use contract::code;
use contract::endpoint::ENDPOINT_PATH;
use serde_json::json;

use super::book::{Beside, Book};
use super::harness::World;
use super::harness::wire::Ask;

/// The World lets each app have one connection.
pub(super) async fn rows(world: &World, book: &mut Book) {
    let seed = world.seed_connected().await;
    let (id, secret) = (&seed.app.app.app_id, &seed.app.app_secret);
    for (id, secret) in [("cli_ffffffffffffffff", &**secret), ("x", secret), (id, "wrong")] {
        let body = json!({"AppID": id, "AppSecret": secret}).to_string();
        let answer = world.ask(&Ask::post(ENDPOINT_PATH, body)).await;
        book.row(&code::LONG_CONNECTION_CREDENTIALS, &[], &answer, Beside::Data);
    }
    world.execute("ALTER TABLE connections RENAME TO away").await;
    let answer = world.ask_endpoint(&seed.app).await;
    world.execute("ALTER TABLE away RENAME TO connections").await;
    book.row(&code::LONG_CONNECTION_INTERNAL, &[], &answer, Beside::Data);

    let _socket = world.connect(&seed.app).await;
    let answer = world.ask_endpoint(&seed.app).await;
    book.row(&code::LONG_CONNECTION_EXCEEDED, &[], &answer, Beside::Data);
}
