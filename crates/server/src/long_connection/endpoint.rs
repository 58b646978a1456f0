//! `POST /callback/ws/endpoint`: a client asks for an address to connect to. Source: contract, section 5.4.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, Response, header};
use contract::code::{self, Code};
use contract::endpoint::{self, EndpointRequest};
use contract::envelope::{ErrorBody, FieldViolation};
use domain::AppId;
use outbound::Allow;
use store::Fault;
use store::connections::Holder;

use super::ticket::{TICKET_LIFE_MS, Ticket};
use crate::app::{App, SharedApp};
use crate::http::body::{BodyRefused, STRANGER_BYTES_MAX, read_body};
use crate::http::forwarded::Reached;
use crate::open_api::{self, answer, busy, log_id};
use crate::public_url;
use hub::app_access::{AppAccess, Numbers};
use hub::connections::find_access;

/// Tries until other replicas' connections are sure: longer than a dead one's count, below the Node SDK's 15 s.
const LOOKS: u32 = 9;
const LOOK_PERIOD: Duration = Duration::from_secs(1);

enum Refused {
    /// HTTP 400: the body is not what it must be.
    Body {
        field: &'static str,
        expected: String,
    },
    /// HTTP 200 with a documented code, and the row's text or one made for the case.
    Code(&'static Code, String),
    /// HTTP 503: no memory for one more body.
    Busy,
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Refused {
        Refused::Fault(fault)
    }
}

/// Answers the call; other methods on its path are not found.
pub(crate) async fn serve(State(app): State<SharedApp>, request: Request) -> Response<Body> {
    if request.method() != Method::POST {
        return open_api::serve(State(app), request).await;
    }
    let log_id = log_id(app.hub.installation_clock.now());
    match address(&app, request).await {
        Ok(url) => answer(200, &log_id, endpoint::success(&url, app.config.long_connection.client)),
        Err(Refused::Code(code, msg)) => answer(200, &log_id, endpoint::refusal(code, &msg)),
        Err(Refused::Body { field, expected }) => {
            let field = field.to_owned();
            let violation = FieldViolation { field, value: None, description: expected };
            let body = ErrorBody::new(&code::BAD_REQUEST, &log_id);
            let body = body.with_field_violations(vec![violation]);
            answer(code::BAD_REQUEST.http_status, &log_id, endpoint::bad_request(body))
        }
        Err(Refused::Busy) => {
            let code = &code::LONG_CONNECTION_INTERNAL;
            busy(&log_id, endpoint::refusal(code, code.msg))
        }
        Err(Refused::Fault(fault)) => {
            tracing::error!(log_id, %fault, "a call for a long connection failed");
            let code = &code::LONG_CONNECTION_INTERNAL;
            answer(200, &log_id, endpoint::refusal(code, code.msg))
        }
    }
}

/// The address for one connection; else HTTP 400/9499 (body), 1000040345 (`app_id or app_secret is invalid`, also
/// for an app that may have none), 99991401 (address denied), 1000040350 (too many).
/// exceeded the limit` (1000040350).
async fn address(app: &App, request: Request) -> Result<String, Refused> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let base = base(app, &request);
    // Nobody knows yet who calls.
    let max = STRANGER_BYTES_MAX.min(app.config.body_bytes_max);
    let body = read_body(request.into_body(), max, app.config.body_time, &app.bodies).await;
    let body = body.map_err(|refused| match refused {
        BodyRefused::Busy => Refused::Busy,
        _ => Refused::Body { field: "body", expected: format!("expected a body, {refused}") },
    })?;
    let request = EndpointRequest::decode(&body).map_err(|refused| Refused::Body {
        field: refused.field,
        expected: refused.expected.to_owned(),
    })?;
    let (access, numbers) = authenticate(app, &request).await?;
    let app_id = access.app.app_id;
    check_address(&access, peer)?;
    check_count(app, app_id).await?;
    let now = app.hub.installation_clock.now();
    let until_s = now.plus_ms(TICKET_LIFE_MS).seconds();
    let ticket = Ticket {
        connection_id: app.hub.store.make_id(now),
        app_id,
        numbers: numbers.short(),
        until_s: u32::try_from(until_s).unwrap_or(u32::MAX),
    };
    Ok(format!("{base}{}", app.connection_tickets.address(&ticket)))
}

