//! The description as a page: calls by resource, then the bodies. Plain HTML, one style, no script.

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The page and the policy that allows its one style and nothing else.
pub(super) struct Page {
    pub(super) html: String,
    pub(super) content_security_policy: String,
}

const STYLE: &str = include_str!("../../../templates/api.css");

/// The page. `templates/api.html` takes the description apart, by the functions below.
#[derive(Template)]
#[template(path = "api.html")]
struct Api<'a> {
    document: &'a Value,
    calls: Vec<Call<'a>>,
}

/// One call of the description.
struct Call<'a> {
    method: String,
    path: &'a str,
    operation: &'a Value,
}

/// A piece of a running text.
enum Piece {
    Text(String),
    Code(String),
    /// The name of a body, which leads to it.
    Link(String),
}

/// Makes the page of a description.
pub(super) fn render(document: &Value) -> Page {
    let calls = members(&document["paths"]).flat_map(|(path, item)| {
        ["post", "get", "patch", "put", "delete"].into_iter().filter_map(move |method| {
            let operation = item.get(method)?;
            Some(Call { method: method.to_uppercase(), path, operation })
        })
    });
    let api = Api { document, calls: calls.collect() };
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let content_security_policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    Page { html: api.render().expect("a String takes everything"), content_security_policy }
}

impl Call<'_> {
    fn has_tag(&self, tag: &Value) -> bool {
        self.operation["tags"][0] == tag["name"]
    }

    fn id(&self) -> &str {
        text(&self.operation["operationId"])
    }

    /// The schema of the body, if there is one.
    fn body(&self) -> Option<&Value> {
        self.operation.pointer("/requestBody/content/application~1json/schema")
    }
}

/// A type in words, with a link to the body that it names.
fn type_of(schema: &Value) -> Vec<Piece> {
    if let Some(name) = schema["$ref"].as_str() {
        return vec![Piece::Link(name.rsplit('/').next().unwrap_or(name).to_owned())];
    }
    let choices = [&schema["oneOf"], &schema["anyOf"], &schema["allOf"]];
    if let Some(parts) = choices.into_iter().find_map(|parts| parts.as_array()) {
        return joined(parts.iter(), " or ");
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        kind => text(kind).to_owned(),
    };
    if kinds == "array" {
        let mut pieces = type_of(&schema["items"]);
        pieces.insert(0, Piece::Text("list of ".to_owned()));
        return pieces;
    }
    vec![Piece::Text(match schema["format"].as_str() {
        Some(format) if !format.contains("int") => format!("{kinds} ({format})"),
        _ => kinds,
    })]
}

/// The types of an answer's bodies.
fn bodies(response: &Value) -> Vec<Piece> {
    joined(members(&response["content"]).map(|(_, content)| &content["schema"]), ", ")
}

fn joined<'a>(schemas: impl Iterator<Item = &'a Value>, separator: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, schema) in schemas.enumerate() {
        if index > 0 {
            pieces.push(Piece::Text(separator.to_owned()));
        }
        pieces.extend(type_of(schema));
    }
    pieces
}

/// What a body is made of, itself last.
fn parts(schema: &Value) -> Vec<&Value> {
    list(&schema["allOf"]).iter().flat_map(parts).chain([schema]).collect()
}

fn is_required(schema: &Value, member: &str) -> bool {
    list(&schema["required"]).iter().any(|it| it == member)
}

/// Text with `code` in it; a link between back quotes loses its brackets.
fn marked(text: &str) -> Vec<Piece> {
    let text = text.replace("[`", "`").replace("`]", "`");
    let parts = text.split('`').map(str::to_owned).enumerate();
    parts
        .map(|(at, part)| if at % 2 == 0 { Piece::Text(part) } else { Piece::Code(part) })
        .collect()
}

fn paragraphs(value: &Value) -> impl Iterator<Item = &str> {
    text(value).split("\n\n").filter(|paragraph| !paragraph.trim().is_empty())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_cannot_leave_its_place_in_the_page() {
        let document = json!({
            "info": { "title": "<b>", "description": "a `<b>` & \"c\", see [`Problem`]" },
            "components": { "schemas": { "\"><b>": { "enum": ["<b>"] } } },
        });
        let html = render(&document).html;
        assert!(!html.contains("<b>"), "{html}");
        assert!(
            html.contains("<code>&#60;b&#62;</code> &#38; &#34;c&#34;, see <code>Problem</code>"),
            "{html}"
        );
    }
}
