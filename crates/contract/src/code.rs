//! The errors table: every code of the open API with HTTP status, text, meaning and whether a retry helps. The platform
//! uses some numbers for several cases, so a number may have several rows; a row is never reused for another meaning.
//! Source: contract, sections 1.5, 2.3, 3, 4.3 and 5.4.

use std::fmt;

/// What a caller should do with a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call will fail again: something in it, or in the order, has to change.
    Never,
    /// The same call may succeed later, unchanged.
    Later,
    /// The same call may succeed with a fresh token.
    WithNewToken,
}

impl Retry {
    /// The word used in documents and snapshots.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Later => "later",
            Self::WithNewToken => "with a new token",
        }
    }
}

/// One row of the errors table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The `code` member of the answer; never 0.
    pub number: u32,
    /// The HTTP status; 200 for token calls, 4xx or 5xx for all others.
    pub http_status: u16,
    /// The `msg` member; where it holds `%s`, the answer carries a text made for the case.
    pub msg: &'static str,
    /// When it is answered, in our words.
    pub meaning: &'static str,
    /// Whether trying again helps.
    pub retry: Retry,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.msg)
    }
}

/// Makes a constant of each row, whose documentation is number and meaning, and [`ALL`] in the order of the rows.
macro_rules! codes {
    ($($name:ident: $number:literal, $status:literal, $retry:ident,
        $msg:literal, $meaning:literal;)*) => {
        $(
            #[doc = concat!($number, ": `", $meaning, "`.")]
            pub const $name: Code = Code {
                number: $number,
                http_status: $status,
                msg: $msg,
                meaning: $meaning,
                retry: Retry::$retry,
            };
        )*

        /// All rows in reading order: token calls, gateway, the recruiting family, the long connection.
        pub const ALL: &[&Code] = &[$(&$name),*];
    };
}

