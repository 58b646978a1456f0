//! PostgreSQL 14 and later: two desks that write whole batches with one statement for each table, and a pool.
//!
//! Any number of replicas may run their desks on one database: the rows of a batch are locked in the order of
//! their ids, and what one desk commits the next one sees.

mod desk;
mod news;
mod sessions;

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

#[cfg(test)]
pub(crate) use self::desk::lock_orders;
use self::desk::{Opening, run};
use self::news::listen;
pub(crate) use self::news::{News, check_sessions};
use self::sessions::{Session, Sessions};
use crate::desk::{OrderCommand, Outcome, Request, Waiting};
use crate::engine::{Answer, BEAT, Ids, Signals, answer, writer_gone};
use crate::fault::{Fault, FaultKind};
use crate::value::{Expect, Row, Statement, Value, Written, one};

/// 14.0, as the server numbers its versions.
const SERVER_MIN: i32 = 140_000;
/// Tells all replicas of a row that changed.
pub(crate) const TELL: &str = "SELECT pg_notify('probity_changes', $1)::text";
const DESKS: usize = 2;
const RECONNECT_AFTER: Duration = Duration::from_millis(200);
/// How long a server may take to give a session: a pooler lets callers wait that come when it has none.
const SESSION_TIME: Duration = Duration::from_secs(5);
/// How often a read or a write is tried: a write may meet others in a ring, and any session may be of no use.
const TRIES: usize = 3;

type Asked = (Box<Waiting>, Answer<Outcome>);

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    desks: Vec<mpsc::UnboundedSender<Asked>>,
    /// Shares new orders out among the desks.
    turn: AtomicUsize,
    sessions: Sessions,
    signals: Signals,
    listening: AbortHandle,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// The settings of a connection to `url`.
