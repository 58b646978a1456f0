//! The open API as a vendor's program calls it: tokens, packages, progress, results.
//!
//! ```no_run
//! # async fn example() -> Result<(), client::vendor::Error> {
//! use client::vendor::Vendor;
//! use contract::check::{OperatorRole, UpdateResult};
//!
//! let vendor = Vendor::new("http://127.0.0.1:8090", "cli_0123456789abcdef", "the app's secret")?;
//! vendor
//!     .update_result(&UpdateResult {
//!         background_check_id: "6931286400470354183".into(),
//!         result: "绿灯".into(),
//!         result_time: 1_795_000_000_000,
//!         operator_role: OperatorRole::Provider,
//!         report_file_list: Vec::new(),
//!     })
//!     .await?;
//! # Ok(()) }
//! ```

mod token;

use std::sync::Arc;

use contract::check::{Cancel, UpdateProgress, UpdateResult};
use contract::code;
use contract::envelope::{ErrorDetail, FieldViolation};
use contract::field::{AccountFields, CheckFields, DeleteAccountFields, DeleteCheckFields};
use contract::package::{CreatePackages, DeletePackages};
use contract::route::{Access, Call, Method, ROUTES, Route};
use reqwest::Response;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::transport::{Transport, TransportError};
use token::Token;

/// Why a call of the open API failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused the call, or failed at it.
    #[error("{}", .0.describe())]
    Refused(Box<Refusal>),
    /// No answer, or none that can be understood. An identical repeat is safe.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl Error {
    /// The server's words, when it refused the call.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            Error::Transport(_) => None,
        }
    }
}

/// A refusal in the words of the open API. Source: contract, section 2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status; 200 for token calls.
    pub http_status: u16,
    /// Number of the row in [`contract::code`]; never 0.
    pub code: u32,
    /// Text of the row.
    pub msg: String,
    /// Names the request in the server's logs.
    pub log_id: Option<String>,
    /// Members that break their rules.
    pub field_violations: Vec<FieldViolation>,
    /// Seconds after which the rate limit recovers, for code 99991400.
    pub retry_after_seconds: Option<u64>,
}

impl Refusal {
    fn describe(&self) -> String {
        let mut text = format!("{} {}", self.code, self.msg);
        for violation in &self.field_violations {
            text.push_str(&format!("; {}: {}", violation.field, violation.description));
        }
        if let Some(log_id) = &self.log_id {
            text.push_str(&format!(" (log id {log_id})"));
        }
        text
    }
}

/// A vendor's self-built app at a server. Clones share the token.
#[derive(Clone)]
pub struct Vendor {
    transport: Transport,
    app_id: String,
    app_secret: String,
    token: Arc<Mutex<Option<Token>>>,
}

impl std::fmt::Debug for Vendor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vendor")
            .field("server", &self.transport.server())
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Envelope {
    code: u32,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    error: Value,
}

impl Vendor {
    /// An app at `server`, an absolute http or https URL; sends nothing yet.
    pub fn new(
        server: &str,
        app_id: impl Into<String>,
        app_secret: impl Into<String>,
    ) -> Result<Vendor, Error> {
        Ok(Vendor {
            transport: Transport::new(server)?,
            app_id: app_id.into(),
            app_secret: app_secret.into(),
            token: Arc::default(),
        })
    }

    /// The same app, trusting further certificate authorities (PEM) too. Errors: [`TransportError::Tls`].
    pub fn trusting(self, authorities: &[u8]) -> Result<Vendor, Error> {
        Ok(Vendor { transport: self.transport.trusting(authorities)?, ..self })
    }

    /// Adds packages and additional items to an account (contract, section 3.3.1).
    pub async fn create_packages(&self, body: &CreatePackages) -> Result<(), Error> {
        self.call(Call::CreatePackages, body).await.map(drop)
    }

    /// Renames packages and additional items of an account (contract, section 3.3.2).
    pub async fn update_packages(&self, body: &CreatePackages) -> Result<(), Error> {
        self.call(Call::UpdatePackages, body).await.map(drop)
    }

    /// Deletes packages and additional items of an account; orders of them stay (contract, section 3.3.3).
    pub async fn delete_packages(&self, body: &DeletePackages) -> Result<(), Error> {
        self.call(Call::DeletePackages, body).await.map(drop)
    }

    /// Replaces the app's form for accounts (contract, section 3.1.1).
    pub async fn create_account_fields(&self, body: &AccountFields) -> Result<(), Error> {
        self.call(Call::CreateAccountFields, body).await.map(drop)
    }

    /// Renames fields of the app's form for accounts (contract, section 3.1.2).
    pub async fn update_account_fields(&self, body: &AccountFields) -> Result<(), Error> {
        self.call(Call::UpdateAccountFields, body).await.map(drop)
    }

