//! The tenant access token: used while it has 3 minutes to live. Source: contract, 1.1, 1.2, 1.6.

use std::time::Duration;

use contract::auth::{TenantTokenAnswer, TokenRequest};
use contract::route::{Call, ROUTES};
use tokio::time::Instant;

use super::{Error, Vendor};

const LIFE_LEFT_MIN: Duration = Duration::from_secs(180);

pub(super) struct Token {
    value: String,
    fresh_until: Instant,
}

#[expect(clippy::disallowed_methods, reason = "who uses the SDK hands in no clock")]
fn now() -> Instant {
    Instant::now()
}

impl Vendor {
    /// A token to call with, other than `refused`. Many callers at once cause one fetch.
    pub(super) async fn token(&self, refused: Option<&str>) -> Result<String, Error> {
        let mut stored = self.token.lock().await;
        if let Some(token) = &*stored
            && token.fresh_until > now()
            && refused != Some(token.value.as_str())
        {
            return Ok(token.value.clone());
        }
        let asked_at = now();
        let TenantTokenAnswer { tenant_access_token: value, expire, .. } =
            self.fetch_token().await?;
        let life = Duration::from_secs(expire.into()).saturating_sub(LIFE_LEFT_MIN);
        // A life beyond what the clock can count is as good as none.
        let fresh_until = asked_at.checked_add(life).unwrap_or(asked_at);
        *stored = Some(Token { value: value.clone(), fresh_until });
        Ok(value)
    }

    async fn fetch_token(&self) -> Result<TenantTokenAnswer, Error> {
        let row = ROUTES.iter().find(|row| row.call == Call::TenantTokenInternal);
        let row = row.expect("every call has its row");
        let (app_id, app_secret) = (self.app_id.clone(), self.app_secret.clone());
        let request = TokenRequest { app_id, app_secret };
        let body = serde_json::to_vec(&request).expect("two texts always serialise");
        // Token answers are flat: their members stand beside the code, not in `data`.
        let (_, body) = self.exchange(row, body, None).await?;
        Ok(self.transport.json(reqwest::StatusCode::OK, &body)?)
    }
}
