//! The long connections of this process: who is connected, and the way of one event to one of them.

mod access;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{AppId, Id, UnixMs};
use store::connections::ConnectionNews;
use store::{Fault, Store};
use system::random;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::app_access::Numbers;
pub use access::find_access;
pub(crate) use access::may_stay;

/// Events that wait until a connection takes them; more than are ever under way for one app.
const OUTBOX: usize = 64;

/// The `service_id` of every connection; free, and an int32.
pub const SERVICE_ID: i32 = 33_554_678;

/// A client's answer to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// 200 when the handler took it; none when the answer has no code.
    pub code: Option<u16>,
    /// The answer as it came.
    pub payload: Vec<u8>,
}

/// Why a try has no ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// It takes no more: what was sent before has not been read.
    #[error("the connection takes no more")]
    Busy,
    /// It ended first.
    #[error("the connection ended before an ack")]
    Ended,
    /// The time is over.
    #[error("no ack came in time")]
    Late,
}

impl AckError {
    pub(crate) fn class(self) -> &'static str {
        match self {
            AckError::Busy => "connection_busy",
            AckError::Ended => "connection_ended",
            AckError::Late => "ack_too_late",
        }
    }
}

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The server stops.
    Stop,
    /// The app may have no long connection any more.
    NotAllowed,
}

/// What a connection's task is to do.
#[derive(Debug)]
pub enum Order {
    /// Send the frames of one event, in their order.
    Send(Vec<Vec<u8>>),
    /// End the connection.
    End(CloseReason),
}

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    /// Its id.
    pub connection_id: Id,
    /// Whose events it gets.
    pub app_id: AppId,
    /// What it was opened by.
    pub numbers: Numbers,
    /// Who is at the other end: address and program.
    pub client: String,
    /// Since when.
    pub opened_at: UnixMs,
    outbox: mpsc::Sender<Order>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Ack>>>,
    /// The last ping's instant; `i64::MIN` before the first.
    last_ping_at: AtomicI64,
    is_doubtful: AtomicBool,
    /// What the other replicas know of it: last ping and events in flight.
    published: Mutex<(i64, u32)>,
}

impl Connection {
    /// A connection, and what its task has to do.
    pub fn new(
        connection_id: Id,
        app_id: AppId,
        numbers: Numbers,
        client: String,
        opened_at: UnixMs,
    ) -> (Arc<Connection>, mpsc::Receiver<Order>) {
        let (outbox, orders) = mpsc::channel(OUTBOX);
        let connection = Connection {
            connection_id,
            app_id,
            numbers,
            client,
            opened_at,
            outbox,
            waiting: Mutex::default(),
            last_ping_at: AtomicI64::new(i64::MIN),
            is_doubtful: AtomicBool::new(false),
            published: Mutex::new((i64::MIN, 0)),
        };
        (Arc::new(connection), orders)
    }