async fn authenticate(
    app: &App,
    request: &EndpointRequest,
) -> Result<(AppAccess, Numbers), Refused> {
    let code = &code::LONG_CONNECTION_CREDENTIALS;
    let invalid = || Refused::Code(code, code.msg.to_owned());
    let app_id: AppId = request.app_id.to_lowercase().parse().map_err(|_| invalid())?;
    let vendor = app.hub.store.find_app(app_id).await?.ok_or_else(invalid)?;
    let secret_no =
        hub::keys::secret_no(&vendor, &request.app_secret, app.hub.installation_clock.now());
    let secret_no = secret_no.ok_or_else(invalid)?;
    match find_access(&app.hub, &vendor, secret_no).await? {
        Ok(access) => {
            let numbers = access.numbers(secret_no);
            Ok((access, numbers))
        }
        Err(expected) => Err(Refused::Code(code, format!("{}: {expected}", code.msg))),
    }
}

fn check_address(access: &AppAccess, peer: Option<IpAddr>) -> Result<(), Refused> {
    let peer = peer.map(|peer| peer.to_canonical());
    let allows = |ranges: &[String]| {
        let allowed = Allow::from_rules(ranges.iter().map(String::as_str));
        peer.zip(allowed.ok()).is_some_and(|(peer, allowed)| allowed.allows_address(peer))
    };
    if access.ip_allowlists().all(allows) {
        return Ok(());
    }
    let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
    Err(Refused::Code(&code::IP_DENIED, code::IP_DENIED.msg.replace("%s", &peer)))
}

/// Refuses when the app has as many connections, on all replicas, as it may have. Clients give up for good then,
/// and a replica that has just died looks alive for some seconds: so other replicas must be seen alive first.
async fn check_count(app: &App, app_id: AppId) -> Result<(), Refused> {
    let limit = app.config.long_connection.connections_per_app as usize;
    let is_full = |others: usize| app.hub.connections.count_of(app_id) + others >= limit;
    let before = others(app, app_id).await?;
    if !is_full(connections(&before)) {
        return Ok(());
    }
    let exceeded = || {
        let code = &code::LONG_CONNECTION_EXCEEDED;
        Refused::Code(code, code.msg.to_owned())
    };
    if is_full(0) {
        return Err(exceeded());
    }
    let has_beaten = |holder: &&Holder| {
        before.iter().any(|old| old.replica_id == holder.replica_id && old.beats < holder.beats)
    };
    for _ in 0..LOOKS {
        let _ = tokio::time::timeout(LOOK_PERIOD, std::future::pending::<()>()).await;
        let now = others(app, app_id).await?;
        if !is_full(connections(&now)) {
            return Ok(());
        }
        let alive: Vec<Holder> = now.iter().filter(has_beaten).copied().collect();
        if is_full(connections(&alive)) {
            return Err(exceeded());
        }
    }
    let code = &code::LONG_CONNECTION_INTERNAL;
    Err(Refused::Code(code, code.msg.to_owned()))
}

async fn others(app: &App, app_id: AppId) -> Result<Vec<Holder>, Fault> {
    let mut holders = app.hub.store.list_holders(app_id, app.hub.installation_clock.now()).await?;
    holders.retain(|holder| holder.replica_id != app.hub.connections.replica_id());
    Ok(holders)
}

fn connections(holders: &[Holder]) -> usize {
    holders.iter().map(|holder| holder.connections as usize).sum()
}

/// Scheme, host and port of the websocket: of the public URL when one is set, else as the client reached us.
fn base(app: &App, request: &Request) -> String {
    if app.config.public_url.is_some() {
        // `http` becomes `ws`, and `https` becomes `wss`.
        return public_url::base(&app.config, None).replacen("http", "ws", 1);
    }
    let reached = request.extensions().get::<Reached>().cloned().unwrap_or_default();
    let scheme = if reached.is_secure { "wss" } else { "ws" };
    let is_of_host = |byte: u8| byte.is_ascii_alphanumeric() || b".:-_[]".contains(&byte);
    let is_host = |host: &&str| !host.is_empty() && host.bytes().all(is_of_host);
    let asked = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match reached.host.as_deref().filter(is_host).or(asked.filter(is_host)) {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://{}", app.config.listen),
    }
}
