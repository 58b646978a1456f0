//! Workers: each is one step function; the one loop runs them when they are woken, and now and then.

use tokio::sync::watch;

use crate::app::SharedApp;

/// Runs all workers until `stopped` says true.
pub(crate) async fn run(app: SharedApp, mut stopped: watch::Receiver<bool>) {
    drop(app);
    // The sender lives as long as the server.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
