//! The authentication: whose key it is; and a call that passed it.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use contract::control::ProblemCode;
use domain::{Actor, Id, Role, Roles, TenantId};
use hub::apps::VendorApp;
use hub::tenants::{NO_TENANT, Tenant};
use hub::{Hub, api_keys, apps, keys, tenants};

use super::failure::Failure;
use crate::app::{App, SharedApp};

/// Who calls.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) actor: Actor,
    /// None for the operator.
    pub(super) tenant_id: Option<TenantId>,
}

impl Caller {
    /// The tenant of the key, which is [`NO_TENANT`] for the operator.
    pub(super) fn tenant(self) -> TenantId {
        self.tenant_id.unwrap_or(NO_TENANT)
    }
}

/// A call that passed the authentication: the hub, who calls, and the names in the path.
pub(super) struct Call {
    pub(super) app: SharedApp,
    pub(super) caller: Caller,
    path_params: Vec<(String, String)>,
}

impl Call {
    /// A name in the path. One of the wrong shape names nothing that exists.
    pub(super) fn path_param<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        let text = self.path_params.iter().find(|(known, _)| known == name).map(|(_, text)| text);
        text.and_then(|text| text.parse().ok()).ok_or_else(Failure::not_found)
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.app.hub
    }

    /// Who calls.
    pub(super) fn actor(&self) -> &Actor {
        &self.caller.actor
    }

    /// The tenant in the path.
    pub(super) async fn tenant(&self) -> Result<Arc<Tenant>, Failure> {
        Ok(tenants::find(self.hub(), self.path_param("tenant_key")?).await?)
    }

    /// The tenant and the order in the path. A text of the wrong shape names an order that nobody has.
    pub(super) async fn order(&self) -> Result<(Arc<Tenant>, Id), Failure> {
        Ok((self.tenant().await?, self.path_param("order_id").unwrap_or(Id(0))))
    }

    /// The app in the path.
    pub(super) async fn vendor_app(&self) -> Result<Arc<VendorApp>, Failure> {
        Ok(apps::find(self.hub(), self.path_param("app_id")?).await?)
    }
}

impl FromRequestParts<SharedApp> for Call {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Call, Failure> {
        Ok(Call {
            app: SharedApp::clone(app),
            caller: caller(parts)?,
            path_params: path_params(parts).await?,
        })
    }
}

/// Who calls, as the authentication found it.
pub(super) fn caller(parts: &Parts) -> Result<Caller, Failure> {
    parts.extensions.get::<Caller>().copied().ok_or_else(unauthenticated)
}

/// Nothing when the operator asks, else why not.
pub(super) async fn authorize_operator(app: &App, headers: &HeaderMap) -> Result<(), Failure> {
    let caller = authenticate(app, headers).await?;
    if caller.actor.roles == Roles::of(&[Role::Operator]) {
        return Ok(());
    }
    Err(Failure::refused(ProblemCode::Forbidden, "expected the operator's key"))
}

pub(super) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, Failure> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(unauthenticated());
    };
    let (scheme, key) =
        value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(unauthenticated)?;
    let key = key.trim();
    let is_key = key.starts_with(keys::OPERATOR_PREFIX) || key.starts_with(keys::TENANT_PREFIX);
    if !scheme.eq_ignore_ascii_case("bearer") || !is_key {
        return Err(unauthenticated());
    }
    let authenticated = api_keys::authenticate(&app.hub, key).await?;
    let (actor, tenant_id) = authenticated.ok_or_else(unauthenticated)?;
    Ok(Caller { actor, tenant_id })
}

fn unauthenticated() -> Failure {
    let detail = "expected a known key, as in authorization: Bearer pbt_...";
    Failure::refused(ProblemCode::Unauthenticated, detail)
}

pub(super) async fn path_params(parts: &mut Parts) -> Result<Vec<(String, String)>, Failure> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    // A name that is no text names nothing.
    let params = params.map_err(|_| Failure::not_found())?;
    Ok(params.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
}
