//! The errors table: every code that an answer of the open API can carry, with its HTTP status, its text,
//! what it means and whether trying again helps.
//!
//! One row per number, status and text: one number may stand in several rows, since the platform uses the same
//! number for different cases. Rules, server, SDK, documents and tests read this table; a row is never reused for
//! another meaning. Source: contract, sections 1.5, 2.3, 3, 4.3 and 5.4.
//!
//! Long because: it is one table, and is read as one.

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

impl Code {
    const fn new(number: u32, http_status: u16, msg: &'static str, meaning: &'static str) -> Self {
        Self { number, http_status, msg, meaning, retry: Retry::Never }
    }

    const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

impl fmt::Display for Code {
    /// Writes `number msg`, as in `1002862 background check order not exist`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.msg)
    }
}

// Token calls: HTTP 200 even for errors (contract, section 1.5).

/// 10003: the token request is empty, not JSON, lacks a member, or its `app_id` is ill-formed.
pub const TOKEN_INVALID_PARAM: Code =
    Code::new(10003, 200, "invalid param", "the token request is malformed or lacks a member");
/// 10014: the `app_id` is well-formed but unknown.
pub const APP_ID_NOT_EXISTS: Code =
    Code::new(10014, 200, "app id not exists", "no app has this id");
/// 10014: the `app_secret` is wrong.
pub const APP_SECRET_INVALID: Code =
    Code::new(10014, 200, "app secret invalid", "the secret does not belong to the app");
/// 10014: the app is disabled.
pub const APP_UNAUTHORIZED: Code = Code::new(10014, 200, "app unauthorized", "the app is disabled");
/// 10015: wrong secret, in the words of the general table; Probity answers `APP_SECRET_INVALID` instead.
pub const WRONG_APP_SECRET: Code = Code::new(
    10015,
    200,
    "wrong app secret",
    "the secret does not belong to the app (general table)",
);
/// 10015: wrong secret, second text of the general table; Probity answers `APP_SECRET_INVALID` instead.
pub const APP_SECRET_INVALID_GENERAL: Code = Code::new(
    10015,
    200,
    "app secret invalid",
    "the secret does not belong to the app (general table)",
);
/// 10005: the data of app or tenant are wrong.
pub const APP_ID_UNAUTHORIZED: Code =
    Code::new(10005, 200, "app id unauthorized", "the data of the app or its tenant are wrong");
/// 10012: the app ticket of a store app is wrong or expired; the Go SDK then asks for a new one.
pub const APP_TICKET_INVALID: Code =
    Code::new(10012, 200, "get app access token fail", "the app ticket is wrong or expired")
        .retry(Retry::WithNewToken);
/// 10013: the app access token of a store app is wrong or expired, or the tenant is unknown.
pub const TENANT_TOKEN_FAILED: Code = Code::new(
    10013,
    200,
    "get tenant access token fail",
    "the app access token is wrong or expired, or no tenant has this key",
)
.retry(Retry::WithNewToken);
/// 10016: a ticket was asked for an app that is no store app.
pub const APP_RESEND_FAILED: Code =
    Code::new(10016, 200, "app resend fail", "only store apps have app tickets");
/// 20009: the store app is not installed in the tenant.
pub const TENANT_APP_NOT_INSTALLED: Code =
    Code::new(20009, 200, "tenant app not installed", "the app is not installed in the tenant");
/// 11210: second number for an app that is not installed in the tenant.
pub const APP_USAGE_NOT_EXIST: Code =
    Code::new(11210, 200, "app usage info not exist", "the app is not installed in the tenant");
/// 99991543: app id or secret does not exist, on other ways to log in.
pub const LOGIN_USER_INVALID: Code = Code::new(
    99991543,
    200,
    "login_user invalid",
    "app id or secret does not exist (general table)",
);
/// 2200 with HTTP 200: a token call failed by a fault of the server.
pub const TOKEN_INTERNAL: Code =
    Code::new(2200, 200, "internal error", "a token call failed by a fault of the server")
        .retry(Retry::Later);

// Gateway: checked before any call's own rules (contract, section 2.3).

/// 99991661: no `Authorization` header, or one that is not `Bearer <token>`.
pub const MISSING_ACCESS_TOKEN: Code = Code::new(
    99991661,
    400,
    "Missing access token for authorization. Please make a request with token attached.",
    "the Authorization header is missing or not of the form Bearer <token>",
);
/// 99991662: the app is disabled.
pub const APP_NOT_IN_USE: Code = Code::new(99991662, 400, "app not in use", "the app is disabled");
/// 99991663: the tenant token is unknown or expired.
pub const INVALID_ACCESS_TOKEN: Code = Code::new(
    99991663,
    400,
    "Invalid access token for authorization. Please make a request with token attached.",
    "the tenant token is unknown or expired, or the call takes none",
)
.retry(Retry::WithNewToken);
/// 99991664: the app token is unknown or expired.
pub const INVALID_APP_TOKEN: Code =
    Code::new(99991664, 400, "invalid app token", "the app token is unknown or expired")
        .retry(Retry::WithNewToken);
