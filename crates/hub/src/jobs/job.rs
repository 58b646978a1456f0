//! What a job is.

use futures_util::future::BoxFuture;
use store::Fault;

use crate::Hub;

/// A job that remembers something from one time to the next.
pub(crate) trait Job: Send {
    /// Does what is due.
    fn run<'j>(&'j mut self, hub: &'j Hub) -> BoxFuture<'j, Result<(), Fault>>;
}

/// A job that remembers nothing.
pub(crate) struct Plain(pub(super) fn(&Hub) -> BoxFuture<'_, Result<(), Fault>>);

impl Job for Plain {
    fn run<'j>(&'j mut self, hub: &'j Hub) -> BoxFuture<'j, Result<(), Fault>> {
        (self.0)(hub)
    }
}
