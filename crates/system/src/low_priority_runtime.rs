//! Threads of low priority, on which reports are fetched, checked, hashed and sealed. Nothing here may ask the store: a
//! connection to PostgreSQL would be driven by the threads that opened it.

use std::io;

use rustix::process::{getpriority_process, setpriority_process};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// About a tenth of a processor is theirs where calls want all of it.
const NICENESS: i32 = 10;

/// A runtime whose threads stand back for all others of the process. Dropped, it breaks off what it runs.
#[derive(Debug)]
pub struct LowPriorityRuntime(Option<Runtime>);

impl LowPriorityRuntime {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system has no threads left.
    pub fn start() -> io::Result<LowPriorityRuntime> {
        // On Linux a priority is that of one thread, which those that it starts inherit.
        let niceness = getpriority_process(None)? + NICENESS;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("background")
            .on_thread_start(move || {
                // Where it is not permitted, the work is only less polite.
                let _ = setpriority_process(None, niceness);
            })
            .enable_all()
            .build()?;
        Ok(LowPriorityRuntime(Some(runtime)))
    }

    /// Does `work` there; broken off with the future that waits for it.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let runtime = self.0.as_ref().expect("the runtime is there until it is dropped");
        let mut tasks = JoinSet::new();
        tasks.spawn_on(work, runtime.handle());
        join_next(&mut tasks).await
    }
}

impl Drop for LowPriorityRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for its threads is not allowed where the last owner may end.
            runtime.shutdown_background();
        }
    }
}

/// What the next of the tasks to end gives; for ever when there are none. A task's panic goes on here.
pub async fn join_next<T: 'static>(tasks: &mut JoinSet<T>) -> T {
    match tasks.join_next().await {
        Some(Ok(ended)) => ended,
        Some(Err(error)) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is ending, and this task with it.
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_niceness() -> i32 {
        getpriority_process(None).unwrap()
    }

    #[tokio::test]
    async fn its_threads_stand_back_and_ours_do_not() {
        let before = own_niceness();
        let low_priority = LowPriorityRuntime::start().unwrap();
        let niceness = low_priority.run(async {
            let blocking = tokio::task::spawn_blocking(own_niceness).await.unwrap();
            (own_niceness(), blocking)
        });
        let expected = (before + NICENESS).min(19);
        assert_eq!(niceness.await, (expected, expected));
        assert_eq!(own_niceness(), before);
    }
}
