//! The errors table, row by row: each row of contract §1.5, §2.3, §3, §4 and §5.4 that the server can cause is
//! produced on the wire, and HTTP status, code, message and error object are compared whole.
//!
//! How a call gets its rows in: a file in `error_rows/` with `pub(super) async fn rows(world, book)`, which makes the
//! calls and hands each answer to [`Book::row`] with what is expected beside the row itself; then a line in
//! [`every_row_that_the_server_can_cause_is_produced_on_the_wire`]. A row of the table that stands neither in a file nor
//! in [`NEVER`] fails the test, and so does one that stands twice.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

#[path = "error_rows/book.rs"]
mod book;
#[path = "error_rows/connections.rs"]
mod connections;
#[path = "error_rows/forms.rs"]
mod forms;
#[path = "error_rows/gateway.rs"]
mod gateway;
mod harness;
mod line;
#[path = "error_rows/orders.rs"]
mod orders;
#[path = "error_rows/packages.rs"]
mod packages;
#[path = "error_rows/queries.rs"]
mod queries;
#[path = "error_rows/tokens.rs"]
mod tokens;

use book::Book;
use contract::code::{self, Code};
use harness::{BEGIN, Engine, World};
use server::NotFound;
use system::clock::Clock;

/// Rows that nothing on this server can cause, each with the reason (decision 016).
const NEVER: &[(&Code, &str)] = &[
    (&code::WRONG_APP_SECRET, "10014 is answered instead"),
    (&code::APP_SECRET_INVALID_GENERAL, "10014 is answered instead"),
    (&code::APP_USAGE_NOT_EXIST, "20009 is answered instead"),
    (&code::LOGIN_USER_INVALID, "there are no other ways to log in"),
    (&code::INVALID_USER_TOKEN, "every call refuses user tokens by their kind"),
    (&code::TOKEN_NO_PERMISSION, "what a token may do is checked by scopes"),
    (&code::USER_TOKEN_EXPIRED, "there are no user tokens"),
    (&code::USER_SCOPE_MISSING, "there are no user tokens"),
    (&code::QUOTA_EXCEEDED, "there are no quotas by month"),
    (&code::METHOD_RATE_LIMITED, "the tiers are the only limits"),
    (&code::APP_RATE_LIMITED, "the tiers are the only limits"),
    (&code::IDS_NOT_EXISTED, "no call takes ids of users or departments"),
    (&code::IDS_CROSS_TENANT, "no call takes ids of users or departments"),
];

#[tokio::test]
async fn every_row_that_the_server_can_cause_is_produced_on_the_wire() {
    for engine in Engine::available().await {
        // In JSON, since the platform's bare 404 page is no row; `gateway.rs` tests that one.
        let adjust = |config: &mut server::Config| {
            config.not_found = NotFound::Json;
            config.long_connection.connections_per_app = 1;
        };
        let world = World::start(engine, Clock::manual(BEGIN), false, adjust).await;
        let mut book = Book::default();
        tokens::rows(&world, &mut book).await;
        gateway::rows(&world, &mut book).await;
        packages::rows(&world, &mut book).await;
        forms::rows(&world, &mut book).await;
        orders::rows(&world, &mut book).await;
        queries::rows(&world, &mut book).await;
        connections::rows(&world, &mut book).await;
        book.close(NEVER);
    }
}
