//! What replicas tell each other: that work is due, that a remembered row changed.

use futures_util::{FutureExt, StreamExt};
use tokio_postgres::{AsyncMessage, Config};

use super::{RECONNECT_AFTER, pause, tls};
use crate::engine::Signals;
use crate::fault::Fault;

/// Passes on what other replicas tell, for as long as the process lives.
pub(crate) async fn listen(config: Config, signals: Signals, told: impl Fn(Option<&str>)) {
    loop {
        if let Err(fault) = hear(&config, &signals, &told).await {
            tracing::warn!(%fault, "news of other replicas do not arrive");
        }
        // Until the line stands again nothing that is remembered can be trusted.
        told(None);
        pause(RECONNECT_AFTER).await;
    }
}

async fn hear(
    config: &Config,
    signals: &Signals,
    told: &impl Fn(Option<&str>),
) -> Result<(), Fault> {
    let (client, mut connection) = config.connect(tls()).await?;
    let mut messages =
        futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    let listen = client
        .batch_execute("LISTEN probity_deliveries; LISTEN probity_reports; LISTEN probity_changes");
    let mut listen = std::pin::pin!(listen.fuse());
    loop {
        let message = tokio::select! {
            done = &mut listen => {
                done?;
                told(None);
                continue;
            }
            message = messages.next() => message,
        };
        match message {
            Some(Ok(AsyncMessage::Notification(news))) => match news.channel() {
                "probity_deliveries" => signals.wake_deliveries(),
                "probity_reports" => signals.wake_reports(),
                _ => told(Some(news.payload())),
            },
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Ok(()),
        }
    }
}