    /// Sends the frames of one message and waits for its ack, `time` at most.
    pub(crate) async fn push(
        &self,
        message_id: &str,
        frames: Vec<Vec<u8>>,
        time: Duration,
    ) -> Result<Ack, AckError> {
        let (sender, ack) = oneshot::channel();
        self.waiting().insert(message_id.to_owned(), sender);
        let _waiting = PendingAck { connection: self, message_id };
        self.outbox.try_send(Order::Send(frames)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AckError::Busy,
            mpsc::error::TrySendError::Closed(_) => AckError::Ended,
        })?;
        match tokio::time::timeout(time, ack).await {
            Ok(Ok(ack)) => Ok(ack),
            Ok(Err(_)) => Err(AckError::Ended),
            Err(_) => {
                self.is_doubtful.store(true, Ordering::Relaxed);
                Err(AckError::Late)
            }
        }
    }

    /// Takes note of an ack. One for an id that nobody waits for, or for the second time, changes nothing.
    pub fn acknowledge(&self, message_id: &str, ack: Ack) {
        match self.waiting().remove(message_id) {
            Some(waiting) => {
                // The waiter may have given up just now.
                let _ = waiting.send(ack);
            }
            None => {
                tracing::debug!(connection_id = %self.connection_id, "an ack for no known message");
            }
        }
    }

    /// Takes note of a ping.
    pub fn pinged(&self, at: UnixMs) {
        self.last_ping_at.store(at.0, Ordering::Relaxed);
    }

    /// Takes note that a frame has come.
    pub fn note_frame(&self) {
        self.is_doubtful.store(false, Ordering::Relaxed);
    }

    /// The last ping.
    pub fn last_ping_at(&self) -> Option<UnixMs> {
        let at = self.last_ping_at.load(Ordering::Relaxed);
        (at != i64::MIN).then_some(UnixMs(at))
    }

    /// Events that it has not acknowledged yet.
    pub fn in_flight(&self) -> u32 {
        u32::try_from(self.waiting().len()).unwrap_or(u32::MAX)
    }

    /// Whether the connection's task goes on reading what it is to do.
    pub fn end(&self, reason: CloseReason) -> bool {
        self.outbox.try_send(Order::End(reason)).is_ok()
    }

    /// Ends a connection that may not go on.
    pub(crate) fn refuse(&self) {
        self.end(CloseReason::NotAllowed);
    }

    /// Nobody waits any longer for an ack that cannot come.
    pub(crate) fn give_up(&self) {
        self.waiting().clear();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Ack>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct PendingAck<'a> {
    connection: &'a Connection,
    message_id: &'a str,
}

impl Drop for PendingAck<'_> {
    fn drop(&mut self) {
        self.connection.waiting().remove(self.message_id);
    }
}

/// The connections of this process.
pub struct ConnectionRegistry {
    /// Distinguishes this process from others on the same database.
    replica_id: i64,
    /// How long an event waits for its ack.
    pub ack_time: Duration,
    by_app: Mutex<HashMap<AppId, Vec<Arc<Connection>>>>,
    count: AtomicUsize,
    has_stopped: AtomicBool,
    ended: Notify,
    /// Connections that have ended, and whose rows are still open.
    to_close: Mutex<Vec<Id>>,
    /// Apps of which other replicas hold connections.
    elsewhere: Mutex<Vec<AppId>>,
}

impl ConnectionRegistry {
    /// No connections yet, which have `ack_time` for an ack.
    #[must_use]
    pub fn new(ack_time: Duration) -> ConnectionRegistry {
        ConnectionRegistry {
            replica_id: random::bits(),
            ack_time,
            by_app: Mutex::default(),
            count: AtomicUsize::new(0),
            has_stopped: AtomicBool::new(false),
            ended: Notify::new(),
            to_close: Mutex::default(),
            elsewhere: Mutex::default(),
        }
    }

    /// Distinguishes this process from others on the same database.
    #[must_use]
    pub fn replica_id(&self) -> i64 {
        self.replica_id
    }

    /// One connection of the app at random; those that owe an ack only when there is no other.
    pub(crate) fn pick(&self, app_id: AppId) -> Option<Arc<Connection>> {
        let by_app = lock(&self.by_app);
        let connections = by_app.get(&app_id)?;
        let is_sound =
            |connection: &&Arc<Connection>| !connection.is_doubtful.load(Ordering::Relaxed);
        match connections.iter().filter(is_sound).count() {
            0 => connections.get(random_below(connections.len())).map(Arc::clone),
            sound => connections.iter().filter(is_sound).nth(random_below(sound)).map(Arc::clone),
        }
    }

    /// The app's connections here.
    pub fn of(&self, app_id: AppId) -> Vec<Arc<Connection>> {
        lock(&self.by_app).get(&app_id).cloned().unwrap_or_default()
    }

    /// How many connections the app has here.
    pub fn count_of(&self, app_id: AppId) -> usize {
        lock(&self.by_app).get(&app_id).map_or(0, Vec::len)
    }

