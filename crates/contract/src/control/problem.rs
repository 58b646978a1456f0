//! Error answers of the control API: RFC 9457 problem documents with a stable `code`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One broken rule of a request body or query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldFault {
    /// The member, as a path from the body's root: `candidate_info.mobile.code`, `scopes[2]`; empty for the body as
    /// a whole.
    pub field: String,
    /// What was expected, in words; it never repeats the value.
    pub message: String,
}

/// An error answer, sent as `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem: `urn:probity:problem:` and the code.
    pub r#type: String,
    /// The kind of problem in a few words, the same for every occurrence.
    pub title: String,
    /// The HTTP status of the answer, 400 to 599.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// The kind of problem as a word that programs may rely on; see [`ProblemCode`].
    pub code: String,
    /// Every broken rule, when the request's content was at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldFault>,
}

impl Problem {
    /// A problem of the given kind; `detail` says what went wrong this time, without personal data.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Problem {
        Problem {
            r#type: format!("urn:probity:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            errors: Vec::new(),
        }
    }

    /// `validation_failed` with every fault, as the `faults` methods of the bodies list them.
    #[must_use]
    pub fn invalid(errors: Vec<FieldFault>) -> Problem {
        let detail = match errors.as_slice() {
            // What is wrong with the body as a whole names no member.
            [only] if only.field.is_empty() => only.message.clone(),
            [only] => format!("{}: {}", only.field, only.message),
            many => format!("{} members are not as expected", many.len()),
        };
        Problem { errors, ..Problem::new(ProblemCode::ValidationFailed, detail) }
    }

    /// The kind of problem, when this version knows it.
    #[must_use]
    pub fn kind(&self) -> Option<ProblemCode> {
        ProblemCode::ALL.into_iter().find(|code| code.as_str() == self.code)
    }
}

macro_rules! problem_codes {
    ($($(#[$meta:meta])* $name:ident, $code:literal, $status:literal, $title:literal;)*) => {
        /// The kinds of problem: code, HTTP status and title. Codes are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemCode {
            $($(#[$meta])* $name,)*
        }

        impl ProblemCode {
            /// Every kind, in the table's order.
            pub const ALL: [ProblemCode; [$($status),*].len()] = [$(ProblemCode::$name),*];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ProblemCode::$name => $code),* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(ProblemCode::$name => $status),* }
            }

            /// The kind in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(ProblemCode::$name => $title),* }
            }
        }
    };
}

problem_codes! {
    /// The body is no JSON, or a query, header or path cannot be read. Do not repeat.
    Malformed, "malformed", 400, "request cannot be read";
    /// Members break rules, named in `errors`. Do not repeat.
    ValidationFailed, "validation_failed", 400, "request breaks rules";
    /// No key, or one that is unknown or revoked.
    Unauthenticated, "unauthenticated", 401, "key missing or unknown";
    /// The key is good, but its role may not do this.
    Forbidden, "forbidden", 403, "key may not do this";
    /// It does not exist, or belongs to somebody else.
    NotFound, "not_found", 404, "not found";
    /// The path exists, the method does not.
    MethodNotAllowed, "method_not_allowed", 405, "method not allowed";
    /// The order's state does not allow the action; reading it again shows the state.
    IllegalState, "illegal_state", 409, "state does not allow this";
    /// It clashes with something that exists, or a twin with the same `Idempotency-Key` is under way.
    Conflict, "conflict", 409, "conflict";
    /// The content was stored, and is missing or damaged now; a refetch brings it again from its source.
    ContentDamaged, "content_damaged", 500, "content is damaged";
    /// The content was there, and was erased.
    Gone, "gone", 410, "content was erased";
    /// It does not fit the tenant's quota of what is stored.
    QuotaUsedUp, "quota_used_up", 409, "quota used up";
    /// The body is larger than the limit.
    PayloadTooLarge, "payload_too_large", 413, "body too large";
    /// The body's media type is not `application/json`.
    UnsupportedMediaType, "unsupported_media_type", 415, "media type not supported";
    /// The range lies outside the content.
    RangeNotSatisfiable, "range_not_satisfiable", 416, "range lies outside the content";
    /// The `Idempotency-Key` was used for another request within 24 hours.
    IdempotencyKeyReused, "idempotency_key_reused", 422, "idempotency key used for another request";
    /// Too many requests; repeat after `Retry-After`.
    RateLimited, "rate_limited", 429, "too many requests";
    /// A fault of the server; repeat with the same `Idempotency-Key`.
    Internal, "internal", 500, "internal error";
    /// The server cannot keep anything at the moment; repeat with the same `Idempotency-Key`.
    Unavailable, "unavailable", 503, "not available at the moment";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_words_with_error_statuses() {
        for (index, code) in ProblemCode::ALL.into_iter().enumerate() {
            assert!((400..600).contains(&code.status()), "{code:?}");
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code:?}");
            assert!(ProblemCode::ALL[..index].iter().all(|c| c.as_str() != code.as_str()));
            assert_eq!(Problem::new(code, "x").kind(), Some(code));
        }
    }

    #[test]
    fn a_problem_reads_back_and_names_its_only_fault() {
        let fault = FieldFault { field: "name".into(), message: "expected 1 character".into() };
        let problem = Problem::invalid(vec![fault]);
        assert_eq!(problem.detail, "name: expected 1 character");
        let text = serde_json::to_string(&problem).unwrap();
        assert!(text.starts_with(r#"{"type":"urn:probity:problem:validation_failed""#), "{text}");
        assert_eq!(serde_json::from_str::<Problem>(&text).unwrap(), problem);
    }
}
