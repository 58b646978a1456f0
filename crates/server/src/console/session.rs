//! Who is signed in: the cookie that says so, and what pages need to know of the person.
//!
//! Over TLS the cookie is `__Host-probity` and `Secure`. On plain loopback browsers would refuse both, so there it is `probity`.

use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use domain::{Actor, Id};
use hub::sessions::{self, Origin, Session, SessionState};
use hub::tenants::Tenant;

use super::cookie;
use super::frame::Theme;
use super::lines::Names;
use super::stop::Stop;
use super::visit::Visit;
use super::words::Language;
use crate::app::SharedApp;
use crate::public_url;

const COOKIE: &str = "__Host-probity";
const LOOPBACK_COOKIE: &str = "probity";

/// A person who is signed in.
pub(super) struct Signed {
    pub(super) session: Session,
    pub(super) name: String,
    pub(super) language: Option<Language>,
    pub(super) theme: Theme,
    /// The person with the roles in the tenant.
    pub(super) actor: Actor,
    /// The tenant that was chosen.
    pub(super) tenant: Option<Arc<Tenant>>,
    /// The other tenants of the person, by key and name.
    pub(super) others: Vec<(String, String)>,
    /// Whether the second factor is still owed.
    pub(super) awaits_code: bool,
    /// Whether a second factor has to be set up before anything else.
    pub(super) lacks_factor: bool,
}

impl From<Session> for Signed {
    fn from(session: Session) -> Signed {
        let chosen = session.tenant.as_ref().map(|tenant| tenant.tenant_id);
        let others = session.memberships.iter().filter(|it| Some(it.tenant.tenant_id) != chosen);
        Signed {
            name: session.user.name.clone(),
            language: session.user.locale.as_deref().and_then(Language::parse),
            theme: Theme::parse(session.user.theme.as_str()).unwrap_or_default(),
            actor: session.actor,
            tenant: session.tenant.clone(),
            others: others.map(|it| (it.tenant_key.clone(), it.tenant_name.clone())).collect(),
            awaits_code: session.state == SessionState::AwaitsTotp,
            lacks_factor: session.state == SessionState::MustSetUpTotp,
            session,
        }
    }
}

/// Who is signed in by the request's cookie.
pub(super) async fn find(app: &SharedApp, headers: &HeaderMap) -> Result<Option<Signed>, Stop> {
    let Some(value) = value(app, headers) else { return Ok(None) };
    Ok(sessions::authenticate(&app.hub, &value).await?.map(Signed::from))
}

/// The value of the session's cookie.
pub(super) fn value(app: &SharedApp, headers: &HeaderMap) -> Option<String> {
    cookie::find(headers, name(app, headers))
}

/// The cookie of a session.
pub(super) fn begin(app: &SharedApp, headers: &HeaderMap, value: &str) -> HeaderValue {
    header_value(app, headers, value, "")
}

/// The cookie that takes the place of a session's.
pub(super) fn end(app: &SharedApp, headers: &HeaderMap) -> HeaderValue {
    header_value(app, headers, "", "; Max-Age=0")
}

fn header_value(app: &SharedApp, headers: &HeaderMap, value: &str, more: &str) -> HeaderValue {
    let (name, secure) =
        (name(app, headers), if is_secure(app, headers) { "; Secure" } else { "" });
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
    HeaderValue::try_from(text).expect("a session's value is letters and digits")
}

fn name(app: &SharedApp, headers: &HeaderMap) -> &'static str {
    if is_secure(app, headers) { COOKIE } else { LOOPBACK_COOKIE }
}

/// Whether the cookie goes over TLS alone: always, unless the server speaks plainly and the browser is on its own machine.
pub(super) fn is_secure(app: &SharedApp, headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    public_url::is_secure(&app.config) || !public_url::is_loopback_host(host)
}

/// From where somebody signs in.
pub(super) struct Asker(pub(super) Origin);

impl FromRequestParts<SharedApp> for Asker {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Asker, Stop> {
        use std::net::SocketAddr;
        let peer = ConnectInfo::<SocketAddr>::from_request_parts(parts, app).await;
        let ConnectInfo(peer) = peer.map_err(|_| Stop::Fault)?;
        let client = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Asker(Origin {
            address: peer.ip().to_canonical().to_string(),
            client: client.unwrap_or_default().to_owned(),
        }))
    }
}

/// What people of the tenant are called.
pub(super) async fn names(visit: &Visit, ids: &[Id]) -> Result<Names, Stop> {
    let (hub, actor, tenant) = visit.member()?;
    Ok(hub::users::names(hub, actor, tenant, ids).await?)
}
