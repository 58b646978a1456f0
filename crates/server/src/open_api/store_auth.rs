//! Token calls of store apps: next ticket, app token, tenant token. Source: contract, sections 1.1, 1.3 and 1.5.

use contract::auth::{TenantTokenAnswer, TokenRequest};
use contract::code::{self, Code};
use contract::control::AppKind;
use contract::store_auth::{
    AppTokenAnswer, AppTokenRequest, TICKET_EVERY_MS, TICKET_SENT, TenantTokenRequest,
};
use domain::TenantId;
use store::tenants::NO_TENANT;

use super::auth::{Bought, current_token, fault, find_access, find_app_by_secret};
use crate::app::App;
use hub::app_access::Numbers;

/// Sends a store app its next ticket at once; the next one after it is due an hour later. Refuses with 10003,
/// 10014 (app id, secret, disabled), 10016 for an app that is no store app, 2200 (fault).
pub(super) async fn resend_ticket(app: &App, body: &[u8]) -> Result<Vec<u8>, &'static Code> {
    let request = TokenRequest::decode(body)?;
    let (vendor, _) = find_app_by_secret(app, &request.app_id, &request.app_secret).await?;
    if vendor.kind != AppKind::Store {
        return Err(&code::APP_RESEND_FAILED);
    }
    let now = app.hub.installation_clock.now();
    let next_at = now.plus_ms(TICKET_EVERY_MS);
    match app.hub.store.issue_ticket(vendor.app_id, now, next_at).await.map_err(fault)? {
        true => Ok(TICKET_SENT.to_vec()),
        // Deleted meanwhile.
        false => Err(&code::APP_ID_NOT_EXISTS),
    }
}

/// The app token of a store app, for any ticket of the last 12 hours; renewed as a tenant token is. Refuses with
/// 10003, 10014, 10005 for an app that is no store app, 10012 for a wrong or expired ticket, 2200.
pub(super) async fn app_token(app: &App, body: &[u8]) -> Result<Vec<u8>, &'static Code> {
    let request = AppTokenRequest::decode(body)?;
    let (vendor, secret_no) = find_app_by_secret(app, &request.app_id, &request.app_secret).await?;
    if vendor.kind != AppKind::Store {
        return Err(&code::APP_ID_UNAUTHORIZED);
    }
    if !app.hub.tickets.is_valid(&request.app_ticket, &vendor, app.hub.installation_clock.now()) {
        return Err(&code::APP_TICKET_INVALID);
    }
    let numbers = Numbers::now(&vendor, secret_no, None);
    let bought = Bought { vendor: &vendor, secret_no, numbers };
    let (token, expire) = current_token(app, &app.app_tokens, bought, NO_TENANT).await?;
    Ok(AppTokenAnswer::new(token, expire).to_vec())
}

/// The token of a store app in a tenant where it is installed. Refuses with 10003, 10013 for a bad app token or an
/// unknown tenant, 10014, 20009 when it is not installed or not granted, 2200.
pub(super) async fn tenant_token(app: &App, body: &[u8]) -> Result<Vec<u8>, &'static Code> {
    let request = TenantTokenRequest::decode(body)?;
    let claims = app.app_tokens.verify(&request.app_access_token);
    let claims = claims.filter(|claims| !claims.is_expired(app.hub.installation_clock.now()));
    let claims = claims.ok_or(&code::TENANT_TOKEN_FAILED)?;
    let vendor = app.hub.store.find_app(claims.app_id).await.map_err(fault)?;
    let vendor = vendor.ok_or(&code::TENANT_TOKEN_FAILED)?;
    if !vendor.settings.is_enabled {
        return Err(&code::APP_UNAUTHORIZED);
    }
    let secret_no = claims.numbers.live_secret(&vendor, None, app.hub.installation_clock.now());
    let secret_no = secret_no.ok_or(&code::TENANT_TOKEN_FAILED)?;
    let tenant_id: TenantId = request.tenant_key.parse().map_err(|_| &code::TENANT_TOKEN_FAILED)?;
    if app.hub.store.find_tenant(tenant_id).await.map_err(fault)?.is_none() {
        return Err(&code::TENANT_TOKEN_FAILED);
    }
    let access = find_access(app, &vendor, secret_no, tenant_id).await?;
    let access = access.ok_or(&code::TENANT_APP_NOT_INSTALLED)?;
    let bought = Bought { vendor: &vendor, secret_no, numbers: access.numbers(secret_no) };
    let (token, expire) = current_token(app, &app.tokens, bought, tenant_id).await?;
    Ok(TenantTokenAnswer::of_store_app(token, expire).to_vec())
}
