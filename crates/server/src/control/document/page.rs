//! The description as a page: calls by resource, then the bodies. Plain HTML, one style, no script.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// The page and the policy that allows its one style and nothing else.
pub(super) struct Page {
    pub(super) html: String,
    pub(super) content_security_policy: String,
}

const STYLE: &str = "
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem 1.25rem 4rem; font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; } h2 { margin-top: 3rem; font-size: 1.35rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2.2rem 0 .4rem; font-size: 1.05rem; overflow-wrap: anywhere; } h4 { margin: 1rem 0 .2rem; font-size: .95rem; }
code { font-family: ui-monospace, monospace; font-size: .92em; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 4.6em; font-weight: 700; }
.roles { font-size: .9rem; opacity: .8; }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; } td:first-child { white-space: nowrap; }
nav ul { columns: 2 22rem; padding-left: 0; list-style: none; font-size: .92rem; }
a:target, h3:target { background: color-mix(in srgb, Highlight 25%, transparent); }
@media (max-width: 40rem) { td:first-child { white-space: normal; } }
";

/// Makes the page of a description.
pub(super) fn render(document: &Value) -> Page {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let content_security_policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let title = escape(text(&document["info"]["title"]));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    paragraphs(&mut html, &document["info"]["description"]);
    html.push_str("<p>As a file: <a href=\"/api/v1/openapi.json\">/api/v1/openapi.json</a></p>\n");
    let calls = calls(document);
    contents(&mut html, &calls);
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        let _ = writeln!(html, "<h2>{}</h2>", escape(name));
        paragraphs(&mut html, &tag["description"]);
        calls.iter().filter(|call| call.tag() == name).for_each(|call| describe(&mut html, call));
    }
    html.push_str("<h2>Bodies</h2>\n");
    for (name, schema) in members(&document["components"]["schemas"]) {
        let _ = writeln!(html, "<h3 id=\"{0}\">{0}</h3>", escape(name));
        paragraphs(&mut html, &schema["description"]);
        schema_table(&mut html, schema);
    }
    html.push_str("</body>\n</html>\n");
    Page { html, content_security_policy }
}

/// One call of the description.
struct Call<'a> {
    method: String,
    path: &'a str,
    operation: &'a Value,
}

impl Call<'_> {
    fn tag(&self) -> &str {
        text(&self.operation["tags"][0])
    }

    fn id(&self) -> &str {
        text(&self.operation["operationId"])
    }
}

fn calls(document: &Value) -> Vec<Call<'_>> {
    let mut calls = Vec::new();
    for (path, item) in members(&document["paths"]) {
        for method in ["post", "get", "patch", "put", "delete"] {
            if let Some(operation) = item.get(method) {
                calls.push(Call { method: method.to_uppercase(), path, operation });
            }
        }
    }
    calls
}

fn contents(html: &mut String, calls: &[Call<'_>]) {
    html.push_str("<nav aria-label=\"Calls\"><ul>\n");
    for call in calls {
        let (id, path) = (escape(call.id()), escape(call.path));
        let method = &call.method;
        let _ = writeln!(
            html,
            "<li><a href=\"#{id}\"><code><span class=\"method\">{method}</span>{path}</code></a></li>"
        );
    }
    html.push_str("</ul></nav>\n");
}

fn describe(html: &mut String, call: &Call<'_>) {
    let operation = call.operation;
    let (id, path) = (escape(call.id()), escape(call.path));
    let method = &call.method;
    let _ = writeln!(
        html,
        "<h3 id=\"{id}\"><code><span class=\"method\">{method}</span>{path}</code></h3>"
    );
    paragraphs(html, &operation["summary"]);
    paragraphs(html, &operation["description"]);
    let roles: Vec<_> = list(&operation["security"]).iter().map(|it| text(&it["key"][0])).collect();
    let _ = writeln!(html, "<p class=\"roles\">Keys: {}</p>", escape(&roles.join(", ")));

    let parameters = list(&operation["parameters"]);
    if !parameters.is_empty() {
        html.push_str("<table>\n<tr><th>Parameter</th><th>In</th><th>Type</th><th></th></tr>\n");
        for parameter in parameters {
            let _ = writeln!(
                html,
                "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(text(&parameter["name"])),
                required(parameter["required"] == true),
                escape(text(&parameter["in"])),
                type_of(&parameter["schema"]),
                marked(text(&parameter["description"])),
            );
        }
        html.push_str("</table>\n");
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let _ = writeln!(html, "<h4>Body</h4>\n<p>{}</p>", type_of(body));
    }
    html.push_str("<h4>Answers</h4>\n<table>\n");
    for (status, response) in members(&operation["responses"]) {
        let bodies = members(&response["content"]).map(|(_, content)| type_of(&content["schema"]));
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(status),
            bodies.collect::<Vec<_>>().join(", "),
            marked(text(&response["description"])),
        );
    }
    html.push_str("</table>\n");
}

