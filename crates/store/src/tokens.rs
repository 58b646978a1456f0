//! The current tenant token of an app in a tenant: enough to derive the same token again, not the token.

use domain::{AppId, Id, TenantId, UnixMs};

use crate::Store;
use crate::fault::{Fault, FaultKind};
use crate::value::{any, values};

/// What a token is derived from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub token_id: Id,
    /// The app that may use it.
    pub app_id: AppId,
    /// The tenant in which.
    pub tenant_id: TenantId,
    /// From when.
    pub issued_at: UnixMs,
    /// Until when.
    pub expires_at: UnixMs,
}

const FIND: &str =
    "SELECT token_id, issued_at, expires_at FROM tokens WHERE tenant_id = $1 AND app_id = $2";
/// Only the first of several renewals at once stands; the others find it.
const PUT: &str = "INSERT INTO tokens (tenant_id, app_id, token_id, issued_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, app_id) DO UPDATE SET \
    token_id = excluded.token_id, issued_at = excluded.issued_at, expires_at = excluded.expires_at \
    WHERE tokens.expires_at < $6 OR tokens.expires_at > $7";
/// How much longer than a new one a token may live: replicas whose clocks differ a little renew at once.
const AHEAD_MS: i64 = 60_000;

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[FIND, PUT];

impl Store {
    /// The current token when it lives until `needed_until`, else a new one until `expires_at`; one that lives
    /// even longer was made before the clock was set back, and is replaced.
    pub async fn current_token(
        &self,
        tenant_id: TenantId,
        app_id: AppId,
        at: UnixMs,
        needed_until: UnixMs,
        expires_at: UnixMs,
    ) -> Result<TokenRow, Fault> {
        let longest = expires_at.plus_ms(AHEAD_MS);
        if let Some(token) = self.find_token(tenant_id, app_id).await?
            && (needed_until..=longest).contains(&token.expires_at)
        {
            return Ok(token);
        }
        let token_id = self.make_id(at);
        let (tenant, app) = (tenant_id.0, app_id.0);
        let (ends, needed, longest) = (expires_at.0, needed_until.0, longest.0);
        let values = values![tenant, app, token_id.0, at.0, ends, needed, longest];
        self.write(vec![any(PUT, values)]).await?;
        let token = self.find_token(tenant_id, app_id).await?;
        token.ok_or_else(|| Fault::new(FaultKind::Storage, "a token that was written is not found"))
    }

    async fn find_token(
        &self,
        tenant_id: TenantId,
        app_id: AppId,
    ) -> Result<Option<TokenRow>, Fault> {
        let rows = self.read(FIND, values![tenant_id.0, app_id.0]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(TokenRow {
            token_id: Id(row.int(0)?),
            app_id,
            tenant_id,
            issued_at: UnixMs(row.int(1)?),
            expires_at: UnixMs(row.int(2)?),
        }))
    }
}
