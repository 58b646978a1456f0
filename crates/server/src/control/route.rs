//! One call of the control API: who may make it, what serves it, and its part of the API's description, which is made
//! from the types that its handler takes and gives.

use axum::extract::FromRequest;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use domain::{Act, Role};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Required, ResponseBuilder};

use super::answer::Answer;
use super::auth::Call;
use super::failure::Failure;
use super::request::Input;
use crate::app::SharedApp;

/// Who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever asks, without a key.
    Anyone,
    /// Keys whose role may do this; of the tenant in the path, when there is one.
    Key(Act),
}

impl Access {
    /// The roles that may make the call; none when it needs no key.
    pub(super) fn roles(self) -> &'static [Role] {
        match self {
            Access::Anyone => &[],
            Access::Key(act) => act.roles(),
        }
    }
}

/// One call.
pub(super) struct Route {
    pub(super) method: Method,
    /// Below `/api/v1`.
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) serve: MethodRouter<SharedApp>,
    /// None for what is not described.
    pub(super) description: Option<Description>,
}

/// What the table says of a call in words.
pub(super) struct About {
    /// The resource.
    pub(super) tag: &'static str,
    /// The operation's id.
    pub(super) name: &'static str,
    /// The lines of the summary, and after an empty one those of the description.
    pub(super) doc: &'static [&'static str],
    /// What the answer with success holds.
    pub(super) gives: &'static str,
    /// Answers that need a word besides, by their status.
    pub(super) others: &'static [(u16, &'static str)],
}

impl Route {
    pub(super) fn new<Args, H: Handler<Args>>(
        method: Method,
        path: &'static str,
        act: Act,
        handler: H,
        about: &About,
    ) -> Route {
        let mut description = Description::of(about);
        for part in path.split('/') {
            if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                description.path_parameter(name);
            }
        }
        H::describe(&mut description, about.gives);
        for (status, text) in about.others {
            description.answer(*status, text, None);
        }
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum routes");
        let (access, serve) = (Access::Key(act), handler.serve(filter));
        Route { method, path, access, serve, description: Some(description) }
    }
}

/// A call's part of the API's description.
#[derive(Default)]
pub(super) struct Description {
    pub(super) operation: Operation,
    /// The schemas that it refers to, by name.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Description {
    fn of(about: &About) -> Description {
        let lines: Vec<_> =
            about.doc.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let (summary, text) = match lines.iter().position(|line| line.is_empty()) {
            Some(end) => (&lines[..end], &lines[end + 1..]),
            None => (&lines[..], &[][..]),
        };
        let mut operation = Operation::new();
        operation.tags = Some(vec![about.tag.to_owned()]);
        operation.operation_id = Some(about.name.to_owned());
        operation.summary = Some(summary.join("\n"));
        operation.description = Some(text.join("\n")).filter(|text| !text.is_empty());
        Description { operation, schemas: Vec::new() }
    }

    fn path_parameter(&mut self, name: &str) {
        let shape = match name {
            "tenant_key" => "16 lower-case hex digits",
            "app_id" => "`cli_` and 16 lower-case hex digits",
            "event_id" => "32 lower-case hex digits",
            _ => "19 decimal digits",
        };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .description(Some(shape))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
            .build();
        self.parameter(parameter);
    }

    /// What stands beside the body: in the path, the query or the header.
    pub(super) fn parameter(&mut self, parameter: Parameter) {
        self.operation.parameters.get_or_insert_default().push(parameter.into());
    }

    /// What the call brings.
    pub(super) fn body(&mut self, content_type: &str, schema: RefOr<Schema>) {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new()
            .content(content_type, content)
            .required(Some(Required::True))
            .build();
        self.operation.request_body = Some(body.into());
    }

    /// What the call can be answered with: its status, what it is, and the type of its content with the schema.
    pub(super) fn answer(
        &mut self,
        status: u16,
        text: &str,
        content: Option<(&str, Option<RefOr<Schema>>)>,
    ) {
        let mut response = ResponseBuilder::new().description(text);
        if let Some((content_type, schema)) = content {
            response = response.content(content_type, ContentBuilder::new().schema(schema).build());
        }
        let response = response.build().into();
        self.operation.responses.responses.insert(status.to_string(), response);
    }
}

/// What serves a call: an async function of the [`Call`], and of what comes with it if that is needed.
pub(super) trait Handler<Args>: 'static {
    /// Adds what the function takes and gives.
    fn describe(description: &mut Description, gives: &str);

    fn serve(self, method: MethodFilter) -> MethodRouter<SharedApp>;
}

impl<F, Fut, A> Handler<()> for F
where
    F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, Failure>> + Send + 'static,
    A: Answer,
{
    fn describe(description: &mut Description, gives: &str) {
        A::describe(description, gives);
    }

    fn serve(self, method: MethodFilter) -> MethodRouter<SharedApp> {
        on(method, self)
    }
}

impl<F, Fut, M, I, A> Handler<(M, I)> for F
where
    F: Fn(Call, I) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, Failure>> + Send + 'static,
    I: Input + FromRequest<SharedApp, M> + Send + 'static,
    A: Answer,
    M: 'static,
{
    fn describe(description: &mut Description, gives: &str) {
        I::describe(description);
        A::describe(description, gives);
    }

    fn serve(self, method: MethodFilter) -> MethodRouter<SharedApp> {
        on(method, self)
    }
}
