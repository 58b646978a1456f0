//! What calls are answered with when they succeed.

use std::marker::PhantomData;

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contract::control::Page;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use super::description::{Description, JSON, reference};

const JSON_LINES: &str = "application/jsonl";
const CSV: &str = "text/csv; charset=utf-8; header=present";

/// What a handler gives, and what the description says of it.
pub(super) trait Answer: IntoResponse {
    /// `gives` says what the answer holds.
    fn describe(description: &mut Description, gives: &str);
}

/// A `T` in JSON.
pub(super) struct Shown<const STATUS: u16, T>(Vec<u8>, PhantomData<T>);

/// 200 with a `T` in JSON.
pub(super) type Json<T> = Shown<200, T>;

/// 201 with a `T` in JSON.
pub(super) type Created<T> = Shown<201, T>;

impl<const STATUS: u16, T: Serialize> From<T> for Shown<STATUS, T> {
    fn from(view: T) -> Shown<STATUS, T> {
        hub::idempotency::Answer::new(&view).into()
    }
}

impl<const STATUS: u16, T> From<hub::idempotency::Answer<T>> for Shown<STATUS, T> {
    fn from(answer: hub::idempotency::Answer<T>) -> Shown<STATUS, T> {
        Shown(answer.json, PhantomData)
    }
}

impl<const STATUS: u16, T> IntoResponse for Shown<STATUS, T> {
    fn into_response(self) -> Response {
        with_type(StatusCode::from_u16(STATUS).expect("a status"), JSON, self.0)
    }
}

impl<const STATUS: u16, T: ToSchema> Answer for Shown<STATUS, T> {
    fn describe(description: &mut Description, gives: &str) {
        let schema = reference::<T>(description);
        description.answer(STATUS, gives, Some((JSON, Some(schema))));
    }
}

/// 200 with a page of a list in JSON.
pub(super) struct Paged<T>(Page<T>);

impl<T> From<Page<T>> for Paged<T> {
    fn from(page: Page<T>) -> Paged<T> {
        Paged(page)
    }
}

impl<T: Serialize> IntoResponse for Paged<T> {
    fn into_response(self) -> Response {
        Json::from(self.0).into_response()
    }
}

impl<T: Serialize + ToSchema> Answer for Paged<T> {
    fn describe(description: &mut Description, gives: &str) {
        Json::<Page<T>>::describe(description, gives);
        // The page's schema refers to it.
        let _ = reference::<T>(description);
    }
}

/// 200 with a signed text in JSON, as it stands.
pub(super) struct Signed(pub(super) String);

impl IntoResponse for Signed {
    fn into_response(self) -> Response {
        with_type(StatusCode::OK, JSON, self.0)
    }
}

impl Answer for Signed {
    fn describe(description: &mut Description, gives: &str) {
        let any = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        description.answer(200, gives, Some((JSON, Some(any.into()))));
    }
}

/// 200 with a line of JSON for each entry.
pub(super) struct JsonLines(pub(super) String);

impl IntoResponse for JsonLines {
    fn into_response(self) -> Response {
        with_type(StatusCode::OK, JSON_LINES, self.0)
    }
}

impl Answer for JsonLines {
    fn describe(description: &mut Description, gives: &str) {
        let text = ObjectBuilder::new().schema_type(Type::String);
        description.answer(200, gives, Some((JSON_LINES, Some(text.into()))));
    }
}

/// 200 with a table, piece by piece.
pub(super) struct Csv(pub(super) Body);

impl IntoResponse for Csv {
    fn into_response(self) -> Response {
        let mut response = with_type(StatusCode::OK, CSV, self.0);
        let name = HeaderValue::from_static("attachment; filename=\"orders.csv\"");
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
        response
    }
}

impl Answer for Csv {
    fn describe(description: &mut Description, gives: &str) {
        let text = ObjectBuilder::new().schema_type(Type::String);
        description.answer(200, gives, Some((CSV, Some(text.into()))));
    }
}

/// 204.
pub(super) struct NoContent;

impl From<()> for NoContent {
    fn from((): ()) -> NoContent {
        NoContent
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Answer for NoContent {
    fn describe(description: &mut Description, gives: &str) {
        description.answer(204, gives, None);
    }
}

fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
