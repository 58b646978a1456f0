//! The gateway: what is checked of every call before it runs, in the documented order.
//!
//! Route, token present, token valid, app enabled, addresses, scope, rate limit, body, then the call itself.
//! Source: contract, section 2.1.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Response, StatusCode, header};
use contract::auth;
use contract::code::{self, Code};
use contract::envelope::{SUCCESS, SUCCESS_CAPITAL, SUCCESS_OK};
use contract::route::{Access, Call, Route};
use outbound::Allow;

use super::auth as tokens;
use super::failure::{Failure, answer, busy};
use super::log_id::log_id;
use crate::app::{App, SharedApp};
use crate::config::NotFound;
use crate::http::body::{BodyRefused, STRANGER_BYTES_MAX, read_body};
use crate::http::limit::LimitKey;
use hub::app_access::AppAccess;
use hub::vendor_calls::{CallError, Vendor, checks, fields, orders, packages};

/// Answers any request under `/open-apis`.
pub(crate) async fn serve(State(app): State<SharedApp>, request: Request) -> Response<Body> {
    let route = Route::find(request.method().as_str(), request.uri().path());
    let response = answered(&app, route, request).await;
    app.metrics.count_open_call(route.map(|route| route.call), response.status());
    response
}

async fn answered(app: &App, route: Option<&'static Route>, request: Request) -> Response<Body> {
    let log_id = log_id(app.hub.installation_clock.now());
    let Some(route) = route else {
        return not_found(app, request.uri().path(), &log_id);
    };
    match route.access {
        Access::Open => {
            // Nobody knows yet who calls.
            let bytes_max = STRANGER_BYTES_MAX.min(app.config.body_bytes_max);
            let body = match read(app, request, bytes_max).await {
                Ok(body) => tokens::call(app, route.call, &body).await,
                Err(BodyRefused::Busy) => {
                    return busy(&log_id, auth::refusal(&code::GATEWAY_INTERNAL));
                }
                Err(_) => auth::refusal(&code::TOKEN_INVALID_PARAM),
            };
            // Token calls answer 200 also when they refuse. Source: contract, section 1.1.
            answer(200, &log_id, body)
        }
        Access::TenantToken => match call(app, route, request, &log_id).await {
            Ok(None) => answer(200, &log_id, success(route.call)),
            Ok(Some(body)) => answer(200, &log_id, body),
            Err(failure) => failure.into_response(&log_id),
        },
    }
}

/// The body of a success, which has another word for some calls. Source: contract, section 2.2.
fn success(call: Call) -> &'static [u8] {
    match call {
        Call::CreateAccountFields | Call::UpdateAccountFields | Call::DeleteAccountFields => {
            SUCCESS_OK
        }
        Call::DeletePackages => SUCCESS_CAPITAL,
        _ => SUCCESS,
    }
}