/// 99991665: the tenant token is malformed for its tenant.
pub const INVALID_TENANT_CODE: Code =
    Code::new(99991665, 400, "invalid tenant code", "the tenant token is malformed for its tenant")
        .retry(Retry::WithNewToken);
/// 99991668: the user token is invalid.
pub const INVALID_USER_TOKEN: Code = Code::new(
    99991668,
    400,
    "Invalid access token for authorization. Please make a request with token attached.",
    "the user token is unknown or expired",
)
.retry(Retry::WithNewToken);
/// 99991668: a user token was sent to a call that takes tenant tokens only.
pub const USER_TOKEN_NOT_SUPPORTED: Code =
    Code::new(99991668, 400, "user access token not support", "the call takes tenant tokens only");
/// 99991671: the token has no known prefix.
pub const INVALID_TOKEN_PREFIX: Code = Code::new(
    99991671,
    400,
    "Invalid token: must start with t-/u-",
    "the token has no known prefix",
);
/// 99991672: none of the call's scopes is granted to the app.
pub const SCOPE_MISSING: Code = Code::new(
    99991672,
    400,
    "Access denied. One of the following scopes is required: [%s].",
    "the app has none of the scopes that the call accepts",
);
/// 99991673: the app is not installed or enabled in the tenant.
pub const UNAUTHORIZED_APP: Code = Code::new(
    99991673,
    400,
    "unauthorized app",
    "the app is not installed or enabled in the tenant",
);
/// 99991676: the token lacks the right.
pub const TOKEN_NO_PERMISSION: Code =
    Code::new(99991676, 400, "token no permission", "the token lacks the right");
/// 99991677: the user token has expired.
pub const USER_TOKEN_EXPIRED: Code =
    Code::new(99991677, 400, "token expire", "the user token has expired")
        .retry(Retry::WithNewToken);
/// 99991679: the user has not granted the scope.
pub const USER_SCOPE_MISSING: Code = Code::new(
    99991679,
    400,
    "Unauthorized. You do not have permission %s",
    "the user has not granted the scope to the app",
);
/// 99991400: a window of the call's rate tier is full.
pub const RATE_LIMITED: Code = Code::new(
    99991400,
    429,
    "request trigger frequency limit",
    "a window of the call's rate tier is full; wait for x-ogw-ratelimit-reset seconds",
)
.retry(Retry::Later);
/// 99991401: the caller's address is not on the app's list.
pub const IP_DENIED: Code = Code::new(
    99991401,
    400,
    "ip %s is denied by app setting",
    "the caller's address is not on the app's list of allowed addresses",
);
/// 99991403: the month's quota of calls is used up.
pub const QUOTA_EXCEEDED: Code = Code::new(
    99991403,
    400,
    "This month's API call quota has been exceeded",
    "the month's quota of calls is used up",
);
/// 99992402: a member of the body breaks its rule; `field_violations` name all of them.
pub const FIELD_VALIDATION_FAILED: Code = Code::new(
    99992402,
    400,
    "field validation failed",
    "members are missing, too long or out of range; field_violations name them",
);
/// 9499: the body is not a JSON object.
pub const BAD_REQUEST: Code = Code::new(9499, 400, "Bad Request", "the body is not a JSON object");
/// 9499: a member of the body has the wrong JSON type.
pub const INVALID_PARAMETER_TYPE: Code = Code::new(
    9499,
    400,
    "Invalid parameter type in json: %s. Invalid parameter value: %s. Please check and modify accordingly.",
    "a member of the body has the wrong JSON type",
);
/// 2200: a fault of the gateway.
pub const GATEWAY_INTERNAL: Code =
    Code::new(2200, 500, "internal error", "a fault of the gateway").retry(Retry::Later);
/// 1000004: another limiter, per method.
pub const METHOD_RATE_LIMITED: Code =
    Code::new(1000004, 429, "method rate limited", "another limiter, per method")
        .retry(Retry::Later);
/// 1000005: another limiter, per app.
pub const APP_RATE_LIMITED: Code =
    Code::new(1000005, 429, "app rate limited", "another limiter, per app").retry(Retry::Later);
