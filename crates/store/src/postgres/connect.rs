//! Sessions of a server: how they are opened, which servers are refused, rows as both engines give them.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::fault::{Fault, FaultKind};
use crate::value::{Row, Value};

/// 14.0, as the server numbers its versions.
const SERVER_MIN: i32 = 140_000;
pub(super) const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// How long a server may take to give a session: a pooler lets callers wait that come when it has none.
pub(super) const SESSION_TIME: Duration = Duration::from_secs(5);

/// The settings of a connection to `url`. Without `sslmode`, a server on this machine is spoken to in plain
/// text, and any other over TLS with a certificate that verifies.
pub(crate) fn config(url: &str) -> Result<Config, Fault> {
    let mut config: Config = url.parse().map_err(|_| {
        Fault::new(FaultKind::Storage, "expected database-url as postgres://USER@HOST:PORT/NAME")
    })?;
    if config.get_ssl_mode() == SslMode::Prefer {
        let is_near = config.get_hosts().iter().all(is_on_this_machine);
        config.ssl_mode(if is_near { SslMode::Disable } else { SslMode::Require });
    }
    config.application_name("probity").connect_timeout(SESSION_TIME);
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    // A server that went away without a word is noticed, and what waits for it is answered.
    config.tcp_user_timeout(Duration::from_secs(10)).keepalives_idle(Duration::from_secs(5));
    config.keepalives_interval(Duration::from_secs(2)).keepalives_retries(3);
    Ok(config)
}

fn is_on_this_machine(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) if name == "localhost" => true,
        Host::Tcp(name) => name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Certificate authorities beside those of the web, for the whole process.
static FURTHER: Mutex<Vec<CertificateDer<'static>>> = Mutex::new(Vec::new());

/// Trusts these certificate authorities too for connections opened from now on, in the whole process.
pub fn trust(authorities: &[CertificateDer<'static>]) {
    let mut further = FURTHER.lock().unwrap_or_else(PoisonError::into_inner);
    let new: Vec<_> = authorities.iter().filter(|one| !further.contains(one)).cloned().collect();
    further.extend(new);
}

pub(super) fn tls() -> MakeRustlsConnect {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    let mut store = rustls::RootCertStore { roots: roots.collect() };
    let further = FURTHER.lock().unwrap_or_else(PoisonError::into_inner).clone();
    store.add_parsable_certificates(further);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the default protocol versions")
        .with_root_certificates(store)
        .with_no_client_auth();
    MakeRustlsConnect::new(config)
}

pub(crate) async fn connect(config: &Config) -> Result<Client, Fault> {
    let (client, connection) = in_time(SESSION_TIME, config.connect(tls())).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "a connection to postgresql ended");
        }
    });
    Ok(client)
}

/// What a server answers, if it does so in time.
pub(super) async fn in_time<T>(
    time: Duration,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, Fault> {
    let late = |_| {
        let seconds = time.as_secs();
        Fault::new(
            FaultKind::Storage,
            format_args!("postgresql gave no session within {seconds} s"),
        )
    };
    Ok(tokio::time::timeout(time, answer).await.map_err(late)??)
}

/// Refuses servers that are too old, or that may forget what they committed.
pub(crate) async fn check_server(client: &Client) -> Result<(), Fault> {
    let show = "SELECT current_setting('server_version_num')::text, current_setting('fsync'), \
                current_setting('synchronous_commit'), current_setting('full_page_writes')";
    let row = client.query_one(show, &[]).await?;
    let version: i32 = row.get::<_, String>(0).parse().unwrap_or(0);
    if version < SERVER_MIN {
        let found = version / 10_000;
        return Err(Fault::new(
            FaultKind::Schema,
            format_args!("expected PostgreSQL 14 or later, found {found}"),
        ));
    }
    for (index, name) in [(1, "fsync"), (2, "synchronous_commit"), (3, "full_page_writes")] {
        if row.get::<_, &str>(index) == "off" {
            return Err(Fault::new(
                FaultKind::Storage,
                format_args!(
                    "expected the server's {name} to be on: answered calls must be durable"
                ),
            ));
        }
    }
    Ok(())
}

pub(super) fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

pub(super) fn row(row: &tokio_postgres::Row) -> Result<Row, Fault> {
    let value = |(index, column): (usize, &tokio_postgres::Column)| -> Result<Value, Fault> {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(index)?.map(i64::from).into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index)?.into(),
            _ => row.try_get::<_, Option<String>>(index)?.into(),
        })
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}

/// Waits before the next try to connect.
#[expect(clippy::disallowed_methods, reason = "a real server on a real network is waited for")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