///
/// Where the URL says nothing of `sslmode`, a server on this machine is spoken to in plain text, and any other
/// over TLS with a certificate that verifies; `sslmode=disable` and `sslmode=require` say it outright.
pub(crate) fn config(url: &str) -> Result<Config, Fault> {
    let mut config: Config = url.parse().map_err(|_| {
        Fault::new(FaultKind::Storage, "expected database-url as postgres://USER@HOST:PORT/NAME")
    })?;
    if config.get_ssl_mode() == SslMode::Prefer {
        let is_near = config.get_hosts().iter().all(is_on_this_machine);
        config.ssl_mode(if is_near { SslMode::Disable } else { SslMode::Require });
    }
    config.application_name("probity").connect_timeout(SESSION_TIME);
    // Of several servers the one that takes writes; never one that was demoted.
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

/// Has connections that are opened from now on trust these certificate authorities too. It holds for the whole
/// process: desks, pool and listener open their connections anew whenever they must.
pub fn trust(authorities: &[CertificateDer<'static>]) {
    let mut further = FURTHER.lock().unwrap_or_else(PoisonError::into_inner);
    let new: Vec<_> = authorities.iter().filter(|one| !further.contains(one)).cloned().collect();
    further.extend(new);
}

fn tls() -> MakeRustlsConnect {
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

/// Connects; the connection is driven until the client is dropped.
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
async fn in_time<T>(
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
    for (place, name) in [(1, "fsync"), (2, "synchronous_commit"), (3, "full_page_writes")] {
        if row.get::<_, &str>(place) == "off" {
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

impl Postgres {
    /// Starts the desks and the pool on a migrated database; `told` learns what other replicas tell.
    pub(crate) async fn start(
        config: &Config,
        signals: &Signals,
        ids: &Ids,
        told: impl Fn(News<'_>) + Send + Sync + 'static,
    ) -> Result<Postgres, Fault> {
        let sessions = Sessions::new(config)?;
        let mut desks = Vec::new();
        for place in 0..DESKS {
            let (sender, waiting) = mpsc::unbounded_channel();
            let opening = Opening {
                config: config.clone(),
                sessions: sessions.clone(),
                signals: signals.clone(),
                ids: ids.clone(),
                claims_node: place == 0,
            };
            let desk = opening.open().await?;
            tokio::spawn(run(desk, opening, waiting));
            desks.push(sender);
        }
        let listening = listen(config.clone(), sessions.clone(), signals.clone(), told);
        let listening = tokio::spawn(listening).abort_handle();
        let (turn, signals) = (AtomicUsize::new(0), signals.clone());
        Ok(Postgres { desks, turn, sessions, signals, listening })
    }

    /// Commands on one order, and those with one Idempotency-Key, reach the same desk of this process.
    pub(crate) async fn order(&self, command: OrderCommand) -> Result<Outcome, Fault> {
        let (sender, receiver) = oneshot::channel();
        let place = match command.idempotency {
            Some(key) => usize::from(key.key_digest[0]),
            None if matches!(command.request, Request::Place { .. }) => {
                self.turn.fetch_add(1, Ordering::Relaxed)
            }
            None => usize::try_from(command.order_id.0.unsigned_abs()).unwrap_or(0),
        };
        self.desks[place % self.desks.len()]
            .send((Box::new(Waiting::new(command)), sender))
            .map_err(|_| writer_gone())?;
        answer(receiver).await
    }

    pub(crate) async fn read(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Fault> {
        let mut found = self.try_read(sql, &values).await;
        for _ in 1..TRIES {
            if !found.as_ref().is_err_and(Fault::is_session_over) {
                break;
            }
            found = self.try_read(sql, &values).await;
        }
        found
    }

    async fn try_read(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, Fault> {
        let session = self.sessions.get().await?;
        let found = async {
            let prepared = session.prepare_cached(sql).await?;
            Ok(session.query(&prepared, &parameters(values)).await?)
        };
        let found = self.leave_if_over(session.generation, found.await)?;
        found.iter().map(row).collect()
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Written, Fault> {
        let mut written = self.try_write(&statements).await;
        for _ in 1..TRIES {
            if !written.as_ref().is_err_and(Fault::may_work_on_another_try) {
                break;
            }
            written = self.try_write(&statements).await;
        }
        match &written {
            Ok(_) => self.signals.note_commit(true),
            Err(fault) if fault.kind() == FaultKind::Storage => self.signals.note_commit(false),
            Err(_) => {}
        }
        written
    }

    async fn try_write(&self, statements: &[Statement]) -> Result<Written, Fault> {
        let mut session = self.sessions.get().await?;
        let generation = session.generation;
        let written = write_in(&mut session, statements, self.signals.is_failing()).await;
        self.leave_if_over(generation, written)
    }

    /// Leaves the sessions of a generation when one of them turned out to be of no use.
    fn leave_if_over<T>(&self, generation: u64, done: Result<T, Fault>) -> Result<T, Fault> {
        if done.as_ref().is_err_and(Fault::is_session_over) {
            self.sessions.renew(generation);
        }
        done
    }

    /// Whether the database takes a commit now.
    pub(crate) async fn probe(&self) -> bool {
        self.write(vec![one(BEAT, Vec::new())]).await.is_ok()
    }
}

async fn write_in(
    session: &mut Session,
    statements: &[Statement],
    beats: bool,
) -> Result<Written, Fault> {
    let transaction = session.transaction().await?;
    let mut returned = Vec::new();
    for (place, statement) in statements.iter().enumerate() {
        let prepared = transaction.prepare_cached(&dialect(statement.sql)).await?;
        let parameters = parameters(&statement.values);
        let touched = if prepared.columns().is_empty() {
            transaction.execute(&prepared, &parameters).await?
        } else {
            let rows = transaction.query(&prepared, &parameters).await?;
            for found in &rows {
                returned.push(row(found)?);
            }
            rows.len() as u64
        };
        if statement.expect == Expect::One && touched != 1 {
            transaction.rollback().await?;
            return Ok(Written::Unmet(place));
        }
    }
    if beats {
        transaction.batch_execute(BEAT).await?;
    }
    transaction.commit().await.map_err(|error| Fault::from(error).at_commit())?;
    Ok(Written::Done(returned))
}

/// The statement as PostgreSQL is to read it: where a claim may run on several replicas at once, each takes rows
/// that no other holds.
pub(crate) fn dialect(sql: &str) -> String {
    sql.replace("/* skip locked */", "FOR UPDATE SKIP LOCKED")
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn row(row: &tokio_postgres::Row) -> Result<Row, Fault> {
    use tokio_postgres::types::Type;
    let value = |(place, column): (usize, &tokio_postgres::Column)| -> Result<Value, Fault> {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(place)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(place)?.map(i64::from).into(),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(place)?.into(),
            _ => row.try_get::<_, Option<String>>(place)?.into(),
        })
    };
    row.columns().iter().enumerate().map(value).collect::<Result<_, _>>().map(Row)
}

/// Waits before the next try to connect.
#[expect(clippy::disallowed_methods, reason = "a real server on a real network is waited for")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
