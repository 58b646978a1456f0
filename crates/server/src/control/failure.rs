//! Refusals and faults of the control API, turned into problem documents (RFC 9457) in one place.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use contract::control::{PROBLEM_JSON, Problem, ProblemCode};
use domain::order::Refusal;
use objects::Unreadable;
use store::{Fault, FaultKind};

use super::rate_limit;
use crate::download::DownloadError;
use crate::http::body::RETRY_AFTER_SECONDS;
use crate::http::limit::Budget;

/// Why a call is not answered with success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What the caller can act on.
    Refused(Box<Problem>),
    /// The key called too often.
    RateLimited(Budget),
    /// Too many tries: free again after so many seconds.
    TooSoon(u64),
    /// Ours: the memory.
    Fault(Fault),
    /// Ours: the contents of reports and files.
    Objects(Unreadable),
}

impl Failure {
    /// A refusal; `detail` says what was expected, without personal data.
    pub(super) fn refused(code: ProblemCode, detail: impl Into<String>) -> Failure {
        Box::new(Problem::new(code, detail)).into()
    }

    /// What does not exist, or is somebody else's: the same answer for both.
    pub(super) fn not_found() -> Failure {
        hub::Error::NotFound.into()
    }
}

impl From<Box<Problem>> for Failure {
    fn from(problem: Box<Problem>) -> Failure {
        Failure::Refused(problem)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Fault(fault)
    }
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Failure {
        Failure::Objects(unreadable)
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Failure {
        match error {
            DownloadError::Object(unreadable) => Failure::Objects(unreadable),
            DownloadError::View(fault) => Failure::Fault(fault),
        }
    }
}

impl From<hub::Error> for Failure {
    fn from(error: hub::Error) -> Failure {
        match error {
            hub::Error::NotFound => Failure::refused(ProblemCode::NotFound, error.to_string()),
            hub::Error::Invalid(faults) => Box::new(Problem::invalid(faults)).into(),
            hub::Error::Order(refusal) => {
                let code = match refusal {
                    Refusal::OrderNotExist => return Failure::not_found(),
                    Refusal::PlacerMayNotDecide => ProblemCode::Forbidden,
                    Refusal::IllegalStatus(_)
                    | Refusal::BeingApproved
                    | Refusal::StageIdTaken
                    | Refusal::StageTimeNotIncreasing
                    | Refusal::ResultSuperseded(_) => ProblemCode::IllegalState,
                };
                Failure::refused(code, refusal.to_string())
            }
            hub::Error::Refused(code, detail) => Failure::refused(code, detail),
            hub::Error::TooSoon(seconds) => Failure::TooSoon(seconds),
            hub::Error::Fault(fault) => Failure::Fault(fault),
            hub::Error::Objects(unreadable) => Failure::Objects(unreadable),
        }
    }
}

impl IntoResponse for Failure {
    /// The answer. A fault is logged here, once.
    fn into_response(self) -> Response {
        let (mut budget, mut retry_after) = (None, None);
        let problem = match self {
            Failure::Refused(problem) => *problem,
            Failure::RateLimited(used_up) => {
                let (calls, reset_s) = (used_up.window.calls, used_up.reset_s);
                (budget, retry_after) = (Some(used_up), Some(reset_s));
                let detail = format!(
                    "expected at most {calls} calls of a key in a minute, the next one in {reset_s} s"
                );
                Problem::new(ProblemCode::RateLimited, detail)
            }
            Failure::TooSoon(seconds) => {
                retry_after = Some(seconds);
                let detail = hub::Error::TooSoon(seconds).to_string();
                Problem::new(ProblemCode::RateLimited, detail)
            }
            Failure::Fault(fault) => {
                tracing::error!(%fault, "a call of the control API failed");
                match fault.kind() {
                    FaultKind::NoRoom => Problem::new(
                        ProblemCode::QuotaUsedUp,
                        "expected a content that fits what may be stored for the tenant",
                    ),
                    FaultKind::Storage | FaultKind::WriterGone => Problem::new(
                        ProblemCode::Unavailable,
                        "storage did not answer; repeat with the same idempotency key",
                    ),
                    _ => Problem::new(ProblemCode::Internal, "see the server's log"),
                }
            }
            Failure::Objects(error) => {
                tracing::error!(%error, "a content cannot be read or kept");
                match error {
                    Unreadable::Unreachable(_) => Problem::new(
                        ProblemCode::Unavailable,
                        "the store of the contents did not answer; try again later",
                    ),
                    Unreadable::Missing | Unreadable::Damaged(_) => Problem::new(
                        ProblemCode::ContentDamaged,
                        "the kept content is missing or damaged; a refetch brings it again from its source, a \
                         backup from before",
                    ),
                }
            }
        };
        let body = serde_json::to_vec(&problem).expect("problems are texts and numbers");
        let mut response = Response::new(Body::from(body));
        let status = StatusCode::from_u16(problem.status);
        *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if problem.status == ProblemCode::Unavailable.status() {
            retry_after = Some(RETRY_AFTER_SECONDS);
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(budget) = budget {
            rate_limit::insert(&budget, headers);
        }
        if problem.status == ProblemCode::Unauthenticated.status() {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
