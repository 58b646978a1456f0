//! The route table of the open API, the gateway's rules. Source: contract, 1.2, 1.3, 2.4 and 3.

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

const fn per_second(calls: u32) -> Window {
    Window { length_ms: 1_000, calls }
}

const fn per_minute(calls: u32) -> Window {
    Window { length_ms: 60_000, calls }
}

/// Makes the tiers of a table: number and windows, shortest first.
macro_rules! tiers {
    ($($tier:ident = $number:literal: [$($window:expr),*];)+) => {
        /// A rate tier: reaching any of its windows triggers the limit (contract, section 2.4).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Tier {
            $(#[doc = concat!("`", stringify!([$($window),*]), "`")] $tier),+
        }

        impl Tier {
            /// All tiers, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$tier),+];

            /// The tier's windows, shortest first; empty when nothing is limited.
            pub const fn windows(self) -> &'static [Window] {
                match self {
                    $(Self::$tier => const { &[$($window),*] }),+
                }
            }

            /// The tier's number in the platform's table; 0 for calls without a stated limit.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$tier => $number),+
                }
            }
        }
    };
}

tiers! {
    // Token calls.
    Unlimited = 0: [];
    T1 = 1: [per_minute(10)];
    T2 = 2: [per_minute(20)];
    T3 = 3: [per_minute(100)];
    // All calls of the background-check family.
    T4 = 4: [per_second(50), per_minute(1_000)];
    T5 = 5: [per_second(1)];
    T6 = 6: [per_second(5)];
    T7 = 7: [per_second(10)];
    T8 = 8: [per_second(20)];
    T9 = 9: [per_second(50)];
    // The doubled ceiling of commercial self-built apps is not granted.
    T10 = 10: [per_second(50)];
    T11 = 11: [per_second(100)];
    T21 = 21: [per_second(3)];
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

    /// The row of a request; `path` has no query. Token calls take a trailing slash as well (contract, section 1.1).
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

/// Makes the calls and their rows of a table: the call, what makes its row, what it does.
macro_rules! routes {
    ($($call:ident: $row:ident($($part:expr),+), $doc:literal;)+) => {
        /// One call of the open API; the server matches on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Call {
            $(#[doc = $doc] $call),+
        }

        /// Every call, in reading order.
        pub const ROUTES: &[Route] = &[$(Route::$row($($part),+, Call::$call)),+];
    };
}

routes! {
    TenantTokenInternal: token("/open-apis/auth/v3/tenant_access_token/internal"),
        "Token call of self-built apps for the tenant token (contract, section 1.2).";
    AppTokenInternal: token("/open-apis/auth/v3/app_access_token/internal"),
        "Token call of self-built apps for the app token (contract, section 1.2).";
    ResendAppTicket: token("/open-apis/auth/v3/app_ticket/resend"),
        "Asks for a store app's next ticket (contract, section 1.3).";
    AppToken: token("/open-apis/auth/v3/app_access_token"),
        "Token call of store apps for the app token (contract, section 1.3).";
    TenantToken: token("/open-apis/auth/v3/tenant_access_token"),
        "Token call of store apps for the tenant token (contract, section 1.3).";
    CreateAccountFields: account_fields(Method::Post,
        "/open-apis/hire/v1/eco_account_custom_fields"),
        "Replaces an app's form for accounts (contract, section 3.1.1).";
    UpdateAccountFields: account_fields(Method::Patch,
        "/open-apis/hire/v1/eco_account_custom_fields/batch_update"),
        "Renames fields of an app's form for accounts (contract, section 3.1.2).";
    DeleteAccountFields: account_fields(Method::Post,
        "/open-apis/hire/v1/eco_account_custom_fields/batch_delete"),
        "Deletes fields of an app's form for accounts (contract, section 3.1.3).";
    CreateCheckFields: vendor(Method::Post,
        "/open-apis/hire/v1/eco_background_check_custom_fields"),
        "Replaces an account's form for orders (contract, section 3.2.1).";
    UpdateCheckFields: vendor(Method::Patch,
        "/open-apis/hire/v1/eco_background_check_custom_fields/batch_update"),
        "Renames the fields of an account's form for orders (contract, section 3.2.2).";
    DeleteCheckFields: vendor(Method::Post,
        "/open-apis/hire/v1/eco_background_check_custom_fields/batch_delete"),
        "Deletes an account's form for orders (contract, section 3.2.3).";
    CreatePackages: vendor(Method::Post, "/open-apis/hire/v1/eco_background_check_packages"),
        "Adds packages and additional items to an account (contract, section 3.3.1).";
    UpdatePackages: vendor(Method::Patch,
        "/open-apis/hire/v1/eco_background_check_packages/batch_update"),
        "Renames packages and additional items of an account (contract, section 3.3.2).";
    DeletePackages: vendor(Method::Post,
        "/open-apis/hire/v1/eco_background_check_packages/batch_delete"),
        "Deletes packages and additional items of an account (contract, section 3.3.3).";
    UpdateProgress: vendor(Method::Post,
        "/open-apis/hire/v1/eco_background_checks/update_progress"),
        "Reports a stage of an order (contract, section 3.4.1).";
    UpdateResult: vendor(Method::Post, "/open-apis/hire/v1/eco_background_checks/update_result"),
        "Returns the final result of an order (contract, section 3.4.2).";
    CancelCheck: vendor(Method::Post, "/open-apis/hire/v1/eco_background_checks/cancel"),
        "Ends an order from the vendor's side (contract, section 3.4.3).";
    ListOrders: hirer(Method::Get, "/open-apis/hire/v1/background_check_orders", Tier::T4),
        "Lists a tenant's orders (contract, section 4.1).";
    QueryOrders: hirer(Method::Post,
        "/open-apis/hire/v1/background_check_orders/batch_query", Tier::T7),
        "Finds a tenant's orders (contract, section 4.2).";
}

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
