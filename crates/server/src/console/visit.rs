//! One request of a reader: who they are, in which tenant, in which language, and what frame their page has.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use domain::{Act, Actor, Id};
use hub::Hub;
use hub::tenants::Tenant;
use url::form_urlencoded;

use super::cookie;
use super::frame::{Frame, Place, Reader, Theme};
use super::lines::Names;
use super::moment::Reading;
use super::pieces::{Inline, Notice, Text, Tone};
use super::session::Signed;
use super::stop::Stop;
use super::words::{Language, Words};
use crate::app::SharedApp;
use crate::public_url;

/// The cookie of a language that somebody chose before signing in.
pub(super) const LANGUAGE_COOKIE: &str = "language";

/// A request that passed the access layer.
#[derive(Clone)]
pub(super) struct Visit {
    pub(super) app: SharedApp,
    /// Who is signed in, if somebody is.
    pub(super) signed: Option<Arc<Signed>>,
    pub(super) w: Words,
    theme: Theme,
    headers: HeaderMap,
    uri: Uri,
}

impl Visit {
    pub(super) fn new(app: &SharedApp, signed: Option<Signed>, parts: &Parts) -> Visit {
        let chosen = signed.as_ref().and_then(|signed| signed.language);
        let chosen = chosen.or_else(|| {
            cookie::find(&parts.headers, LANGUAGE_COOKIE).and_then(|tag| Language::parse(&tag))
        });
        Visit {
            app: SharedApp::clone(app),
            w: Words::of(chosen.unwrap_or_else(|| Language::asked(&parts.headers))),
            theme: signed.as_ref().map_or(Theme::System, |signed| signed.theme),
            signed: signed.map(Arc::new),
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
        }
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.app.hub
    }

    /// Who is signed in; on pages that ask for somebody.
    pub(super) fn signed(&self) -> Result<&Signed, Stop> {
        self.signed.as_deref().ok_or(Stop::NotFound)
    }

    /// Who acts, in the tenant that was chosen; on pages of a tenant.
    pub(super) fn member(&self) -> Result<(&Hub, &Actor, &Arc<Tenant>), Stop> {
        let signed = self.signed()?;
        let tenant = signed.tenant.as_ref().ok_or(Stop::NotFound)?;
        Ok((&self.app.hub, &signed.actor, tenant))
    }

    pub(super) fn may(&self, act: Act) -> bool {
        self.signed.as_ref().is_some_and(|signed| signed.actor.roles.may(act))
    }

    /// When and where the page is read: in the tenant's time, in the reader's zone.
    pub(super) fn reading(&self) -> Reading {
        let tenant = self.signed.as_ref().and_then(|signed| signed.tenant.as_deref());
        let hub = self.hub();
        let now = match tenant {
            Some(tenant) => hub.clock(tenant).now(),
            None => hub.installation_clock.now(),
        };
        Reading::new(self.w, now.0, &self.headers)
    }

    /// A member of the address's query; none when it is not there or empty.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }

    /// Whether the browser speaks TLS, as far as the server can know.
    pub(super) fn is_over_tls(&self) -> bool {
        public_url::is_secure(&self.app.config)
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Where the page is, with its query.
    pub(super) fn path(&self) -> String {
        self.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()
    }

    /// What the people are called whose ids a page names.
    pub(super) async fn names(&self, ids: &[Id]) -> Result<Names, Stop> {
        super::session::names(self, ids).await
    }

    /// The frame of a page outside of a tenant.
    pub(super) fn plain_frame(&self, title: Text) -> Frame {
        let mut frame = Frame::new(self.w, title);
        frame.theme = self.theme;
        frame.path = self.path();
        frame
    }

    /// The frame of a page of the tenant.
    pub(super) async fn frame(&self, title: Text, place: Option<Place>) -> Result<Frame, Stop> {
        let (hub, actor, tenant) = self.member()?;
        let signed = self.signed()?;
        let waiting = match actor.roles.may(Act::ReviewOrders) {
            true => Some(hub::orders::count_waiting_for_review(hub, actor, tenant).await?),
            false => None,
        };
        let waiting = waiting.filter(|count| *count > 0);
        let mut frame = self.plain_frame(title);
        frame.place = place;
        frame.notice = self.done();
        frame.reader = Some(Reader {
            name: signed.name.clone(),
            tenant: tenant.name.clone(),
            others: signed.others.clone(),
            roles: actor.roles,
            waiting: waiting.map(|count| match count {
                hub::orders::WAITING_COUNTED_MAX => format!("{count}+"),
                count => count.to_string(),
            }),
        });
        Ok(frame)
    }

    /// What the page before did, by the word that it left in the address.
    fn done(&self) -> Option<Notice> {
        let text = match self.query("done")?.as_str() {
            "approved" => self.w.t("done-approved"),
            "rejected" => self.w.t("done-rejected"),
            "withdrawn" => self.w.t("done-withdrawn"),
            "terminated" => self.w.t("done-terminated"),
            "saved" => self.w.t("done-saved"),
            "password" => self.w.t("done-password"),
            "totp-ended" => self.w.t("done-totp-ended"),
            "session-ended" => self.w.t("done-session-ended"),
            _ => return None,
        };
        Some(Notice { tone: Tone::Good, parts: vec![Inline::Text(text)], list: Vec::new() })
    }
}

impl FromRequestParts<SharedApp> for Visit {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, _: &SharedApp) -> Result<Visit, Stop> {
        parts.extensions.get::<Visit>().cloned().ok_or(Stop::Fault)
    }
}
