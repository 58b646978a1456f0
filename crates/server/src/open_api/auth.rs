//! Token calls of self-built apps. Source: contract, sections 1.1, 1.2 and 1.5.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use contract::auth::{
    AppTokenAnswer, TOKEN_LIFE_MAX_S, TOKEN_RENEWAL_S, TenantTokenAnswer, TokenRequest, refusal,
};
use contract::code::{self, Code};
use contract::route::Call;
use domain::{AppId, UnixMs};

use crate::app::App;
use crate::keys;
use crate::tokens::Claims;

/// Answers a token call; refusals are flat bodies as well.
pub(crate) async fn call(app: &App, call: Call, body: &[u8]) -> Vec<u8> {
    match tenant_token(app, body).await {
        Ok((token, expire)) if call == Call::AppTokenInternal => {
            AppTokenAnswer::new(token, expire).to_vec()
        }
        Ok((token, expire)) => TenantTokenAnswer::new(token, expire).to_vec(),
        Err(code) => refusal(code),
    }
}

/// The tenant token of a self-built app and the seconds that it still lives.
///
/// With 30 minutes or more left the same token is given again, else a new one that lives 7,200 s.
/// Refuses with `invalid param` (10003), `app id not exists`, `app secret invalid` and `app unauthorized`
/// (10014), `internal error` (2200).
async fn tenant_token(app: &App, body: &[u8]) -> Result<(String, u32), &'static Code> {
    let request = TokenRequest::decode(body)?;
    let app_id: AppId =
        request.app_id.to_lowercase().parse().map_err(|_| &code::APP_ID_NOT_EXISTS)?;
    let fault = |fault: store::Fault| {
        tracing::error!(%fault, "a token call failed");
        &code::TOKEN_INTERNAL
    };
    let vendor =
        app.store.find_app(app_id).await.map_err(fault)?.ok_or(&code::APP_ID_NOT_EXISTS)?;
    verify_slices_are_equal(&keys::hash(&request.app_secret), &vendor.secret_hash)
        .map_err(|_| &code::APP_SECRET_INVALID)?;
    if !vendor.settings.is_enabled {
        return Err(&code::APP_UNAUTHORIZED);
    }
    let tenant_id = vendor.tenant_id.ok_or(&code::APP_UNAUTHORIZED)?;
    let now = app.clock.now();
    let needed_until = now.plus_ms(i64::from(TOKEN_RENEWAL_S) * 1_000);
    // A token ends with a whole second: rounded up, so that it never ends before the seconds that it is said to have.
    let ends_at = now.plus_ms(i64::from(TOKEN_LIFE_MAX_S) * 1_000 + 999);
    let ends_at = UnixMs(ends_at.seconds() * 1_000);
    let current = app.store.current_token(tenant_id, app_id, now, needed_until, ends_at);
    let row = current.await.map_err(fault)?;
    let expires_at_s = u32::try_from(row.expires_at.seconds()).unwrap_or(u32::MAX);
    let claims = Claims { token_id: row.token_id, app_id, tenant_id, expires_at_s };
    let left_ms = i64::from(expires_at_s) * 1_000 - now.0;
    Ok((app.tokens.make(&claims), u32::try_from(left_ms / 1_000).unwrap_or(0)))
}