/// 99991201: unknown path, in the kind form; the faithful one is a bare 404 page.
pub const RESOURCE_NOT_FOUND: Code =
    Code::new(99991201, 404, "resource not find", "no call has this path");
/// 99991301: wrong method, in the kind form; the faithful one is a bare 404 page.
pub const METHOD_MISMATCH: Code =
    Code::new(99991301, 404, "request method doesn't match", "the path exists with another method");
/// 99992351: first of a range up to 99992381 for user or department ids that do not exist.
pub const IDS_NOT_EXISTED: Code = Code::new(
    99992351,
    400,
    "these %s ids not existed",
    "ids of users or departments do not exist",
);
/// 99992381: last of the range from 99992351, for ids of another app or tenant.
pub const IDS_CROSS_TENANT: Code = Code::new(
    99992381,
    400,
    "these %s ids cross app/tenant",
    "ids of users or departments belong to another app or tenant",
);

// The recruiting family (contract, sections 3 and 4.3). 1002001 has the status and text that each call documents.

/// 1002001 with HTTP 500: a fault while working on an order.
pub const SYSTEM_ERROR: Code =
    Code::new(1002001, 500, "system error", "a fault of the server").retry(Retry::Later);
/// 1002001 with HTTP 500 and no text: a fault in creating account fields, or in cancelling an order; and the only
/// code for account fields whose keys were deleted earlier or occur twice.
pub const SYSTEM_ERROR_BARE: Code = Code::new(
    1002001,
    500,
    "",
    "a fault of the server (account field create, cancel), or an account field's key is not usable",
)
.retry(Retry::Later);
/// 1002001 with HTTP 500: a fault in creating order fields or deleting packages.
pub const SYSTEM_INTERNAL_ERROR: Code = Code::new(
    1002001,
    500,
    "internal error",
    "a fault of the server (order field create, package delete)",
)
.retry(Retry::Later);
/// 1002001 with HTTP 400: a fault in updating order fields, or in creating or updating packages.
pub const SYSTEM_FAULT_400: Code = Code::new(
    1002001,
    400,
    "system error",
    "a fault of the server (order field update, package create and update)",
)
.retry(Retry::Later);
/// 1002001 with HTTP 500: a fault in the hirer's order queries.
pub const SYSTEM_EXCEPTION: Code =
    Code::new(1002001, 500, "System exception", "a fault of the server (order queries)")
        .retry(Retry::Later);
/// 1002001 with HTTP 500: an account field to update does not exist.
pub const ACCOUNT_FIELD_NOT_EXIST: Code = Code::new(
    1002001,
    500,
    "background check account custom field is not exist",
    "no account custom field of this scope has the key",
);
/// 1002001 with HTTP 500: the deletion would leave no account field.
pub const LAST_ACCOUNT_FIELD: Code = Code::new(
    1002001,
    500,
    "Exam provider cannot be deleted",
    "at least one account custom field must remain, or a key to delete is unknown",
);
/// 1002001 with HTTP 400: an order field to update does not exist, or the list differs in length or type.
pub const CHECK_FIELD_NOT_EXIST: Code = Code::new(
    1002001,
    400,
    "background check custom field is not exist",
    "the list of order fields does not match the created one",
);
/// 1002001 with HTTP 400: in creating or updating packages, the account is unknown or an id is not usable.
pub const ACCOUNT_PACKAGE_NOT_FOUND: Code = Code::new(
    1002001,
    400,
    "account package not found",
    "the account is unknown, an id to create exists already, or one to update does not",
);
/// 1002002: a rule on arguments is broken, such as a repeated stage or a time that does not grow.
pub const PARAMETER_ERROR: Code = Code::new(
    1002002,
    400,
    "Parameter error",
    "a rule on arguments is broken, such as a repeated stage",
);
/// 1002855: an order field's key was deleted earlier or occurs twice, or the account is unknown.
pub const CHECK_FIELD_EXISTS: Code = Code::new(
    1002855,
    400,
    "background check custom field is exist not allow to create",
    "a key was deleted earlier or occurs twice, or the account is unknown",
);
/// 1002858: the order's state does not allow the command.
pub const ILLEGAL_ORDER_STATUS: Code = Code::new(
    1002858,
    400,
    "illegal order status",
    "the order's state does not allow the command, as when it is completed or terminated",
);
/// 1002859: in deleting packages, the account or an id is unknown.
pub const PACKAGE_DELETE_NOT_FOUND: Code = Code::new(
    1002859,
    400,
    "account package not found",
    "the account or a package to delete is unknown",
);
/// 1002860: order fields cannot be deleted.
pub const CHECK_FIELD_NOT_DELETABLE: Code = Code::new(
    1002860,
    400,
    "background check custom field cannot be deleted",
    "the account is unknown or has no order fields",
);
/// 1002860: a fault in deleting order fields.
pub const CHECK_FIELD_DELETE_FAULT: Code =
    Code::new(1002860, 400, "system error", "a fault of the server (order field delete)")
        .retry(Retry::Later);
