//! Apps: `POST, GET /apps`; `GET, PATCH, DELETE /apps/{app_id}`; `POST …/disable`, `…/enable`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::debug_only;
use super::decode::nullable;
use super::endpoint::UrlCheck;
use super::rule::{Faults, Rules};

const NAME_CHARS_MAX: usize = 100;
const SCOPE_CHARS_MAX: usize = 100;
const SCOPES_MAX: usize = 100;
const IP_RANGES_MAX: usize = 100;

/// What an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppKind {
    /// 自建应用: belongs to one tenant and is installed there.
    #[default]
    SelfBuilt,
    /// 商店应用: installed in many tenants.
    Store,
}

/// How events reach an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventMode {
    /// Posted to the app's `callback_url`.
    #[default]
    Webhook,
    /// 长连接: over a websocket that the app opens.
    LongConnection,
}

/// Body of `POST /apps`: a vendor's or hirer's program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApp {
    /// Shown name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Self-built when absent.
    #[serde(default)]
    pub kind: AppKind,
    /// The tenant of a self-built app, required for it; absent for a store app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// Scopes granted to the app, at most 100, each once: `hire:background_check_order`, …. Those of a store
    /// app are what it asks for; each tenant grants them by its installation.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How events reach the app; `webhook` when absent. A store app has `webhook` only.
    #[serde(default)]
    pub event_mode: EventMode,
    /// Where events are posted: absolute http or https URL, at most 2,048 characters. While it is
    /// absent, deliveries by webhook wait as `held`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Whether events are encrypted with the app's encrypt key.
    #[serde(default)]
    pub encrypted: bool,
    /// Addresses or CIDR ranges that may call with the app's tokens, at most 100; empty means all.
    #[serde(default)]
    pub ip_allowlist: Vec<String>,
}

impl Rules for CreateApp {
    fn check(&self, faults: &mut Faults) {
        faults.length("name", &self.name, 1, NAME_CHARS_MAX);
        match (self.kind, &self.tenant_key) {
            (AppKind::SelfBuilt, None) => {
                faults.add("tenant_key", "is required for a self_built app");
            }
            (AppKind::SelfBuilt, Some(key)) => faults.tenant_key("tenant_key", key),
            (AppKind::Store, Some(_)) => faults.add("tenant_key", "expected none for a store app"),
            (AppKind::Store, None) => {}
        }
        if (self.kind, self.event_mode) == (AppKind::Store, EventMode::LongConnection) {
            faults.add("event_mode", "expected webhook for a store app");
        }
        scopes(faults, &self.scopes);
        if let Some(url) = &self.callback_url {
            faults.url("callback_url", url);
        }
        ip_allowlist(faults, &self.ip_allowlist);
    }
}

/// Body of `PATCH /apps/{app_id}`: absent members keep their value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateApp {
    /// Shown name, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// The whole new set of scopes, at most 100, each once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// How events reach the app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_mode: Option<EventMode>,
    /// The new URL; `null` takes the present one away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub callback_url: Option<Option<String>>,
    /// Whether events are encrypted with the app's encrypt key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
    /// The whole new list, at most 100; empty means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_allowlist: Option<Vec<String>>,
}

impl Rules for UpdateApp {
    fn check(&self, faults: &mut Faults) {
        if *self == UpdateApp::default() {
            let members =
                ["name", "scopes", "event_mode", "callback_url", "encrypted", "ip_allowlist"];
            faults.nothing(&members);
        }
        faults.optional("name", self.name.as_deref(), NAME_CHARS_MAX);
        scopes(faults, self.scopes.as_deref().unwrap_or_default());
        if let Some(Some(url)) = &self.callback_url {
            faults.url("callback_url", url);
        }
        ip_allowlist(faults, self.ip_allowlist.as_deref().unwrap_or_default());
    }
}

