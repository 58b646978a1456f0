//! What a job is.

use futures_util::future::BoxFuture;
use store::Fault;

use crate::app::App;

/// A job that remembers something from one time to the next.
pub(super) trait Job: Send {
    /// Does what is due.
    fn run<'j>(&'j mut self, app: &'j App) -> BoxFuture<'j, Result<(), Fault>>;
}

/// A job that remembers nothing.
pub(super) struct Plain(pub(super) fn(&App) -> BoxFuture<'_, Result<(), Fault>>);

impl Job for Plain {
    fn run<'j>(&'j mut self, app: &'j App) -> BoxFuture<'j, Result<(), Fault>> {
        (self.0)(app)
    }
}
