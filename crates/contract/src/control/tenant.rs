//! Tenants: `POST, GET /tenants`; `GET, PATCH /tenants/{tenant_key}`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::debug_only;
use super::decode::nullable;
use super::rule::{Faults, Rules};

const NAME_CHARS_MAX: usize = 100;
const RETENTION_DAYS_MAX: u32 = 3_650;
const REVIEW_HOURS_MAX: u32 = 8_760;
const LOCALES: [&str; 2] = ["zh-CN", "en"];

/// Body of `POST /tenants`: a new hirer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTenant {
    /// Shown name, 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// Whether a returned result waits for an approver; counts when the result arrives.
    #[serde(default)]
    pub report_approval: bool,
    /// Whether the one who placed an order may not review its result.
    #[serde(default)]
    pub four_eyes: bool,
    /// Days after an order's end until it is erased, 1 to 3,650.
    #[serde(default = "retention_days_default")]
    #[schema(minimum = 1, maximum = 3650, default = 365)]
    pub retention_days: u32,
    /// Language of pages and messages: `zh-CN` or `en`.
    #[serde(default = "locale_default")]
    #[schema(default = "zh-CN")]
    pub locale: String,
    /// Whether its people need a second factor: who has none can do nothing but set it up.
    #[serde(default)]
    pub totp_required: bool,
    /// Hours within which somebody has to decide on a result before it counts as overdue, 1 to 8,760; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 8760)]
    pub review_hours: Option<u32>,
}

impl CreateTenant {
    /// A tenant with the default settings: no review, 365 days, `zh-CN`.
    #[must_use]
    pub fn named(name: impl Into<String>) -> CreateTenant {
        CreateTenant {
            name: name.into(),
            report_approval: false,
            four_eyes: false,
            retention_days: retention_days_default(),
            locale: locale_default(),
            totp_required: false,
            review_hours: None,
        }
    }
}

impl Rules for CreateTenant {
    fn check(&self, faults: &mut Faults) {
        settings(faults, Some(&self.name), Some(self.retention_days), Some(&self.locale));
        faults.range("review_hours", self.review_hours, 1, REVIEW_HOURS_MAX);
    }
}

fn retention_days_default() -> u32 {
    365
}

fn locale_default() -> String {
    LOCALES[0].to_owned()
}

/// Body of `PATCH /tenants/{tenant_key}`: absent members keep their value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTenant {
    /// Shown name, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    /// Whether a returned result waits for an approver; orders already in review stay in review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_approval: Option<bool>,
    /// Whether the one who placed an order may not review its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub four_eyes: Option<bool>,
    /// Days after an order's end until it is erased, 1 to 3,650.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650)]
    pub retention_days: Option<u32>,
    /// Language of pages and messages: `zh-CN` or `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether its people need a second factor; counts for sessions that are there as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp_required: Option<bool>,
    /// Hours within which somebody has to decide on a result before it counts as overdue, 1 to 8,760; `null` for no limit.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 8760)]
    pub review_hours: Option<Option<u32>>,
}

impl Rules for UpdateTenant {
    fn check(&self, faults: &mut Faults) {
        if *self == UpdateTenant::default() {
            faults.nothing(&[
                "name",
                "report_approval",
                "four_eyes",
                "retention_days",
                "locale",
                "totp_required",
                "review_hours",
            ]);
        }
        let (name, locale) = (self.name.as_deref(), self.locale.as_deref());
        settings(faults, name, self.retention_days, locale);
        faults.range("review_hours", self.review_hours.flatten(), 1, REVIEW_HOURS_MAX);
    }
}

fn settings(faults: &mut Faults, name: Option<&str>, days: Option<u32>, locale: Option<&str>) {
    faults.optional("name", name, NAME_CHARS_MAX);
    faults.range("retention_days", days, 1, RETENTION_DAYS_MAX);
    if locale.is_some_and(|locale| !LOCALES.contains(&locale)) {
        faults.add("locale", format!("expected {}", LOCALES.join(" or ")));
    }
}

/// One hirer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tenant {
    /// 16 lower-case hex digits.
    pub tenant_key: String,
    /// Shown name.
    pub name: String,
    /// Whether a returned result waits for an approver.
    pub report_approval: bool,
    /// Whether the one who placed an order may not review its result.
    pub four_eyes: bool,
    /// Days after an order's end until it is erased.
    pub retention_days: u32,
    /// Language of pages and messages: `zh-CN` or `en`.
    pub locale: String,
    /// Whether its people need a second factor.
    #[serde(default)]
    pub totp_required: bool,
    /// Hours within which somebody has to decide on a result; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_hours: Option<u32>,
    /// When the tenant was created (RFC 3339, UTC).
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// Answer to `POST /tenants`: the tenant and its first key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedTenant {
    /// The tenant.
    #[serde(flatten)]
    pub tenant: Tenant,
    /// The tenant's first key, `pbt_…`, role `admin`, which is shown this once: absent in the answer to a repeat.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api_key: String,
}

impl CreatedTenant {
    /// The answer as repeats get it.
    #[must_use]
    pub fn without_secret(&self) -> CreatedTenant {
        CreatedTenant { tenant: self.tenant.clone(), api_key: String::new() }
    }
}

debug_only! { CreatedTenant { tenant } }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::rule::fields;

    #[test]
    fn a_name_is_enough_and_the_rest_has_defaults() {
        let body: CreateTenant = serde_json::from_str(r#"{"name":"星河科技"}"#).unwrap();
        assert_eq!(body, CreateTenant::named("星河科技"));
        assert_eq!((body.retention_days, body.locale.as_str()), (365, "zh-CN"));
        assert!(body.faults().is_empty());
    }

    #[test]
    fn all_faults_are_named_at_once_and_unknown_members_refused() {
        let body = CreateTenant {
            retention_days: 0,
            locale: "fr".into(),
            ..CreateTenant::named("x".repeat(101))
        };
        assert_eq!(fields(&body), ["name", "retention_days", "locale"]);
        assert!(serde_json::from_str::<CreateTenant>(r#"{"name":"a","colour":1}"#).is_err());
        let nothing = UpdateTenant::default().faults();
        assert!(
            nothing.len() == 1 && nothing[0].message.ends_with("or review_hours"),
            "{nothing:?}"
        );
        let one = UpdateTenant { four_eyes: Some(false), ..UpdateTenant::default() };
        assert!(one.faults().is_empty());
    }

    #[test]
    fn the_key_stands_beside_the_tenant_and_never_in_debug() {
        let text = r#"{"tenant_key":"0000000000000001","name":"a","report_approval":false,
            "four_eyes":false,"retention_days":365,"locale":"en",
            "created_at":"2026-03-01T08:00:00.000Z","api_key":"pbt_secret"}"#;
        let created: CreatedTenant = serde_json::from_str(text).unwrap();
        assert_eq!(created.api_key, "pbt_secret");
        assert!(!format!("{created:?}").contains("pbt_secret"));
    }
}