/// An unknown path or method, in the configured form. Source: contract, section 2.3 and question 21.
fn not_found(app: &App, path: &str, log_id: &str) -> Response<Body> {
    if app.config.not_found == NotFound::Json {
        let is_path = Route::is_path(path);
        let code = if is_path { &code::METHOD_MISMATCH } else { &code::RESOURCE_NOT_FOUND };
        return Failure::refused(code).into_response(log_id);
    }
    let mut response = answer(StatusCode::NOT_FOUND.as_u16(), log_id, "404 page not found");
    let text = header::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// Checks and makes a call; gives the success's body where it is not that of every call that only writes.
async fn call(
    app: &App,
    route: &'static Route,
    request: Request,
    log_id: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    let vendor = authenticate(app, request.headers()).await?;
    app.call_rate.call_came();
    check_address(&vendor.access, &request)?;
    if !route.scopes.iter().any(|scope| vendor.has(*scope)) {
        let public_url = app.config.public_url.clone();
        return Err(Failure::Scope(vendor.app.app_id, route.scopes, public_url));
    }
    let key = LimitKey::Call {
        call: route.call as u16,
        app: vendor.app.app_id,
        tenant: vendor.tenant.tenant_id,
    };
    let windows = route.tier.windows();
    app.limits
        .check(key, windows, app.hub.installation_clock.mono_ms())
        .map_err(Failure::RateLimitError)?;
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = read(app, request, app.config.body_bytes_max).await;
    let body = body.map_err(|refused| body_failure(app, refused))?;
    let hub = &app.hub;
    let written = match route.call {
        Call::ListOrders => return Ok(Some(orders::list(hub, &vendor, &query).await?)),
        Call::QueryOrders => return Ok(Some(orders::query(hub, &vendor, &query, &body).await?)),
        Call::CreateAccountFields => fields::create_account_fields(hub, &vendor, &body).await,
        Call::UpdateAccountFields => fields::update_account_fields(hub, &vendor, &body).await,
        Call::DeleteAccountFields => fields::delete_account_fields(hub, &vendor, &body).await,
        Call::CreateCheckFields => fields::create_check_fields(hub, &vendor, &body).await,
        Call::UpdateCheckFields => fields::update_check_fields(hub, &vendor, &body).await,
        Call::DeleteCheckFields => fields::delete_check_fields(hub, &vendor, &body).await,
        Call::CreatePackages => packages::create(hub, &vendor, &body).await,
        Call::UpdatePackages => packages::update(hub, &vendor, &body).await,
        Call::DeletePackages => packages::delete(hub, &vendor, &body).await,
        Call::UpdateProgress => checks::update_progress(hub, &vendor, log_id, &body).await,
        Call::UpdateResult => checks::update_result(hub, &vendor, log_id, &body).await,
        Call::CancelCheck => checks::cancel(hub, &vendor, &body).await,
        Call::TenantTokenInternal
        | Call::AppTokenInternal
        | Call::ResendAppTicket
        | Call::AppToken
        | Call::TenantToken => unreachable!("token calls need no token"),
    };
    written?;
    Ok(None)
}

async fn read(app: &App, request: Request, bytes_max: usize) -> Result<bytes::Bytes, BodyRefused> {
    read_body(request.into_body(), bytes_max, app.config.body_time, &app.bodies).await
}

fn body_failure(app: &App, refused: BodyRefused) -> Failure {
    let expected = match refused {
        BodyRefused::Busy => return Failure::Busy,
        BodyRefused::TooLarge => format!("expected at most {} bytes", app.config.body_bytes_max),
        BodyRefused::TooSlow | BodyRefused::Broken => "expected a complete body".to_owned(),
    };
    CallError::field(&code::BAD_REQUEST, "body", &expected).into()
}

/// The app and the tenant of the call's token.
async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Vendor, Failure> {
    let refused = |code: &'static Code| Err(Failure::refused(code));
    // Of two headers nobody can say which one counts.
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none());
    let token = value.and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return refused(&code::MISSING_ACCESS_TOKEN);
    };
    match token {
        _ if token.starts_with("t-") => {}
        _ if token.starts_with("u-") || token.starts_with("eyJ") => {
            return refused(&code::USER_TOKEN_NOT_SUPPORTED);
        }
        _ if token.starts_with("a-") => return refused(&code::INVALID_APP_TOKEN),
        _ => return refused(&code::INVALID_TOKEN_PREFIX),
    }
    let claims = app
        .tokens
        .verify(token)
        .filter(|claims| !claims.is_expired(app.hub.installation_clock.now()));
    let Some(claims) = claims else { return refused(&code::INVALID_ACCESS_TOKEN) };
    let fault = |fault| Failure::fault(&code::GATEWAY_INTERNAL, fault);
    let vendor = app.hub.store.find_app(claims.app_id).await.map_err(fault)?;
    let tenant = app.hub.store.find_tenant(claims.tenant_id).await.map_err(fault)?;
    let Some(vendor) = vendor else { return refused(&code::INVALID_ACCESS_TOKEN) };
    // A token that is good names a tenant that was there: its data are gone, or of another time.
    let Some(tenant) = tenant else { return refused(&code::INVALID_TENANT_CODE) };
    if !vendor.settings.is_enabled {
        return refused(&code::APP_NOT_IN_USE);
    }
    let tenant_id = tenant.tenant_id;
    let access = AppAccess::find(&app.hub.store, &vendor, tenant_id).await.map_err(fault)?;
    let Some(access) = access else { return refused(&code::UNAUTHORIZED_APP) };
    match access.live_secret(claims.numbers, app.hub.installation_clock.now()) {
        Some(secret_no) if access.grants_secret(secret_no) => {}
        Some(_) => return refused(&code::UNAUTHORIZED_APP),
        None => return refused(&code::INVALID_ACCESS_TOKEN),
    }
    Ok(Vendor { app: vendor, tenant, access })
}

/// The lists of addresses that may call, where there are any: the app's own, and what the tenant granted.
fn check_address(access: &AppAccess, request: &Request) -> Result<(), Failure> {
    let mut lists = access.ip_allowlists().peekable();
    if lists.peek().is_none() {
        return Ok(());
    }
    let peer: Option<IpAddr> = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let allows = |ranges: &[String]| {
        let allowed = Allow::from_rules(ranges.iter().map(String::as_str));
        peer.zip(allowed.ok()).is_some_and(|(peer, allowed)| allowed.allows_address(peer))
    };
    if lists.all(allows) { Ok(()) } else { Err(Failure::Address(peer)) }
}

#[cfg(test)]
mod tests {
    use contract::route::ROUTES;

    #[test]
    fn every_call_has_a_number_of_its_own_for_its_limits() {
        let mut numbers: Vec<u16> = ROUTES.iter().map(|route| route.call as u16).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ROUTES.len());
    }
}
