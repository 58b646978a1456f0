//! Refusals and faults of the open API, turned into answers in one place.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use contract::code::{self, Code};
use contract::envelope::ErrorBody;
use contract::scope::Scope;
use domain::AppId;
use hub::vendor_calls::CallError;
use store::Fault;

use crate::http::body::RETRY_AFTER_SECONDS;
use crate::http::limit::RateLimitError;

#[derive(Debug)]
pub(crate) enum Failure {
    Call(CallError),
    /// The app's list of addresses does not have the caller's.
    Address(Option<IpAddr>),
    /// None of the scopes is granted to the app; the server's public URL, if it has one.
    Scope(AppId, &'static [Scope], Option<String>),
    /// The bodies of others take all the memory that there is for bodies.
    Busy,
    RateLimitError(RateLimitError),
}

impl Failure {
    pub(crate) fn refused(code: &'static Code) -> Failure {
        CallError::Refused(code).into()
    }

    /// Ours: the documented code of a fault.
    pub(crate) fn fault(code: &'static Code, fault: Fault) -> Failure {
        CallError::Fault(code, fault).into()
    }

    /// The answer, with its HTTP status. A fault is logged here, once.
    pub(crate) fn into_response(self, log_id: &str) -> Response<Body> {
        let body = |code: &Code| (code.http_status, ErrorBody::new(code, log_id));
        let (status, error) = match self {
            Failure::Call(CallError::Refused(code)) => body(code),
            Failure::Call(CallError::Field(code, violations)) => {
                let (status, error) = body(code);
                (status, error.with_field_violations(violations))
            }
            Failure::Call(CallError::Body(refused)) => {
                (refused.code().http_status, refused.into_body(log_id))
            }
            Failure::Address(peer) => {
                let (status, error) = body(&code::IP_DENIED);
                let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
                (status, error.with_msg(code::IP_DENIED.msg.replace("%s", &peer)))
            }
            Failure::Scope(app_id, scopes, public_url) => {
                let (app_id, public_url) = (app_id.to_string(), public_url.as_deref());
                let error = ErrorBody::scope_missing(&app_id, scopes, public_url, log_id);
                (code::SCOPE_MISSING.http_status, error)
            }
            Failure::Busy => {
                return busy(log_id, ErrorBody::new(&code::GATEWAY_INTERNAL, log_id).to_vec());
            }
            Failure::RateLimitError(rate_limited) => return too_many(rate_limited, log_id),
            Failure::Call(CallError::Fault(code, fault)) => {
                tracing::error!(log_id, %fault, "a call failed");
                body(code)
            }
        };
        answer(status, log_id, error.to_vec())
    }
}

impl<E: Into<CallError>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Call(error.into())
    }
}

/// 503 for a moment in which there is no memory for one more body.
pub(crate) fn busy(log_id: &str, body: Vec<u8>) -> Response<Body> {
    let mut response = answer(StatusCode::SERVICE_UNAVAILABLE.as_u16(), log_id, body);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    response
}

/// 429 with the two headers that clients wait by. Source: contract, section 2.4.
fn too_many(rate_limited: RateLimitError, log_id: &str) -> Response<Body> {
    let code = &code::RATE_LIMITED;
    let body = ErrorBody::new(code, log_id).to_vec();
    let mut response = answer(code.http_status, log_id, body);
    let headers = response.headers_mut();
    headers.insert("x-ogw-ratelimit-limit", HeaderValue::from(rate_limited.limit));
    headers.insert("x-ogw-ratelimit-reset", HeaderValue::from(rate_limited.reset_s));
    response
}

/// An answer as every answer of the open API is: JSON, with the log id.
pub(crate) fn answer(status: u16, log_id: &str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, json);
    if let Ok(log_id) = HeaderValue::from_str(log_id) {
        headers.insert("x-tt-logid", log_id);
    }
    response
}