/// 1002862: no such order for this app in this tenant.
pub const ORDER_NOT_EXIST: Code = Code::new(
    1002862,
    400,
    "background check order not exist",
    "no order of this app in this tenant has the id",
);
/// 1002863: a result came while the former one is under review.
pub const ORDER_BEING_APPROVED: Code = Code::new(
    1002863,
    500,
    "background order is being approved",
    "a result is under review, so no other one is taken",
);

// The long connection's endpoint: HTTP 200 as well, with an empty `data` (contract, section 5.4). The SDKs try again
// on the first and give up for good on the others.

/// 1000040343: a fault of the server, or connections that cannot be counted at the moment.
pub const LONG_CONNECTION_INTERNAL: Code =
    Code::new(1_000_040_343, 200, "internal error", "a fault of the server").retry(Retry::Later);
/// 1000040345: the credentials are wrong, or the app may not have long connections.
pub const LONG_CONNECTION_CREDENTIALS: Code = Code::new(
    1_000_040_345,
    200,
    "app_id or app_secret is invalid",
    "the credentials are wrong, or the app is disabled, a store app, or gets its events by webhook",
);
/// 1000040350: the app has as many long connections as it may have.
pub const LONG_CONNECTION_EXCEEDED: Code = Code::new(
    1_000_040_350,
    200,
    "the number of connections exceeded the limit",
    "the app has as many long connections as it may have",
);

/// All rows in reading order: token calls, gateway, the recruiting family.
pub const ALL: &[&Code] = &[
    &TOKEN_INVALID_PARAM,
    &APP_ID_NOT_EXISTS,
    &APP_SECRET_INVALID,
    &APP_UNAUTHORIZED,
    &WRONG_APP_SECRET,
    &APP_SECRET_INVALID_GENERAL,
    &APP_ID_UNAUTHORIZED,
    &APP_TICKET_INVALID,
    &TENANT_TOKEN_FAILED,
    &APP_RESEND_FAILED,
    &TENANT_APP_NOT_INSTALLED,
    &APP_USAGE_NOT_EXIST,
    &LOGIN_USER_INVALID,
    &TOKEN_INTERNAL,
    &MISSING_ACCESS_TOKEN,
    &APP_NOT_IN_USE,
    &INVALID_ACCESS_TOKEN,
    &INVALID_APP_TOKEN,
    &INVALID_TENANT_CODE,
    &INVALID_USER_TOKEN,
    &USER_TOKEN_NOT_SUPPORTED,
    &INVALID_TOKEN_PREFIX,
    &SCOPE_MISSING,
    &UNAUTHORIZED_APP,
    &TOKEN_NO_PERMISSION,
    &USER_TOKEN_EXPIRED,
    &USER_SCOPE_MISSING,
    &RATE_LIMITED,
    &IP_DENIED,
    &QUOTA_EXCEEDED,
    &FIELD_VALIDATION_FAILED,
    &BAD_REQUEST,
    &INVALID_PARAMETER_TYPE,
    &GATEWAY_INTERNAL,
    &METHOD_RATE_LIMITED,
    &APP_RATE_LIMITED,
    &RESOURCE_NOT_FOUND,
    &METHOD_MISMATCH,
    &IDS_NOT_EXISTED,
    &IDS_CROSS_TENANT,
    &SYSTEM_ERROR,
    &SYSTEM_ERROR_BARE,
    &SYSTEM_INTERNAL_ERROR,
    &SYSTEM_FAULT_400,
    &SYSTEM_EXCEPTION,
    &ACCOUNT_FIELD_NOT_EXIST,
    &LAST_ACCOUNT_FIELD,
    &CHECK_FIELD_NOT_EXIST,
    &ACCOUNT_PACKAGE_NOT_FOUND,
    &PARAMETER_ERROR,
    &CHECK_FIELD_EXISTS,
    &ILLEGAL_ORDER_STATUS,
    &PACKAGE_DELETE_NOT_FOUND,
    &CHECK_FIELD_NOT_DELETABLE,
    &CHECK_FIELD_DELETE_FAULT,
    &ORDER_NOT_EXIST,
    &ORDER_BEING_APPROVED,
    &LONG_CONNECTION_INTERNAL,
    &LONG_CONNECTION_CREDENTIALS,
    &LONG_CONNECTION_EXCEEDED,
];

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
