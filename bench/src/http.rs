//! The few calls that the bench makes itself, over plain sockets: tokens, and the first answer of a start.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// The measured call. Source: contract, section 3.4.2.
pub(crate) const UPDATE_RESULT: &str = "/open-apis/hire/v1/eco_background_checks/update_result";
const TENANT_TOKEN: &str = "/open-apis/auth/v3/tenant_access_token/internal";

/// Asks for the tenant token of a self-built app.
pub(crate) fn tenant_token(
    address: SocketAddr,
    app_id: &str,
    app_secret: &str,
) -> anyhow::Result<String> {
    let body = serde_json::json!({ "app_id": app_id, "app_secret": app_secret }).to_string();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(&post(TENANT_TOKEN, None, &body))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("expected an HTTP answer")?;
    let body: serde_json::Value =
        serde_json::from_str(body).with_context(|| format!("expected JSON, got {body:?}"))?;
    match body["tenant_access_token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => bail!("expected a token, got {body}"),
    }
}

/// Makes one `update_result` and gives the answer's status as soon as its first line is there.
pub(crate) fn first_status(
    address: SocketAddr,
    token: &str,
    order_id: i64,
) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(&post(UPDATE_RESULT, Some(token), &result_body(order_id)))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other(format!("expected a status line, got {line:?}")))
}

/// The body of the measured call; `call.lua` writes the same.
fn result_body(order_id: i64) -> String {
    format!(
        r#"{{"background_check_id":"{order_id}","result":"绿灯","result_time":"1767225600000","operator_role":1,"report_file_list":[{{"report_name":"背调报告.pdf","report_url":"https://reports.example.com/view/{order_id}","report_url_type":2}}]}}"#
    )
}

fn post(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let authorization =
        token.map_or_else(String::new, |it| format!("Authorization: Bearer {it}\r\n"));
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{authorization}Connection: close\r\n\
         Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
