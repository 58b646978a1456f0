//! The route table of the open API: method, path, scopes, rate tier and access of each call, as data.
//!
//! The gateway checks token, scope and limit from a call's row before the call runs; a new call is a new row.
//! Source: contract, sections 1.2, 1.3, 2.4 and 3.

use crate::scope::Scope;
use std::fmt;

/// An HTTP method that some call uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// `PATCH`
    Patch,
}

impl Method {
    /// The method's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One call of the open API; the server matches on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Token call of self-built apps for the tenant token (contract, section 1.2).
    TenantTokenInternal,
    /// Token call of self-built apps for the app token (contract, section 1.2).
    AppTokenInternal,
    /// Asks for a store app's next ticket (contract, section 1.3).
    ResendAppTicket,
    /// Token call of store apps for the app token (contract, section 1.3).
    AppToken,
    /// Token call of store apps for the tenant token (contract, section 1.3).
    TenantToken,
    /// Replaces an app's form for accounts (contract, section 3.1.1).
    CreateAccountFields,
    /// Renames fields of an app's form for accounts (contract, section 3.1.2).
    UpdateAccountFields,
    /// Deletes fields of an app's form for accounts (contract, section 3.1.3).
    DeleteAccountFields,
    /// Replaces an account's form for orders (contract, section 3.2.1).
    CreateCheckFields,
    /// Renames the fields of an account's form for orders (contract, section 3.2.2).
    UpdateCheckFields,
    /// Deletes an account's form for orders (contract, section 3.2.3).
    DeleteCheckFields,
    /// Adds packages and additional items to an account (contract, section 3.3.1).
    CreatePackages,
    /// Renames packages and additional items of an account (contract, section 3.3.2).
    UpdatePackages,
    /// Deletes packages and additional items of an account (contract, section 3.3.3).
    DeletePackages,
    /// Reports a stage of an order (contract, section 3.4.1).
    UpdateProgress,
    /// Returns the final result of an order (contract, section 3.4.2).
    UpdateResult,
    /// Ends an order from the vendor's side (contract, section 3.4.3).
    CancelCheck,
    /// Lists a tenant's orders (contract, section 4.1).
    ListOrders,
    /// Finds a tenant's orders (contract, section 4.2).
    QueryOrders,
}

/// Which credential a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// None: the call itself proves who calls (token calls).
    Open,
    /// A tenant access token, `Authorization: Bearer t-…`.
    TenantToken,
}

impl Access {
    /// The word used in documents and snapshots.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::TenantToken => "tenant token",
        }
    }
}

/// A ceiling of calls within a sliding stretch of time, counted per call × app × tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Length in milliseconds.
    pub length_ms: u32,
    /// Most calls within any such stretch.
    pub calls: u32,
}

/// A rate tier: reaching any of its windows triggers the limit (contract, section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// No limit is stated (token calls).
    Unlimited,
    /// 10 per minute.
    T1,
    /// 20 per minute.
    T2,
    /// 100 per minute.
    T3,
    /// 1,000 per minute and 50 per second: all calls of the background-check family.
    T4,
    /// 1 per second.
    T5,
    /// 5 per second.
    T6,
    /// 10 per second.
    T7,
    /// 20 per second.
    T8,
    /// 50 per second.
    T9,
    /// 50 per second (the doubled ceiling of commercial self-built apps is not granted).
    T10,
    /// 100 per second.
    T11,
    /// 3 per second.
    T21,
}

const fn per_second(calls: u32) -> Window {
    Window { length_ms: 1_000, calls }
}

const fn per_minute(calls: u32) -> Window {
    Window { length_ms: 60_000, calls }
}

