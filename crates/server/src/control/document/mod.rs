//! The API's description: OpenAPI 3.1, made from the table of calls, and the types that they take and give, and a page on which
//! people read it.
//!
//! `docs/openapi.json` is this description as it was committed; a test compares the two.

mod page;

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use contract::control::{IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_CHARS_MAX, PROBLEM_JSON, Problem};
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, Required,
    ResponseBuilder,
};

use super::description::JSON;
use super::route::Access;
use super::routes::routes;

/// The name of the security scheme.
const KEY: &str = "key";

const INTRODUCTION: &str = "For the hirer's own systems, scripts and the command line. JSON with snake_case \
    members; ids are strings, instants are RFC 3339 in UTC.\n\n\
    Every call but this description needs a key as `Authorization: Bearer ...`: the operator's (`pbo_`) for \
    tenants and apps, a tenant's (`pbt_`) for what lies below its own tenant. What belongs to somebody else is \
    answered as what does not exist.\n\n\
    Refusals are `application/problem+json` (RFC 9457) with a stable `code`, and `errors` that name every member \
    at fault. Lists are newest first, and page by `next_cursor`. A POST with an `Idempotency-Key` can be repeated \
    for 24 hours; what is shown once is not shown to repeats.\n\n\
    A key makes at most 6,000 calls in a minute unless the operator set another number; `ratelimit-policy` and \
    `ratelimit` tell how many are left, and a refusal (429) has `retry-after` in seconds.";

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = document().to_pretty_json().expect("a description is texts, lists and numbers");
    text.push('\n');
    text
});

static PAGE: LazyLock<page::Page> =
    LazyLock::new(|| page::render(&serde_json::from_str(&TEXT).expect("the description is JSON")));

/// What the description begins with, before the calls are added.
fn outline() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Probity control API")
        .version("1")
        .description(Some(INTRODUCTION));
    let tags = [
        ("tenants", "Hirers and their settings."),
        ("api_keys", "Keys for this API: a tenant's by its admin, the operator's by the operator."),
        ("invitations", "Who is invited to a tenant, or as an operator."),
        (
            "users",
            "People of a tenant, what they may do, and where they are signed in; the operators.",
        ),
        ("service_accounts", "What keys belong to that belong to no person."),
        ("apps", "The programs of vendors and hirers."),
        ("installations", "Store apps in tenants, with the scopes that each is to have there."),
        ("grants", "What each tenant granted to apps: nothing else of them takes effect there."),
        ("accounts", "Bindings of a tenant to vendors' apps, and what can be ordered there."),
        ("orders", "Background checks, each of one candidate."),
        (
            "reason_templates",
            "Reasons to choose from when a result is sent back or an order ended.",
        ),
        ("files", "Files that an order's form can name."),
        ("reports", "Documents that vendors returned."),
        ("erasures", "How long orders are kept, what holds them, how they are erased."),
        ("candidates", "Finding the orders of a person who asks."),
        ("evidence", "Audit chains, manifests and certificates, and the key that verifies them."),
        ("events", "What apps are told, and how it reaches them."),
        ("installation", "The operator's care for what is kept."),
    ];
    let tags = tags.map(|(name, description)| {
        TagBuilder::new().name(name).description(Some(description)).build()
    });
    let key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = ComponentsBuilder::new()
        .schema("Problem", Problem::schema())
        .schema("FieldFault", contract::control::FieldFault::schema())
        .security_scheme(KEY, key)
        .build();
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([Server::new("/api/v1")]))
        .tags(Some(tags))
        .components(Some(components))
        .build()
}

/// `GET /openapi.json`: this description.
pub(super) async fn openapi_json() -> Response {
    let mut response = Response::new(Body::from(TEXT.as_bytes()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// `GET /api/docs`: the description as a page to read. It runs no script and loads nothing.
pub(crate) async fn reading_page() -> Response {
    let mut response = Response::new(Body::from(PAGE.html.as_str()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = HeaderValue::from_str(&PAGE.content_security_policy);
    let policy = policy.expect("the policy is visible ASCII");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The whole description: the calls, and what holds for all of them.
fn document() -> OpenApi {
    let mut document = outline();
    let components = document.components.get_or_insert_default();
    for route in routes() {
        let mut description = route.description;
        complete(&mut description.operation, &route.method, route.access);
        components.schemas.extend(description.schemas);
        let item = document.paths.paths.entry(route.path.to_owned()).or_default();
        let PathItem { get, post, patch, put, delete, .. } = item;
        let operation = match route.method.as_str() {
            "GET" => get,
            "POST" => post,
            "PATCH" => patch,
            "PUT" => put,
            _ => delete,
        };
        *operation = Some(description.operation);
    }
    document
}

/// Adds to a call what every call has: who may make it, the refusals, and for a POST its Idempotency-Key.
fn complete(operation: &mut Operation, method: &Method, access: Access) {
    let roles = access.roles().iter();
    let requirements: Vec<_> =
        roles.map(|role| SecurityRequirement::new(KEY, [role.as_str()])).collect();
    operation.security = Some(requirements);
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let refused = ResponseBuilder::new()
        .description("Refused; `code` says why")
        .content(PROBLEM_JSON, problem.clone())
        .build();
    for (status, response) in &mut operation.responses.responses {
        if let (true, utoipa::openapi::RefOr::T(response)) = (status.starts_with('4'), response) {
            response.content.insert(PROBLEM_JSON.to_owned(), problem.clone().into());
        }
    }
    operation.responses.responses.insert("default".to_owned(), refused.into());
    if *method == Method::POST {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(IDEMPOTENCY_KEY_CHARS_MAX));
        let parameter = ParameterBuilder::new()
            .name(IDEMPOTENCY_KEY)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "Visible ASCII. A repeat with the same key finds the first answer for 24 hours",
            ))
            .schema(Some(text))
            .build();
        operation.parameters.get_or_insert_default().push(parameter.into());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    #[test]
    fn no_call_has_two_rows() {
        let names: Vec<_> = super::super::names().collect();
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn every_reference_of_the_description_leads_somewhere() {
        let document: serde_json::Value = serde_json::from_str(&TEXT).unwrap();
        let mut names = BTreeSet::new();
        for (index, _) in TEXT.match_indices("\"$ref\": \"") {
            names.insert(TEXT[index + 9..].split('"').next().unwrap());
        }
        assert!(names.len() > 20, "{names:?}");
        for name in names {
            let pointer = name.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}");
        }
        assert_eq!(document["openapi"], "3.1.0");
    }
}