codes! {
    // Token calls: HTTP 200 even for errors (contract, section 1.5).
    TOKEN_INVALID_PARAM: 10003, 200, Never, "invalid param",
        "the token request is malformed or lacks a member";
    APP_ID_NOT_EXISTS: 10014, 200, Never, "app id not exists", "no app has this id";
    APP_SECRET_INVALID: 10014, 200, Never, "app secret invalid",
        "the secret does not belong to the app";
    APP_UNAUTHORIZED: 10014, 200, Never, "app unauthorized", "the app is disabled";
    // The general table has two texts for a wrong secret; Probity answers `APP_SECRET_INVALID` instead.
    WRONG_APP_SECRET: 10015, 200, Never, "wrong app secret",
        "the secret does not belong to the app (general table)";
    APP_SECRET_INVALID_GENERAL: 10015, 200, Never, "app secret invalid",
        "the secret does not belong to the app (general table)";
    APP_ID_UNAUTHORIZED: 10005, 200, Never, "app id unauthorized",
        "the data of the app or its tenant are wrong";
    // The Go SDK then asks for a new ticket.
    APP_TICKET_INVALID: 10012, 200, WithNewToken, "get app access token fail",
        "the app ticket is wrong or expired";
    TENANT_TOKEN_FAILED: 10013, 200, WithNewToken, "get tenant access token fail",
        "the app access token is wrong or expired, or no tenant has this key";
    APP_RESEND_FAILED: 10016, 200, Never, "app resend fail", "only store apps have app tickets";
    TENANT_APP_NOT_INSTALLED: 20009, 200, Never, "tenant app not installed",
        "the app is not installed in the tenant";
    APP_USAGE_NOT_EXIST: 11210, 200, Never, "app usage info not exist",
        "the app is not installed in the tenant";
    LOGIN_USER_INVALID: 99991543, 200, Never, "login_user invalid",
        "app id or secret does not exist (general table)";
    TOKEN_INTERNAL: 2200, 200, Later, "internal error",
        "a token call failed by a fault of the server";

    // Gateway: checked before any call's own rules (contract, section 2.3).
    MISSING_ACCESS_TOKEN: 99991661, 400, Never,
        "Missing access token for authorization. Please make a request with token attached.",
        "the Authorization header is missing or not of the form Bearer <token>";
    APP_NOT_IN_USE: 99991662, 400, Never, "app not in use", "the app is disabled";
    INVALID_ACCESS_TOKEN: 99991663, 400, WithNewToken,
        "Invalid access token for authorization. Please make a request with token attached.",
        "the tenant token is unknown or expired, or the call takes none";
    INVALID_APP_TOKEN: 99991664, 400, WithNewToken, "invalid app token",
        "the app token is unknown or expired";
    INVALID_TENANT_CODE: 99991665, 400, WithNewToken, "invalid tenant code",
        "the tenant token is malformed for its tenant";
    INVALID_USER_TOKEN: 99991668, 400, WithNewToken,
        "Invalid access token for authorization. Please make a request with token attached.",
        "the user token is unknown or expired";
    USER_TOKEN_NOT_SUPPORTED: 99991668, 400, Never, "user access token not support",
        "the call takes tenant tokens only";
    INVALID_TOKEN_PREFIX: 99991671, 400, Never, "Invalid token: must start with t-/u-",
        "the token has no known prefix";
    SCOPE_MISSING: 99991672, 400, Never,
        "Access denied. One of the following scopes is required: [%s].",
        "the app has none of the scopes that the call accepts";
    UNAUTHORIZED_APP: 99991673, 400, Never, "unauthorized app",
        "the app is not installed or enabled in the tenant";
    TOKEN_NO_PERMISSION: 99991676, 400, Never, "token no permission", "the token lacks the right";
    USER_TOKEN_EXPIRED: 99991677, 400, WithNewToken, "token expire", "the user token has expired";
    USER_SCOPE_MISSING: 99991679, 400, Never, "Unauthorized. You do not have permission %s",
        "the user has not granted the scope to the app";
    RATE_LIMITED: 99991400, 429, Later, "request trigger frequency limit",
        "a window of the call's rate tier is full; wait for x-ogw-ratelimit-reset seconds";
    IP_DENIED: 99991401, 400, Never, "ip %s is denied by app setting",
        "the caller's address is not on the app's list of allowed addresses";
    QUOTA_EXCEEDED: 99991403, 400, Never, "This month's API call quota has been exceeded",
        "the month's quota of calls is used up";
    FIELD_VALIDATION_FAILED: 99992402, 400, Never, "field validation failed",
        "members are missing, too long or out of range; field_violations name them";
    BAD_REQUEST: 9499, 400, Never, "Bad Request", "the body is not a JSON object";
    INVALID_PARAMETER_TYPE: 9499, 400, Never,
        "Invalid parameter type in json: %s. Invalid parameter value: %s. Please check and modify accordingly.",
        "a member of the body has the wrong JSON type";
    GATEWAY_INTERNAL: 2200, 500, Later, "internal error", "a fault of the gateway";
    METHOD_RATE_LIMITED: 1000004, 429, Later, "method rate limited", "another limiter, per method";
    APP_RATE_LIMITED: 1000005, 429, Later, "app rate limited", "another limiter, per app";
    // Unknown path and wrong method in the form that explains; the faithful one is a bare 404 page.
    RESOURCE_NOT_FOUND: 99991201, 404, Never, "resource not find", "no call has this path";
    METHOD_MISMATCH: 99991301, 404, Never, "request method doesn't match",
        "the path exists with another method";
    // The ends of a range of codes for user and department ids.
    IDS_NOT_EXISTED: 99992351, 400, Never, "these %s ids not existed",
        "ids of users or departments do not exist";
    IDS_CROSS_TENANT: 99992381, 400, Never, "these %s ids cross app/tenant",
        "ids of users or departments belong to another app or tenant";

    // The recruiting family (contract, sections 3 and 4.3). 1002001 has the status and text that each call documents.
    SYSTEM_ERROR: 1002001, 500, Later, "system error", "a fault of the server";
    SYSTEM_ERROR_BARE: 1002001, 500, Later, "",
        "a fault of the server (account field create, cancel), or an account field's key is not usable";
    SYSTEM_INTERNAL_ERROR: 1002001, 500, Later, "internal error",
        "a fault of the server (order field create, package delete)";
    SYSTEM_FAULT_400: 1002001, 400, Later, "system error",
        "a fault of the server (order field update, package create and update)";
    SYSTEM_EXCEPTION: 1002001, 500, Later, "System exception",
        "a fault of the server (order queries)";
    ACCOUNT_FIELD_NOT_EXIST: 1002001, 500, Never,
        "background check account custom field is not exist",
        "no account custom field of this scope has the key";
    LAST_ACCOUNT_FIELD: 1002001, 500, Never, "Exam provider cannot be deleted",
        "at least one account custom field must remain, or a key to delete is unknown";
    CHECK_FIELD_NOT_EXIST: 1002001, 400, Never, "background check custom field is not exist",
        "the list of order fields does not match the created one";
    ACCOUNT_PACKAGE_NOT_FOUND: 1002001, 400, Never, "account package not found",
        "the account is unknown, an id to create exists already, or one to update does not";
    PARAMETER_ERROR: 1002002, 400, Never, "Parameter error",
        "a rule on arguments is broken, such as a repeated stage";
    CHECK_FIELD_EXISTS: 1002855, 400, Never,
        "background check custom field is exist not allow to create",
        "a key was deleted earlier or occurs twice, or the account is unknown";
    ILLEGAL_ORDER_STATUS: 1002858, 400, Never, "illegal order status",
        "the order's state does not allow the command, as when it is completed or terminated";
    PACKAGE_DELETE_NOT_FOUND: 1002859, 400, Never, "account package not found",
        "the account or a package to delete is unknown";
    CHECK_FIELD_NOT_DELETABLE: 1002860, 400, Never,
        "background check custom field cannot be deleted",
        "the account is unknown or has no order fields";
    CHECK_FIELD_DELETE_FAULT: 1002860, 400, Later, "system error",
        "a fault of the server (order field delete)";
    ORDER_NOT_EXIST: 1002862, 400, Never, "background check order not exist",
        "no order of this app in this tenant has the id";
    ORDER_BEING_APPROVED: 1002863, 500, Never, "background order is being approved",
        "a result is under review, so no other one is taken";

    // The long connection's endpoint: SDKs retry on the first and give up on the others (contract, 5.4).
    LONG_CONNECTION_INTERNAL: 1_000_040_343, 200, Later, "internal error", "a fault of the server";
    LONG_CONNECTION_CREDENTIALS: 1_000_040_345, 200, Never, "app_id or app_secret is invalid",
        "the credentials are wrong, or the app is disabled, a store app, or gets its events by webhook";
    LONG_CONNECTION_EXCEEDED: 1_000_040_350, 200, Never,
        "the number of connections exceeded the limit",
        "the app has as many long connections as it may have";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::fmt::Write as _;

    #[test]
    fn table_reads_as_agreed() {
        let mut text = String::new();
        for code in ALL {
            let Code { number, http_status, msg, meaning, retry } = **code;
            let retry = retry.as_str();
            writeln!(text, "{number:>8} | {http_status} | {msg} | {meaning} | retry {retry}")
                .unwrap();
        }
        insta::assert_snapshot!("codes", text);
    }

    #[test]
    fn rows_differ_in_number_status_or_text() {
        let mut seen = HashSet::new();
        for code in ALL {
            assert!(seen.insert((code.number, code.http_status, code.msg)), "{code} stands twice");
        }
    }

    #[test]
    fn every_row_has_a_meaning_and_a_sane_status() {
        for code in ALL {
            assert!(code.number > 0 && !code.meaning.is_empty(), "{code}");
            assert!(matches!(code.http_status, 200 | 400 | 404 | 429 | 500), "{code}");
        }
    }
}
