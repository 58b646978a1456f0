//! Token calls of self-built apps, and what all token calls share. Source: contract, sections 1.1, 1.2 and 1.5.

use std::sync::Arc;

use contract::auth::{
    AppTokenAnswer, TOKEN_LIFE_MAX_S, TOKEN_RENEWAL_S, TenantTokenAnswer, TokenRequest, refusal,
};
use contract::code::{self, Code};
use contract::control::AppKind;
use contract::route::Call;
use domain::{AppId, TenantId, UnixMs};
use store::Fault;
use store::apps::App as VendorApp;

use super::store_auth;
use crate::app::App;
use crate::tokens::{Claims, TokenMaker};
use hub::app_access::{AppAccess, Numbers};

/// Answers a token call; refusals are flat bodies as well.
pub(crate) async fn call(app: &App, call: Call, body: &[u8]) -> Vec<u8> {
    let answer = match call {
        Call::ResendAppTicket => store_auth::resend_ticket(app, body).await,
        Call::AppToken => store_auth::app_token(app, body).await,
        Call::TenantToken => store_auth::tenant_token(app, body).await,
        _ => self_built_token(app, call, body).await,
    };
    answer.unwrap_or_else(refusal)
}

/// The tenant token of a self-built app, which is its app token as well; the same one while it has 30 minutes left,
/// else a new one for 7,200 s. Refuses with 10003 (`invalid param`), 10014 (app id, secret, grant), 10005 for a store
/// app, 2200 (fault).
async fn self_built_token(app: &App, call: Call, body: &[u8]) -> Result<Vec<u8>, &'static Code> {
    let request = TokenRequest::decode(body)?;
    let (vendor, secret_no) = find_app_by_secret(app, &request.app_id, &request.app_secret).await?;
    let tenant_id = vendor.tenant_id.filter(|_| vendor.kind == AppKind::SelfBuilt);
    let tenant_id = tenant_id.ok_or(&code::APP_ID_UNAUTHORIZED)?;
    let access = find_access(app, &vendor, secret_no, tenant_id).await?;
    let access = access.ok_or(&code::APP_UNAUTHORIZED)?;
    let bought = Bought { vendor: &vendor, secret_no, numbers: access.numbers(secret_no) };
    let (token, expire) = current_token(app, &app.tokens, bought, tenant_id).await?;
    Ok(match call {
        Call::AppTokenInternal => AppTokenAnswer::new(token, expire).to_vec(),
        _ => TenantTokenAnswer::new(token, expire).to_vec(),
    })
}

pub(super) async fn find_access(
    app: &App,
    vendor: &Arc<VendorApp>,
    secret_no: i64,
    tenant_id: TenantId,
) -> Result<Option<AppAccess>, &'static Code> {
    let access = AppAccess::find(&app.hub.store, vendor, tenant_id).await.map_err(fault)?;
    Ok(access.filter(|access| access.grants_secret(secret_no)))
}

/// The app that proves itself by its secret and is enabled, and the secret's number. Only the
/// secret's owner learns whether the app is disabled.
pub(super) async fn find_app_by_secret(
    app: &App,
    app_id: &str,
    app_secret: &str,
) -> Result<(Arc<VendorApp>, i64), &'static Code> {
    let app_id: AppId = app_id.to_lowercase().parse().map_err(|_| &code::APP_ID_NOT_EXISTS)?;
    let vendor =
        app.hub.store.find_app(app_id).await.map_err(fault)?.ok_or(&code::APP_ID_NOT_EXISTS)?;
    let secret_no = hub::keys::secret_no(&vendor, app_secret, app.hub.installation_clock.now());
    let secret_no = secret_no.ok_or(&code::APP_SECRET_INVALID)?;
    match vendor.settings.is_enabled {
        true => Ok((vendor, secret_no)),
        false => Err(&code::APP_UNAUTHORIZED),
    }
}

pub(super) struct Bought<'a> {
    pub(super) vendor: &'a VendorApp,
    /// The number of the app secret.
    pub(super) secret_no: i64,
    pub(super) numbers: Numbers,
}

/// The current token of the app in the tenant and its seconds; a new one when less than 30 minutes are left.
pub(super) async fn current_token(
    app: &App,
    maker: &TokenMaker,
    bought: Bought<'_>,
    tenant_id: TenantId,
) -> Result<(String, u32), &'static Code> {
    let Bought { vendor, secret_no, numbers } = bought;
    let app_id = vendor.app_id;
    let now = app.hub.installation_clock.now();
    let needed_until = now.plus_ms(i64::from(TOKEN_RENEWAL_S) * 1_000);
    // A token ends with a whole second: rounded up, so that it never ends before the seconds that it is said to have.
    let ends_at = now.plus_ms(i64::from(TOKEN_LIFE_MAX_S) * 1_000 + 999);
    let ends_at = UnixMs(ends_at.seconds() * 1_000);
    let current = app.hub.store.current_token(tenant_id, app_id, now, needed_until, ends_at);
    let row = current.await.map_err(fault)?;
    let secret_ends_at = vendor.secret_ends_at(secret_no).unwrap_or(row.expires_at);
    let expires_at = UnixMs(row.expires_at.0.min(secret_ends_at.0));
    let expires_at_s = u32::try_from(expires_at.seconds()).unwrap_or(u32::MAX);
    let claims = Claims { numbers, app_id, tenant_id, expires_at_s };
    let left_ms = i64::from(expires_at_s) * 1_000 - now.0;
    // Where the clocks of replicas differ a little, a token may have a moment more than a token ever has.
    let left_s = u32::try_from(left_ms / 1_000).unwrap_or(0).min(TOKEN_LIFE_MAX_S);
    Ok((maker.make(&claims), left_s))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(super) fn fault(fault: Fault) -> &'static Code {
    tracing::error!(%fault, "a token call failed");
    &code::TOKEN_INTERNAL
}