    /// Deletes fields of the app's form for accounts, for good (contract, section 3.1.3).
    pub async fn delete_account_fields(&self, body: &DeleteAccountFields) -> Result<(), Error> {
        self.call(Call::DeleteAccountFields, body).await.map(drop)
    }

    /// Replaces an account's form for orders (contract, section 3.2.1).
    pub async fn create_check_fields(&self, body: &CheckFields) -> Result<(), Error> {
        self.call(Call::CreateCheckFields, body).await.map(drop)
    }

    /// Renames all fields of an account's form for orders (contract, section 3.2.2).
    pub async fn update_check_fields(&self, body: &CheckFields) -> Result<(), Error> {
        self.call(Call::UpdateCheckFields, body).await.map(drop)
    }

    /// Deletes an account's form for orders, for good (contract, section 3.2.3).
    pub async fn delete_check_fields(&self, account_id: &str) -> Result<(), Error> {
        let body = DeleteCheckFields { account_id: account_id.to_owned() };
        self.call(Call::DeleteCheckFields, &body).await.map(drop)
    }

    /// Reports a stage of an order (contract, section 3.4.1). Refused with 1002858 (ended), 1002862 (not the caller's),
    /// 1002002 (`stage_time` does not ascend, or `stage_id` was used), 99992402 (out of bounds).
    pub async fn update_progress(&self, body: &UpdateProgress) -> Result<(), Error> {
        self.call(Call::UpdateProgress, body).await.map(drop)
    }

    /// Returns the final result (contract, 3.4.2). Refused with 1002858, 1002863 (in review), 1002862, 99992402.
    pub async fn update_result(&self, body: &UpdateResult) -> Result<(), Error> {
        self.call(Call::UpdateResult, body).await.map(drop)
    }

    /// Gives an order up (contract, section 3.4.3). Once it is terminated a repeat changes nothing.
    pub async fn cancel(&self, background_check_id: &str) -> Result<(), Error> {
        let body = Cancel { background_check_id: background_check_id.to_owned() };
        self.call(Call::CancelCheck, &body).await.map(drop)
    }

    /// Makes any call and gives the answer's `data`; one whose token is refused is made once more with a fresh one.
    pub async fn call(&self, call: Call, body: &impl Serialize) -> Result<Value, Error> {
        let row = ROUTES.iter().find(|row| row.call == call).expect("every call has its row");
        let body = serde_json::to_vec(body).expect("bodies are texts, numbers and lists");
        if row.access == Access::Open {
            return self.ask(row, body, None).await;
        }
        let token = self.token(None).await?;
        let answer = self.ask(row, body.clone(), Some(&token)).await;
        match answer {
            Err(Error::Refused(refusal)) if refusal.code == code::INVALID_ACCESS_TOKEN.number => {
                let fresh = self.token(Some(&token)).await?;
                self.ask(row, body, Some(&fresh)).await
            }
            answer => answer,
        }
    }

    /// The tenant access token in use, fetched when there is none or its end is near.
    pub async fn tenant_access_token(&self) -> Result<String, Error> {
        self.token(None).await
    }

    async fn ask(&self, row: &Route, body: Vec<u8>, token: Option<&str>) -> Result<Value, Error> {
        let (envelope, _) = self.exchange(row, body, token).await?;
        Ok(envelope.data)
    }

    async fn exchange(
        &self,
        row: &Route,
        body: Vec<u8>,
        token: Option<&str>,
    ) -> Result<(Envelope, Vec<u8>), Error> {
        let segments: Vec<&str> = row.path.trim_matches('/').split('/').collect();
        let url = self.transport.url(&segments)?;
        let mut request = match row.method {
            Method::Get => self.transport.http.get(url),
            Method::Post => self.transport.http.post(url),
            Method::Patch => self.transport.http.patch(url),
        };
        request = request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(body);
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                TransportError::Address { expected: "a token of visible characters" }
            })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let response = request.send().await.map_err(|e| self.transport.unreachable(e))?;
        self.read(response).await
    }

    async fn read(&self, response: Response) -> Result<(Envelope, Vec<u8>), Error> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = self.transport.body(response).await?;
        let envelope: Envelope = self.transport.json(status, &body)?;
        if envelope.code == 0 && status.is_success() {
            return Ok((envelope, body));
        }
        if envelope.code == 0 {
            return Err(self.transport.unreadable(status, "expected a code other than 0").into());
        }
        let error: ErrorDetail = serde_json::from_value(envelope.error).unwrap_or_default();
        let log_id = Some(error.log_id).filter(|id| !id.is_empty());
        Err(Error::Refused(Box::new(Refusal {
            http_status: status.as_u16(),
            code: envelope.code,
            msg: envelope.msg,
            log_id: log_id
                .or_else(|| text(&headers, "x-tt-logid"))
                .or_else(|| text(&headers, "x-request-id")),
            field_violations: error.field_violations,
            retry_after_seconds: text(&headers, "x-ogw-ratelimit-reset")
                .and_then(|seconds| seconds.parse().ok()),
        })))
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
