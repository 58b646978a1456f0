//! `GET /apps/{app_id}/connections`.

use axum::http::StatusCode;
use axum::response::Response;
use contract::control::{self, Page};
use domain::{Id, UnixMs};

use crate::control::auth::Call;
use crate::control::failure::Failure;
use crate::control::request::json;
use hub::instant::rfc3339;

/// Lists an app's live long connections on all replicas, newest first: who, since when, last ping, in flight.
#[utoipa::path(
    get,
    path = "/apps/{app_id}/connections",
    tag = "apps",
    params(("app_id" = String, Path, description = "`cli_` and 16 lower-case hex digits")),
    responses((status = 200, description = "All of them", body = Page<control::Connection>))
)]
pub(crate) async fn list_app_connections(call: Call) -> Result<Response, Failure> {
    let (app, app_id) = (&call.app, call.vendor_app().await?.app_id);
    let mut found: Vec<(UnixMs, control::Connection)> = Vec::new();
    // What is here is known best here.
    for connection in app.connections.of(app_id) {
        let (last_ping_at, in_flight) = (connection.last_ping_at(), connection.in_flight());
        let client = connection.client.clone();
        let opened_at = connection.opened_at;
        found.push((
            opened_at,
            view(connection.connection_id, client, opened_at, last_ping_at, in_flight),
        ));
    }
    for there in app.hub.store.list_connections(app_id, app.hub.clock.now()).await? {
        if there.replica_id != app.connections.replica_id() {
            let (last_ping_at, in_flight) = (there.last_ping_at, there.in_flight);
            let opened_at = there.opened_at;
            let view = view(there.connection_id, there.client, opened_at, last_ping_at, in_flight);
            found.push((opened_at, view));
        }
    }
    found.sort_by(|(at, one), (other_at, other)| {
        (other_at.0, &other.connection_id).cmp(&(at.0, &one.connection_id))
    });
    let items = found.into_iter().map(|(_, connection)| connection).collect();
    Ok(json(StatusCode::OK, &Page { items, next_cursor: None }))
}

fn view(
    connection_id: Id,
    client: String,
    opened_at: UnixMs,
    last_ping_at: Option<UnixMs>,
    in_flight: u32,
) -> control::Connection {
    control::Connection {
        connection_id: connection_id.to_string(),
        client,
        opened_at: rfc3339(opened_at),
        last_ping_at: last_ping_at.map(rfc3339),
        in_flight,
    }
}
