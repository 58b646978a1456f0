//! Who may make a call: whether the key's role may, whether the tenant in the path is its own.
//!
//! In this order: row in the table, key, calls of the key in a minute, role, tenant. A role's refusal says nothing of what exists, since it is
//! the same for every path; a foreign tenant is answered as one that does not exist.

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::auth::{Caller, authenticate, path_params};
use super::failure::Failure;
use super::route::Access;
use super::{rate_limit, routes};
use crate::app::{App, SharedApp};

/// Lets a call pass, or answers why not.
pub(super) async fn require_access(
    State(app): State<SharedApp>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let (index, access) = routes::find(&parts.method, path(&parts)).unzip();
    let answer = match authorize(&app, access, &mut parts).await {
        Ok(caller) => {
            if let Some(caller) = caller {
                // What only reads takes little, and a page that shows how far a report is may ask often.
                if !parts.method.is_safe() {
                    app.call_rate.call_came();
                }
                parts.extensions.insert(caller);
            }
            let mut answer = next.run(Request::from_parts(parts, body)).await;
            if let Some(caller) = caller {
                rate_limit::tell(&app, &caller, answer.headers_mut());
            }
            answer
        }
        Err(failure) => failure.into_response(),
    };
    app.metrics.count_control_call(index, answer.status());
    answer
}

/// The row's path, below `/api/v1`.
fn path(parts: &Parts) -> &str {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    path.strip_prefix("/api/v1").unwrap_or(path)
}

async fn authorize(
    app: &App,
    access: Option<Access>,
    parts: &mut Parts,
) -> Result<Option<Caller>, Failure> {
    let act = match access {
        Some(Access::Key(act)) => act,
        Some(Access::Anyone) => return Ok(None),
        None => return Err(Failure::not_found()),
    };
    let caller = authenticate(app, &parts.headers).await?;
    rate_limit::check(app, &caller)?;
    hub::authorize(&caller.actor, act)?;
    let path_params = path_params(parts).await?;
    let named = path_params.iter().find(|(name, _)| name == "tenant_key");
    if let (Some(own), Some((_, named))) = (caller.tenant_id, named)
        && named.parse() != Ok(own)
    {
        return Err(Failure::not_found());
    }
    Ok(Some(caller))
}
