//! `GET /app/{app_id}/auth`: the page to which a scope error links. It says what to grant and by which command.
//!
//! It asks for no key and looks nothing up, so that it reveals no app. Plain HTML, no style, no script.

use std::fmt::Write as _;

use axum::body::Body;
use axum::extract::{Path, RawQuery};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Response, StatusCode};
use contract::scope::Scope;
use domain::AppId;
use url::form_urlencoded;

/// Nothing may be loaded, run, sent or framed.
const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers with the page; 404 for what is no app id, or when no known scope is named.
pub(crate) async fn scope_page(
    Path(app_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let scopes = scopes(query.as_deref().unwrap_or_default());
    match app_id.parse::<AppId>() {
        Ok(app_id) if !scopes.is_empty() => {
            page(StatusCode::OK, "text/html", render(&app_id.to_string(), &scopes))
        }
        _ => {
            let text = "expected an app id and, in q, names of scopes separated by commas\n";
            page(StatusCode::NOT_FOUND, "text/plain", text.to_owned())
        }
    }
}

/// The known scopes in the query, each once.
fn scopes(query: &str) -> Vec<Scope> {
    let mut found = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "q" {
            continue;
        }
        for scope in value.split(',').filter_map(Scope::parse) {
            if !found.contains(&scope) {
                found.push(scope);
            }
        }
    }
    found
}

fn page(status: StatusCode, kind: &str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let kind = HeaderValue::from_str(&format!("{kind}; charset=utf-8"));
    headers.insert(CONTENT_TYPE, kind.expect("the kind is visible ASCII"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn render(app_id: &str, scopes: &[Scope]) -> String {
    let mut items = String::new();
    for scope in scopes {
        let _ = writeln!(items, "<li><code>{scope}</code></li>");
    }
    let scope = scopes[0];
    format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Scopes of {app_id}</title>
</head>
<body>
<main lang=\"zh-CN\">
<h1>应用 {app_id} 缺少权限</h1>
<p>以下权限中开通任意一个即可：</p>
<ul>
{items}</ul>
<p>查看应用现有的权限，然后连同新权限一起写入（<code>--scope</code> 会替换全部权限）：</p>
<pre><code>probity app show {app_id}
probity app update {app_id} --scope {scope} --scope …</code></pre>
<p>商店应用还需要由租户授权：</p>
<pre><code>probity app install {app_id} --tenant TENANT_KEY</code></pre>
<p>以上命令由租户管理员或运维人员执行。开通后立即生效，无需更换 token。</p>
</main>
<hr>
<main>
<h1>App {app_id} lacks a scope</h1>
<p>Any one of these is enough:</p>
<ul>
{items}</ul>
<p>See which scopes the app has, then set them together with the new one (<code>--scope</code> replaces all of
them):</p>
<pre><code>probity app show {app_id}
probity app update {app_id} --scope {scope} --scope …</code></pre>
<p>A store app needs the tenant's grant besides:</p>
<pre><code>probity app install {app_id} --tenant TENANT_KEY</code></pre>
<p>These commands are for an admin of the tenant or the operator. What is granted holds at once, with the token
that the app has.</p>
</main>
</body>
</html>
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_scopes_are_taken_from_the_query() {
        let query = "q=hire:exam,hire%3Abackground_check_order,%3Cb%3E,hire:exam&token_type=tenant";
        assert_eq!(scopes(query), [Scope::Exam, Scope::BackgroundCheckOrder]);
        assert_eq!(scopes("q=hire&op_from=hire:exam"), []);
        assert_eq!(scopes(""), []);
    }
}