pub(super) fn scopes(faults: &mut Faults, scopes: &[String]) {
    faults.count("scopes", scopes, SCOPES_MAX);
    for (index, scope) in scopes.iter().enumerate() {
        faults.length(&format!("scopes[{index}]"), scope, 1, SCOPE_CHARS_MAX);
    }
    faults.distinct("scopes", scopes.iter());
}

fn ip_allowlist(faults: &mut Faults, ranges: &[String]) {
    faults.count("ip_allowlist", ranges, IP_RANGES_MAX);
    for (index, range) in ranges.iter().enumerate() {
        faults.ip_range(&format!("ip_allowlist[{index}]"), range);
    }
}

/// One app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct App {
    /// `cli_` and 16 lower-case hex digits.
    pub app_id: String,
    /// Shown name.
    pub name: String,
    /// What the app is.
    pub kind: AppKind,
    /// The tenant of a self-built app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_key: Option<String>,
    /// Scopes granted to the app.
    pub scopes: Vec<String>,
    /// How events reach the app.
    pub event_mode: EventMode,
    /// Where events are posted; absent while none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Whether events are encrypted with the app's encrypt key.
    pub encrypted: bool,
    /// Addresses or CIDR ranges that may call with the app's tokens; empty means all.
    pub ip_allowlist: Vec<String>,
    /// Whether the app may call and is sent events.
    pub enabled: bool,
    /// Since when nothing is sent to it (RFC 3339, UTC); absent while it is sent events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub paused_at: Option<String>,
    /// Why nothing is sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_reason: Option<String>,
    /// How the check of its callback URL went; in the answer to the call that saved the URL alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_check: Option<UrlCheck>,
    /// When the app was created (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Answer to `POST /apps`: the app and its secrets, which are shown this once: absent in the answer to a repeat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedApp {
    /// The app.
    #[serde(flatten)]
    pub app: App,
    /// With `app_id` it buys tokens.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app_secret: String,
    /// Stands in every event as `token`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verification_token: String,
    /// Encrypts events, when `encrypted` is on, and signs them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub encrypt_key: String,
}

impl CreatedApp {
    /// The answer as repeats get it.
    #[must_use]
    pub fn without_secret(&self) -> CreatedApp {
        CreatedApp {
            app: self.app.clone(),
            app_secret: String::new(),
            verification_token: String::new(),
            encrypt_key: String::new(),
        }
    }
}

debug_only! { CreatedApp { app } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn a_self_built_app_needs_its_tenant_and_a_store_app_has_none() {
        let mut body = CreateApp { name: "a".into(), ..CreateApp::default() };
        assert_eq!(fields(&body), ["tenant_key"]);
        body.tenant_key = Some("0000000000000001".into());
        assert!(body.faults().is_empty());
        body.kind = AppKind::Store;
        body.event_mode = EventMode::LongConnection;
        assert_eq!(fields(&body), ["tenant_key", "event_mode"]);
    }

    #[test]
    fn list_entries_are_named_by_index() {
        let body = UpdateApp {
            scopes: Some(vec!["a".into(), String::new(), "a".into()]),
            ip_allowlist: Some(vec!["192.0.2.1".into(), "x".into()]),
            callback_url: Some(Some("x".into())),
            ..UpdateApp::default()
        };
        let expected = ["scopes[1]", "scopes[2]", "callback_url", "ip_allowlist[1]"];
        assert_eq!(fields(&body), expected);
    }

    #[test]
    fn an_absent_callback_url_differs_from_null() {
        let read = |text| serde_json::from_str::<UpdateApp>(text).unwrap().callback_url;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"callback_url":null}"#), Some(None));
        assert_eq!(read(r#"{"callback_url":"http://a"}"#), Some(Some("http://a".to_owned())));
        let stored = UpdateApp { callback_url: Some(None), ..UpdateApp::default() };
        assert_eq!(serde_json::to_string(&stored).unwrap(), r#"{"callback_url":null}"#);
    }
}
