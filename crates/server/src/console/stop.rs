//! Why a page is not shown, and the page that is shown instead: what happened, what is safe, what to do.
//!
//! A handler answers with a [`Stop`]; the access layer, which knows the reader, makes the page of it.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use contract::control::ProblemCode;
use domain::order::Refusal;

use super::frame::Frame;
use super::pieces::{Action, Empty, Look, To};

/// Why a page is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// There is no such page for this reader.
    NotFound,
    /// The reader's roles do not go that far.
    Forbidden,
    /// What was sent is no form of a page.
    BadForm,
    /// What was asked cannot be done as things stand.
    Conflict,
    /// Ours.
    Fault,
    /// A one-time link is used up, or its time is over.
    LinkOver,
    /// The answer is another page.
    See(String),
}

impl From<hub::Error> for Stop {
    /// A fault is logged here, once.
    fn from(error: hub::Error) -> Stop {
        match error {
            hub::Error::NotFound | hub::Error::Order(Refusal::OrderNotExist) => Stop::NotFound,
            hub::Error::Refused(ProblemCode::Forbidden, _)
            | hub::Error::Order(Refusal::PlacerMayNotDecide) => Stop::Forbidden,
            hub::Error::Refused(ProblemCode::NotFound | ProblemCode::Gone, _) => Stop::NotFound,
            hub::Error::Invalid(_) => Stop::BadForm,
            hub::Error::Order(_) | hub::Error::Refused(..) | hub::Error::TooSoon(_) => {
                Stop::Conflict
            }
            hub::Error::Fault(fault) => {
                tracing::error!(%fault, "a page failed");
                Stop::Fault
            }
            hub::Error::Objects(error) => {
                tracing::error!(%error, "a content cannot be read");
                Stop::Fault
            }
        }
    }
}

impl IntoResponse for Stop {
    /// An answer without a page; the access layer fills it.
    fn into_response(self) -> Response {
        if let Stop::See(path) = &self {
            return Redirect::to(path).into_response();
        }
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The page.
#[derive(Template)]
#[template(path = "console/stop.html")]
struct StopPage {
    frame: Frame,
    empty: Empty,
}

impl Stop {
    fn status(&self) -> StatusCode {
        match self {
            Stop::NotFound | Stop::LinkOver => StatusCode::NOT_FOUND,
            Stop::Forbidden => StatusCode::FORBIDDEN,
            Stop::BadForm => StatusCode::BAD_REQUEST,
            Stop::Conflict => StatusCode::CONFLICT,
            Stop::Fault => StatusCode::INTERNAL_SERVER_ERROR,
            Stop::See(_) => StatusCode::SEE_OTHER,
        }
    }

    /// The page that says so, in the reader's frame.
    pub(super) fn page(&self, mut frame: Frame) -> Response {
        let w = frame.w;
        let (title, text) = match self {
            Stop::NotFound | Stop::See(_) => (w.t("stop-not-found"), w.t("stop-not-found-why")),
            Stop::LinkOver => (w.t("stop-link-over"), w.t("stop-link-over-why")),
            Stop::Forbidden => (w.t("stop-forbidden"), w.t("stop-forbidden-why")),
            Stop::BadForm => (w.t("stop-bad-form"), w.t("stop-bad-form-why")),
            Stop::Conflict => (w.t("stop-conflict"), w.t("stop-conflict-why")),
            Stop::Fault => (w.t("stop-fault"), w.t("stop-fault-why")),
        };
        frame.title = title.clone().into_owned();
        let to = To::Page("/".to_owned());
        let back = Action { label: w.t("to-the-start"), to, look: Look::Plain };
        let empty = Empty { icon: "attention", title, text, actions: vec![back] };
        let mut response = render(&StopPage { frame, empty });
        *response.status_mut() = self.status();
        if *self == Stop::Fault {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// The answer that shows a page.
pub(super) fn render(page: &impl Template) -> Response {
    Html(page.render().expect("a String takes everything")).into_response()
}
