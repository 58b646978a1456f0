//! The control API `/api/v1`: one method per call, bodies from [`contract::control`].
//!
//! ```no_run
//! # async fn example() -> Result<(), client::control::Error> {
//! use client::control::Control;
//! use contract::control::CreateTenant;
//!
//! let control = Control::new("http://127.0.0.1:8090", "pbo_…")?;
//! let tenant = control.create_tenant(&CreateTenant::named("星河科技")).await?;
//! println!("{}", tenant.tenant.tenant_key);
//! # Ok(()) }
//! ```

/// Methods of [`Control`], a row each: arguments, answer, then method, path, and query or body.
macro_rules! calls {
    (@) => { &$crate::control::Nothing {} };
    (@ $sent:expr) => { $sent };
    ($($(#[$doc:meta])* pub async fn $name:ident($($arg:ident: $type:ty),*) -> $answer:ty =
        $method:ident($path:expr $(, $sent:expr)?);)*) => {
        impl $crate::control::Control {$(
            $(#[$doc])*
            pub async fn $name(&self, $($arg: $type),*) -> Result<$answer, $crate::control::Error> {
                self.$method(&$path, calls!(@ $($sent)?)).await
            }
        )*}
    };
}

mod accounts;
mod api_keys;
mod apps;
mod candidates;
mod events;
mod evidence;
mod files;
mod grants;
mod installation;
mod installations;
mod invitations;
mod orders;
mod reason_templates;
mod reports;
mod service_accounts;
mod storage;
mod tenants;
mod users;

pub use reports::Content;

use contract::control::{IDEMPOTENCY_KEY, Problem, is_idempotency_key};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::transport::{Transport, TransportError};

/// Why a call of the control API failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused the call, or failed at it; `problem.code` says which.
    #[error("{}", .problem.detail)]
    Refused {
        /// The server's words.
        problem: Box<Problem>,
        /// Seconds after which the same call may succeed, when the server names them.
        retry_after_seconds: Option<u64>,
    },
    /// No answer, or none that can be understood. A POST may be repeated, see [`Control::with_idempotency_key`].
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl Error {
    /// The server's words, when it refused the call.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Error::Refused { problem, .. } => Some(problem),
            Error::Transport(_) => None,
        }
    }
}

/// A caller of the control API: a server and a key.
#[derive(Clone)]
pub struct Control {
    transport: Transport,
    authorization: Option<HeaderValue>,
    idempotency_key: Option<HeaderValue>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("server", &self.transport.server()).finish_non_exhaustive()
    }
}

/// The empty query, and the body of a POST without members.
#[derive(Serialize)]
struct Nothing {}

calls! {
    /// The server's own description of its control API, OpenAPI 3.1.
    pub async fn get_openapi() -> serde_json::Value = get(["openapi.json"]);
}

impl Control {
    /// A caller with `key` (`pbo_…` or `pbt_…`) at `server`, an absolute http or https URL; sends nothing yet.
    pub fn new(server: &str, key: &str) -> Result<Control, Error> {
        let transport = Transport::new(server)?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| TransportError::Address { expected: "a key of visible characters" })?;
        authorization.set_sensitive(true);
        Ok(Control { transport, authorization: Some(authorization), idempotency_key: None })
    }

    /// A caller without a key, for the API's description. Errors: [`TransportError::Address`], [`TransportError::Tls`].
    pub fn anonymous(server: &str) -> Result<Control, Error> {
        let transport = Transport::new(server)?;
        Ok(Control { transport, authorization: None, idempotency_key: None })
    }

    /// The same caller, trusting further certificate authorities (PEM) too. Errors: [`TransportError::Tls`].
    pub fn trusting(self, authorities: &[u8]) -> Result<Control, Error> {
        Ok(Control { transport: self.transport.trusting(authorities)?, ..self })
    }

    /// The same caller, whose POSTs all carry `key` (1 to 255 visible ASCII characters) instead of a random one each: a
    /// POST repeated within 24 hours gets the first answer but for what is shown once. Errors: [`TransportError`].
    pub fn with_idempotency_key(&self, key: &str) -> Result<Control, Error> {
        let expected = "an idempotency key of 1 to 255 visible ASCII characters";
        let value = HeaderValue::from_str(key).ok().filter(|_| is_idempotency_key(key));
        let value = value.ok_or(TransportError::Address { expected })?;
        Ok(Control { idempotency_key: Some(value), ..self.clone() })
    }

    /// The server's URL, the same for every spelling of it; see [`crate::server_name`].
    #[must_use]
    pub fn server(&self) -> String {
        self.transport.server()
    }

    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<T, Error> {
        self.answer(self.open(path, query).await?).await
    }

    async fn text(&self, path: &[&str], query: &impl Serialize) -> Result<String, Error> {
        let response = self.open(path, query).await?;
        let status = response.status();
        let text = String::from_utf8(self.transport.body(response).await?);
        Ok(text.map_err(|_| self.transport.unreadable(status, "expected a text"))?)
    }

    async fn open(&self, path: &[&str], query: &impl Serialize) -> Result<Response, Error> {
        self.exchange(self.request(Method::GET, path, query)?).await
    }

    async fn delete(&self, path: &[&str], query: &impl Serialize) -> Result<(), Error> {
        self.exchange(self.request(Method::DELETE, path, query)?).await.map(drop)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.send(Method::POST, path, body).await
    }

    async fn patch<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.send(Method::PATCH, path, body).await
    }

    async fn put<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.send(Method::PUT, path, body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.answer(self.send_open(method, path, body).await?).await
    }

    async fn send_open(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Response, Error> {
        let body = serde_json::to_vec(body).expect("bodies are texts, numbers and lists");
        let request = self.request(method, path, &Nothing {})?;
        self.exchange(request.header(CONTENT_TYPE, "application/json").body(body)).await
    }

    fn request(
        &self,
        method: Method,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<RequestBuilder, Error> {
        let url = self.transport.url(&[&["api", "v1"], path].concat())?;
        let is_post = method == Method::POST;
        let mut request = self.transport.http.request(method, url).query(query);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if is_post {
            request = request.header(IDEMPOTENCY_KEY, self.next_idempotency_key()?);
        }
        Ok(request)
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Response, Error> {
        let response = request.header(ACCEPT, "application/json, */*;q=0.5").send().await;
        let response = response.map_err(|error| self.transport.unreachable(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response).await)
    }

    async fn answer<T: DeserializeOwned>(&self, response: Response) -> Result<T, Error> {
        let status = response.status();
        let body = self.transport.body(response).await?;
        Ok(self.transport.json(status, &body)?)
    }

    async fn refusal(&self, response: Response) -> Error {
        let status = response.status();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after_seconds = retry_after.and_then(|text| text.parse().ok());
        match self.transport.body(response).await {
            Err(broken) => broken.into(),
            Ok(body) => match serde_json::from_slice(&body) {
                Ok(problem) => Error::Refused { problem: Box::new(problem), retry_after_seconds },
                Err(_) => self.transport.unreadable(status, "expected a problem document").into(),
            },
        }
    }

    fn next_idempotency_key(&self) -> Result<HeaderValue, TransportError> {
        if let Some(key) = &self.idempotency_key {
            return Ok(key.clone());
        }
        let mut bytes = [0; 16];
        let random = rustls::crypto::aws_lc_rs::default_provider().secure_random;
        random
            .fill(&mut bytes)
            .map_err(|_| TransportError::Tls("the system gives no random bytes".into()))?;
        let text = format!("{:032x}", u128::from_be_bytes(bytes));
        Ok(HeaderValue::from_str(&text).expect("hex digits are visible"))
    }
}