impl Tier {
    /// All tiers, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Unlimited,
        Self::T1,
        Self::T2,
        Self::T3,
        Self::T4,
        Self::T5,
        Self::T6,
        Self::T7,
        Self::T8,
        Self::T9,
        Self::T10,
        Self::T11,
        Self::T21,
    ];

    /// The tier's windows, shortest first; empty when nothing is limited.
    pub const fn windows(self) -> &'static [Window] {
        match self {
            Self::Unlimited => &[],
            Self::T1 => const { &[per_minute(10)] },
            Self::T2 => const { &[per_minute(20)] },
            Self::T3 => const { &[per_minute(100)] },
            Self::T4 => const { &[per_second(50), per_minute(1_000)] },
            Self::T5 => const { &[per_second(1)] },
            Self::T6 => const { &[per_second(5)] },
            Self::T7 => const { &[per_second(10)] },
            Self::T8 => const { &[per_second(20)] },
            Self::T9 | Self::T10 => const { &[per_second(50)] },
            Self::T11 => const { &[per_second(100)] },
            Self::T21 => const { &[per_second(3)] },
        }
    }

    /// The tier's number in the platform's table; 0 for calls without a stated limit.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unlimited => 0,
            Self::T1 => 1,
            Self::T2 => 2,
            Self::T3 => 3,
            Self::T4 => 4,
            Self::T5 => 5,
            Self::T6 => 6,
            Self::T7 => 7,
            Self::T8 => 8,
            Self::T9 => 9,
            Self::T10 => 10,
            Self::T11 => 11,
            Self::T21 => 21,
        }
    }
}

/// One row of the route table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: Method,
    /// Path from the root, without query and trailing slash.
    pub path: &'static str,
    /// Scopes of which any one suffices; empty when none is asked.
    pub scopes: &'static [Scope],
    /// Rate tier.
    pub tier: Tier,
    /// Which credential is asked.
    pub access: Access,
    /// What the row calls.
    pub call: Call,
}

impl Route {
    const fn token(path: &'static str, call: Call) -> Self {
        Self {
            method: Method::Post,
            path,
            scopes: &[],
            tier: Tier::Unlimited,
            access: Access::Open,
            call,
        }
    }

    const fn vendor(method: Method, path: &'static str, call: Call) -> Self {
        Self {
            method,
            path,
            scopes: &[Scope::BackgroundCheckOrder],
            tier: Tier::T4,
            access: Access::TenantToken,
            call,
        }
    }

    const fn hirer(method: Method, path: &'static str, tier: Tier, call: Call) -> Self {
        Self {
            method,
            path,
            scopes: &[Scope::BackgroundCheckOrder, Scope::BackgroundCheckOrderReadonly],
            tier,
            access: Access::TenantToken,
            call,
        }
    }

    const fn account_fields(method: Method, path: &'static str, call: Call) -> Self {
        Self {
            scopes: &[Scope::BackgroundCheckOrder, Scope::Exam],
            ..Self::vendor(method, path, call)
        }
    }

    /// Finds the row of a request; `None` for an unknown path or a wrong method, which look alike to callers.
    ///
    /// `method` is the wire name; `path` comes without the query. Token calls take a trailing slash as well
    /// (contract, section 1.1).
    pub fn find(method: &str, path: &str) -> Option<&'static Self> {
        ROUTES.iter().find(|route| route.has_path(path) && route.method.as_str() == method)
    }

    /// Whether some call has this path, with whatever method.
    pub fn is_path(path: &str) -> bool {
        ROUTES.iter().any(|route| route.has_path(path))
    }

    fn has_path(&self, path: &str) -> bool {
        match self.access {
            Access::Open => path.strip_suffix('/').unwrap_or(path) == self.path,
            Access::TenantToken => path == self.path,
        }
    }
}

