//! What replicas tell each other: that work is due, that a remembered row changed.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::FusedFuture;
use futures_util::{FutureExt, StreamExt};
use tokio_postgres::{AsyncMessage, Client, Config};

use super::{RECONNECT_AFTER, pause, tls};
use crate::engine::Signals;
use crate::fault::{Fault, FaultKind};

/// How long the line may be silent before it is asked whether it still stands, and how long it may take to answer.
const SILENCE: Duration = Duration::from_secs(1);

/// What a replica learns about the rows that it remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News<'a> {
    /// Changes are not heard of: nothing may be remembered.
    LineLost,
    /// From now on changes are heard of.
    LineStands,
    /// A row changed.
    Changed(&'a str),
}

/// Passes on what other replicas tell, until it is aborted.
pub(crate) async fn listen(config: Config, signals: Signals, told: impl Fn(News<'_>)) {
    loop {
        if let Err(fault) = hear(&config, &signals, &told).await {
            tracing::warn!(%fault, "news of other replicas do not arrive");
        }
        told(News::LineLost);
        pause(RECONNECT_AFTER).await;
    }
}

async fn hear(config: &Config, signals: &Signals, told: &impl Fn(News<'_>)) -> Result<(), Fault> {
    let (client, mut connection) = config.connect(tls()).await?;
    let mut messages =
        futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    let listen = "LISTEN probity_deliveries; LISTEN probity_reports; LISTEN probity_changes";
    let mut question = ask(&client, listen);
    loop {
        let heard = tokio::time::timeout(SILENCE, async {
            tokio::select! {
                answer = &mut question => answer.map(|()| None),
                message = messages.next() => match message {
                    Some(message) => Ok(Some(message?)),
                    None => Err(Fault::new(FaultKind::Storage, "the line was closed")),
                },
            }
        });
        match heard.await {
            Ok(Ok(Some(AsyncMessage::Notification(news)))) => match news.channel() {
                "probity_deliveries" => signals.wake_deliveries(),
                "probity_reports" => signals.wake_reports(),
                _ => told(News::Changed(news.payload())),
            },
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => told(News::LineStands),
            Ok(Err(fault)) => return Err(fault),
            Err(_) if question.is_terminated() => question = ask(&client, ""),
            Err(_) => return Err(Fault::new(FaultKind::Storage, "the line does not answer")),
        }
    }
}

type Question<'a> = Pin<Box<dyn FusedFuture<Output = Result<(), Fault>> + Send + 'a>>;

fn ask<'a>(client: &'a Client, text: &'static str) -> Question<'a> {
    Box::pin(async move { client.batch_execute(text).await.map_err(Fault::from) }.fuse())
}
