//! The yardstick: the least that an axum server does, a constant JSON answer to any call.

use std::net::SocketAddr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::http::UPDATE_RESULT;

#[derive(Serialize)]
struct Answer {
    code: u32,
    msg: &'static str,
    data: Empty,
}

#[derive(Serialize)]
struct Empty {}

/// Serves until the process is ended.
pub(crate) async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let router = Router::new().route(UPDATE_RESULT, axum::routing::post(answer));
    axum::serve(TcpListener::bind(address).await?, router).await?;
    Ok(())
}

async fn answer() -> impl IntoResponse {
    let answer = Answer { code: 0, msg: "success", data: Empty {} };
    let body = serde_json::to_vec(&answer).expect("a constant has a JSON text");
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body)
}
