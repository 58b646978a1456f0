//! What the API's description says of a call.

use std::any::type_name;

use utoipa::ToSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder};

/// The type of most bodies.
pub(super) const JSON: &str = "application/json";

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
    /// Other answers that need a word, by their status.
    pub(super) others: &'static [(u16, &'static str)],
}

/// A call's part of the API's description.
pub(super) struct Description {
    pub(super) operation: Operation,
    /// The schemas that it refers to, by name.
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Description {
    pub(super) fn new(about: &About, path: &str) -> Description {
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
        let mut description = Description { operation, schemas: Vec::new() };
        for part in path.split('/') {
            if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                description.path_parameter(name);
            }
        }
        description
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

/// Refers to the schema of `T`, which the description then holds.
pub(super) fn reference<T: ToSchema>(description: &mut Description) -> RefOr<Schema> {
    let name = schema_name(type_name::<T>());
    description.schemas.push((name.clone(), T::schema()));
    T::schemas(&mut description.schemas);
    Ref::from_schema_name(name).into()
}

/// `Page_Order` for `contract::control::page::Page<contract::control::order::Order>`.
fn schema_name(type_name: &str) -> String {
    let parts = type_name.trim_end_matches('>').split('<');
    let names: Vec<_> = parts.map(|part| part.rsplit("::").next().unwrap_or(part)).collect();
    names.join("_")
}
