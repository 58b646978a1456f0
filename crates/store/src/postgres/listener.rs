//! What replicas say each other: that work is due, that a remembered row changed.
//!
//! A message to oneself on another session proves once a second that it works: a transaction pooler accepts
//! `LISTEN` and delivers nothing.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::FusedFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Client, Config, SimpleQueryMessage};

use super::connect::{RECONNECT_AFTER, SESSION_TIME, connect, in_time, pause, tls};
use super::sessions::Sessions;
use crate::engine::Signals;
use crate::fault::{Fault, FaultKind};

/// From one proof to the next.
const PROVE_EVERY: Duration = Duration::from_secs(1);
/// How long a proof may take while the server runs, and when it starts.
const PROOF_TIME: Duration = Duration::from_secs(2);
const FIRST_PROOF_TIME: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheInvalidation<'a> {
    NotListening,
    Listening,
    Changed(&'a str),
}

/// Passes on what other replicas say, until it is aborted.
pub(super) async fn listen(
    config: Config,
    sessions: Sessions,
    signals: Signals,
    invalidate: impl Fn(CacheInvalidation<'_>),
) {
    let invalidate = |news: CacheInvalidation<'_>| {
        if news == CacheInvalidation::Listening {
            signals.note_listening(true);
        }
        invalidate(news);
    };
    loop {
        let generation = sessions.generation();
        let Err(fault) = listen_on(&config, &signals, &invalidate, PROOF_TIME).await;
        invalidate(CacheInvalidation::NotListening);
        if signals.note_listening(false) {
            tracing::error!(%fault, "changes by other replicas are not received, nothing is remembered meanwhile");
        }
        if fault.is_read_only() {
            sessions.renew(generation);
        }
        pause(RECONNECT_AFTER).await;
    }
}

/// Refuses what is no PostgreSQL with sessions of one's own, before anything is locked or prepared there.
pub(crate) async fn check_sessions(config: &Config) -> Result<(), Fault> {
    let (signals, proved) = (Signals::default(), Notify::new());
    let invalidate = |news: CacheInvalidation<'_>| {
        if news == CacheInvalidation::Listening {
            proved.notify_one();
        }
    };
    let never = tokio::select! {
        fault = listen_on(config, &signals, &invalidate, FIRST_PROOF_TIME) => fault,
        () = proved.notified() => return Ok(()),
    };
    never.map(|never| match never {})
}

async fn listen_on(
    config: &Config,
    signals: &Signals,
    invalidate: &impl Fn(CacheInvalidation<'_>),
    proof_time: Duration,
) -> Result<Infallible, Fault> {
    let sender = connect(config).await?;
    let (client, mut connection) = in_time(SESSION_TIME, config.connect(tls())).await?;
    let mut messages =
        futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    let channel = channel(&sender).await?;
    let text = format!(
        "LISTEN probity_deliveries; LISTEN probity_reports; LISTEN probity_changes; LISTEN {channel}"
    );
    // The only thing that is ever asked on this session: a pooler may bring messages together with an answer.
    let listen = async { client.batch_execute(&text).await.map_err(Fault::from) };
    let mut passing_on = PassingOn { channel: &channel, signals, invalidate };
    passing_on.until(&mut messages, listen, None, proof_time).await?;
    for number in 1_u64.. {
        let payload = number.to_string();
        let proof = prove(&sender, &channel, &payload);
        passing_on.until(&mut messages, proof, Some(&payload), proof_time).await?;
        invalidate(CacheInvalidation::Listening);
        let silence = async {
            loop {
                passing_on.take(&mut messages).await?;
            }
        };
        if let Ok(ended) = tokio::time::timeout(PROVE_EVERY, silence).await {
            return ended;
        }
    }
    unreachable!("numbers do not end")
}

async fn channel(sender: &Client) -> Result<String, Fault> {
    let process_id: i32 = sender.query_one("SELECT pg_backend_pid()", &[]).await?.get(0);
    Ok(format!("probity_proof_{process_id}"))
}

/// Sends a message to oneself; a fault when the server takes no writes any more.
async fn prove(sender: &Client, channel: &str, payload: &str) -> Result<(), Fault> {
    let text = format!(
        "SELECT pg_notify('{channel}', '{payload}'), current_setting('transaction_read_only')"
    );
    for message in sender.simple_query(&text).await? {
        if let SimpleQueryMessage::Row(row) = message
            && row.get(1) == Some("on")
        {
            return Err(Fault::read_only("postgresql: the server takes no writes any more"));
        }
    }
    Ok(())
}

struct PassingOn<'a, T> {
    channel: &'a str,
    signals: &'a Signals,
    invalidate: &'a T,
}

impl<T: Fn(CacheInvalidation<'_>)> PassingOn<'_, T> {
    async fn until<E: Into<Fault>>(
        &mut self,
        messages: &mut (impl Stream<Item = Result<AsyncMessage, E>> + Unpin),
        question: impl Future<Output = Result<(), Fault>>,
        expected: Option<&str>,
        time: Duration,
    ) -> Result<(), Fault> {
        let mut question = pin!(question.fuse());
        let mut is_received = expected.is_none();
        let all = async {
            while !(is_received && question.is_terminated()) {
                tokio::select! {
                    answer = &mut question => answer?,
                    own = self.take(messages) => is_received |= own?.as_deref() == expected,
                }
            }
            Ok(())
        };
        match tokio::time::timeout(time, all).await {
            Ok(done) => done,
            Err(_) if question.is_terminated() => Err(not_listening()),
            Err(_) => Err(Fault::new(FaultKind::Storage, "postgresql does not answer")),
        }
    }

    async fn take<E: Into<Fault>>(
        &mut self,
        messages: &mut (impl Stream<Item = Result<AsyncMessage, E>> + Unpin),
    ) -> Result<Option<String>, Fault> {
        let closed = || Fault::new(FaultKind::Storage, "the line was closed");
        match messages.next().await.ok_or_else(closed)?.map_err(Into::into)? {
            AsyncMessage::Notification(news) if news.channel() == self.channel => {
                return Ok(Some(news.payload().to_owned()));
            }
            AsyncMessage::Notification(news) => match news.channel() {
                "probity_deliveries" => self.signals.wake_deliveries(),
                "probity_reports" => self.signals.wake_reports(),
                _ => (self.invalidate)(CacheInvalidation::Changed(news.payload())),
            },
            _ => {}
        }
        Ok(None)
    }
}

fn not_listening() -> Fault {
    Fault::new(
        FaultKind::Storage,
        "postgresql takes LISTEN, but a message to oneself does not arrive: expected sessions of one's own, as \
         PostgreSQL gives them, or PgBouncer with pool_mode=session (see docs/postgresql.md); found what shares \
         sessions between transactions",
    )
}