/// The members of a body; of one that is made of several, all of theirs.
fn schema_table(html: &mut String, schema: &Value) {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<_> =
            words.iter().map(|word| format!("<code>{}</code>", escape(text(word)))).collect();
        let _ = writeln!(html, "<p>One of {}.</p>", words.join(", "));
    }
    for part in list(&schema["allOf"]) {
        match part.get("$ref") {
            Some(_) => {
                let _ = writeln!(html, "<p>Everything of {}, and:</p>", type_of(part));
            }
            None => schema_table(html, part),
        }
    }
    if members(&schema["properties"]).next().is_none() {
        return;
    }
    html.push_str("<table>\n<tr><th>Member</th><th>Type</th><th></th></tr>\n");
    for (name, member) in members(&schema["properties"]) {
        let is_required = list(&schema["required"]).iter().any(|it| it == name);
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code>{}</td><td>{}</td><td>{}</td></tr>",
            escape(name),
            required(is_required),
            type_of(member),
            marked(text(&member["description"])),
        );
    }
    html.push_str("</table>\n");
}

fn required(is_required: bool) -> &'static str {
    if is_required { "" } else { "<br><small>optional</small>" }
}

/// A type in words, with a link to the body that it names.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = escape(name.rsplit('/').next().unwrap_or(name));
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    let choices = [&schema["oneOf"], &schema["anyOf"], &schema["allOf"]];
    if let Some(parts) = choices.into_iter().find_map(|parts| parts.as_array()) {
        let parts: Vec<_> = parts.iter().map(type_of).collect();
        return parts.join(" or ");
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        kind => text(kind).to_owned(),
    };
    if kinds == "array" {
        return format!("list of {}", type_of(&schema["items"]));
    }
    match schema["format"].as_str() {
        Some(format) if format.contains("int") => escape(&kinds),
        Some(format) => format!("{} ({})", escape(&kinds), escape(format)),
        None => escape(&kinds),
    }
}

fn paragraphs(html: &mut String, value: &Value) {
    for paragraph in text(value).split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let _ = writeln!(html, "<p>{}</p>", marked(paragraph));
    }
}

/// Text with `code` in it; a link between back quotes loses its brackets.
fn marked(text: &str) -> String {
    let text = text.replace("[`", "`").replace("`]", "`");
    let mut marked = String::with_capacity(text.len());
    for (index, part) in text.split('`').enumerate() {
        match index % 2 {
            0 => marked.push_str(&escape(part)),
            _ => {
                let _ = write!(marked, "<code>{}</code>", escape(part));
            }
        }
    }
    marked
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let object: Option<&Map<String, Value>> = value.as_object();
    object.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place_in_the_page() {
        assert_eq!(marked("a `<b>` & \"c\""), "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;");
        assert_eq!(marked("see [`Problem`]"), "see <code>Problem</code>");
    }
}