    pub(crate) fn apps(&self) -> Vec<AppId> {
        lock(&self.by_app).keys().copied().collect()
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether the server stops, so that no more connections are taken.
    pub fn has_stopped(&self) -> bool {
        self.has_stopped.load(Ordering::SeqCst)
    }

    /// Takes a connection in; it counts from now on.
    pub fn add(&self, connection: &Arc<Connection>) {
        lock(&self.by_app).entry(connection.app_id).or_default().push(Arc::clone(connection));
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes a connection out: nothing is sent to it any more, and nobody waits for its acks.
    pub fn remove(&self, connection: &Connection) {
        let mut by_app = lock(&self.by_app);
        if let Some(connections) = by_app.get_mut(&connection.app_id) {
            connections.retain(|other| other.connection_id != connection.connection_id);
            if connections.is_empty() {
                by_app.remove(&connection.app_id);
            }
        }
        drop(by_app);
        connection.give_up();
    }

    /// Takes note that a connection that was taken out is closed: its row is to be closed too.
    pub fn note_end(&self, connection_id: Id) {
        lock(&self.to_close).push(connection_id);
        self.count.fetch_sub(1, Ordering::SeqCst);
        self.ended.notify_one();
    }

    /// Takes note that an opened row has got no connection.
    pub fn note_unused(&self, connection_id: Id) {
        lock(&self.to_close).push(connection_id);
        self.ended.notify_one();
    }

    pub(crate) async fn one_ended(&self) {
        self.ended.notified().await;
    }

    /// Closes the rows of connections that have ended.
    pub async fn close_ended(&self, store: &Store, at: UnixMs) -> Result<(), Fault> {
        let ended = std::mem::take(&mut *lock(&self.to_close));
        if ended.is_empty() {
            return Ok(());
        }
        let closed = store.close_connections(&ended, at).await;
        if closed.is_err() {
            lock(&self.to_close).extend(ended);
        }
        closed
    }

    /// Apps of which only other replicas hold connections: their events are not for this one.
    pub(crate) fn only_elsewhere(&self) -> Vec<AppId> {
        let by_app = lock(&self.by_app);
        lock(&self.elsewhere)
            .iter()
            .filter(|app_id| !by_app.contains_key(app_id))
            .copied()
            .collect()
    }

    pub(crate) fn set_elsewhere(&self, apps: Vec<AppId>) {
        *lock(&self.elsewhere) = apps;
    }

    /// What has changed of the connections since it was asked last.
    pub(crate) fn news(&self) -> Vec<ConnectionNews> {
        let by_app = lock(&self.by_app);
        let news = by_app.values().flatten().filter_map(|connection| {
            let now = (connection.last_ping_at.load(Ordering::Relaxed), connection.in_flight());
            let published = std::mem::replace(&mut *lock(&connection.published), now);
            (published != now).then(|| ConnectionNews {
                connection_id: connection.connection_id,
                last_ping_at: connection.last_ping_at(),
                in_flight: now.1,
            })
        });
        news.collect()
    }

    /// Ends all connections so that their clients come back at once, waits until they are gone, `time` at most, and
    /// closes their rows.
    pub async fn stop(&self, store: &Store, now: UnixMs, time: Duration) {
        self.has_stopped.store(true, Ordering::SeqCst);
        let all_gone = async {
            loop {
                for connection in self.apps().into_iter().flat_map(|app_id| self.of(app_id)) {
                    connection.end(CloseReason::Stop);
                }
                if self.count() == 0 {
                    break;
                }
                // Woken by each that ends; by the time when the last word found no place.
                let _ = tokio::time::timeout(Duration::from_millis(200), self.one_ended()).await;
            }
        };
        let _ = tokio::time::timeout(time, all_gone).await;
        let left: Vec<Id> = lock(&self.by_app)
            .values()
            .flatten()
            .map(|connection| connection.connection_id)
            .collect();
        lock(&self.to_close).extend(left);
        if let Err(fault) = self.close_ended(store, now).await {
            tracing::warn!(%fault, "connections are not noted as ended");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number below `count`, each as likely as any other up to one part in 2^50.
fn random_below(count: usize) -> usize {
    let drawn = u64::from_ne_bytes(random::bytes());
    let count = u64::try_from(count.max(1)).unwrap_or(1);
    usize::try_from(drawn % count).unwrap_or(0)
}