/// Every call, in reading order.
pub const ROUTES: &[Route] = &[
    Route::token("/open-apis/auth/v3/tenant_access_token/internal", Call::TenantTokenInternal),
    Route::token("/open-apis/auth/v3/app_access_token/internal", Call::AppTokenInternal),
    Route::token("/open-apis/auth/v3/app_ticket/resend", Call::ResendAppTicket),
    Route::token("/open-apis/auth/v3/app_access_token", Call::AppToken),
    Route::token("/open-apis/auth/v3/tenant_access_token", Call::TenantToken),
    Route::account_fields(
        Method::Post,
        "/open-apis/hire/v1/eco_account_custom_fields",
        Call::CreateAccountFields,
    ),
    Route::account_fields(
        Method::Patch,
        "/open-apis/hire/v1/eco_account_custom_fields/batch_update",
        Call::UpdateAccountFields,
    ),
    Route::account_fields(
        Method::Post,
        "/open-apis/hire/v1/eco_account_custom_fields/batch_delete",
        Call::DeleteAccountFields,
    ),
    Route::vendor(
        Method::Post,
        "/open-apis/hire/v1/eco_background_check_custom_fields",
        Call::CreateCheckFields,
    ),
    Route::vendor(
        Method::Patch,
        "/open-apis/hire/v1/eco_background_check_custom_fields/batch_update",
        Call::UpdateCheckFields,
    ),
    Route::vendor(
        Method::Post,
        "/open-apis/hire/v1/eco_background_check_custom_fields/batch_delete",
        Call::DeleteCheckFields,
    ),
    Route::vendor(
        Method::Post,
        "/open-apis/hire/v1/eco_background_check_packages",
        Call::CreatePackages,
    ),
    Route::vendor(
        Method::Patch,
        "/open-apis/hire/v1/eco_background_check_packages/batch_update",
        Call::UpdatePackages,
    ),
    Route::vendor(
        Method::Post,
        "/open-apis/hire/v1/eco_background_check_packages/batch_delete",
        Call::DeletePackages,
    ),
    Route::vendor(
        Method::Post,
        "/open-apis/hire/v1/eco_background_checks/update_progress",
        Call::UpdateProgress,
    ),
    Route::vendor(
        Method::Post,
        "/open-apis/hire/v1/eco_background_checks/update_result",
        Call::UpdateResult,
    ),
    Route::vendor(
        Method::Post,
        "/open-apis/hire/v1/eco_background_checks/cancel",
        Call::CancelCheck,
    ),
    Route::hirer(
        Method::Get,
        "/open-apis/hire/v1/background_check_orders",
        Tier::T4,
        Call::ListOrders,
    ),
    Route::hirer(
        Method::Post,
        "/open-apis/hire/v1/background_check_orders/batch_query",
        Tier::T7,
        Call::QueryOrders,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::fmt::Write as _;

    #[test]
    fn table_reads_as_agreed() {
        let mut text = String::new();
        for route in ROUTES {
            let Route { method, path, scopes, tier, access, call } = *route;
            let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
            writeln!(
                text,
                "{method} {path} | {} | tier {} | {} | {call:?}",
                scopes.join(", "),
                tier.number(),
                access.as_str()
            )
            .unwrap();
        }
        insta::assert_snapshot!("routes", text);
    }

    #[test]
    fn rows_are_unique() {
        let mut places = HashSet::new();
        let mut calls = HashSet::new();
        for route in ROUTES {
            assert!(places.insert((route.method, route.path)), "{} stands twice", route.path);
            assert!(calls.insert(route.call), "{:?} stands twice", route.call);
        }
    }

    #[test]
    fn only_open_calls_are_without_scope_and_limit() {
        for route in ROUTES {
            let open = route.access == Access::Open;
            assert_eq!(open, route.scopes.is_empty(), "{}", route.path);
            assert_eq!(open, route.tier == Tier::Unlimited, "{}", route.path);
        }
    }

    #[test]
    fn tiers_have_the_documented_windows() {
        let mut text = String::new();
        for tier in Tier::ALL {
            let windows: Vec<_> = tier
                .windows()
                .iter()
                .map(|w| format!("{} in {} ms", w.calls, w.length_ms))
                .collect();
            writeln!(text, "tier {} allows [{}]", tier.number(), windows.join(" and ")).unwrap();
        }
        insta::assert_snapshot!("tiers", text);
    }

    #[test]
    fn only_token_calls_take_a_trailing_slash() {
        for route in ROUTES {
            let method = route.method.as_str();
            assert_eq!(Route::find(method, route.path), Some(route));
            let slashed = format!("{}/", route.path);
            assert_eq!(
                Route::find(method, &slashed).is_some(),
                route.access == Access::Open,
                "{slashed}"
            );
            assert_eq!(Route::find(method, &format!("{slashed}/")), None);
            assert_eq!(Route::find("PUT", route.path), None);
            assert_eq!(Route::find(&method.to_lowercase(), route.path), None);
        }
        assert_eq!(Route::find("POST", ""), None);
        assert_eq!(Route::find("POST", "/"), None);
    }
}
