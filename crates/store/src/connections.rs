//! Long connections: which replica holds which, so that replicas share one app's and nobody has too many.
//!
//! A connection lives while its row is open and its replica's beat is young. A replica that dies leaves rows whose
//! beat grows old; they count for nothing from then on. Whoever opens a connection, or sets a delivery aside for
//! want of one, takes the app's row first: so the limit holds, and no delivery is set aside beside a connection.

use const_format::formatcp;
use domain::{AppId, Id, UnixMs};

use crate::Store;
use crate::by_tenant::KEYS;
use crate::claims::keep_app;
use crate::fault::Fault;
use crate::states::DELIVERY_HELD;
use crate::value::{Row, Written, any, one, values};

/// How old a replica's beat may be, in milliseconds, for its connections to count as alive.
pub const BEAT_AGE_MAX_MS: i64 = 7_000;

/// A connection that is about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// Its id, that of its ticket.
    pub connection_id: Id,
    /// Whose events it gets.
    pub app_id: AppId,
    /// The replica that holds it.
    pub replica_id: i64,
    /// Who is at the other end: address and program.
    pub client: String,
    /// Since when.
    pub opened_at: UnixMs,
}

/// How opening a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// It is open.
    Done,
    /// Its id was used before.
    Used,
    /// The app has as many connections as it may have.
    Full,
    /// The app changed, or is gone.
    AppChanged,
}

/// One open connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub connection_id: Id,
    /// The replica that holds it.
    pub replica_id: i64,
    /// Who is at the other end.
    pub client: String,
    /// Since when.
    pub opened_at: UnixMs,
    /// The last ping that is known of.
    pub last_ping_at: Option<UnixMs>,
    /// Events that it has not acknowledged yet.
    pub in_flight: u32,
}

/// What changes of a connection while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionNews {
    /// Which one.
    pub connection_id: Id,
    /// The last ping.
    pub last_ping_at: Option<UnixMs>,
    /// Events that it has not acknowledged yet.
    pub in_flight: u32,
}

/// A replica with open connections of one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The replica.
    pub replica_id: i64,
    /// How often its heart has beaten: when this grows, it lives.
    pub beats: i64,
    /// Its open connections of the app.
    pub connections: u32,
}

const HEARTBEAT: &str = "INSERT INTO replicas (replica_id, beat_at, beats) VALUES ($1, $2, 1) \
    ON CONFLICT (replica_id) DO UPDATE SET beat_at = $2, beats = replicas.beats + 1";
const INSERT: &str = "INSERT INTO connections \
    (connection_id, app_id, replica_id, client, opened_at, last_ping_at, in_flight, closed_at) \
    SELECT $1, $2, $3, $4, $5, NULL, 0, NULL WHERE (SELECT count(*) FROM connections c \
      WHERE c.app_id = $2 AND c.closed_at IS NULL AND (c.replica_id = $3 OR EXISTS (SELECT 1 FROM replicas r \
        WHERE r.replica_id = c.replica_id AND r.beat_at > $6))) < $7 ON CONFLICT DO NOTHING";
const FIND: &str = "SELECT connection_id FROM connections WHERE connection_id = $1";
const CLOSE: &str = "UPDATE connections SET closed_at = $2, in_flight = 0 WHERE connection_id = $1";
const TELL_NEWS: &str =
    "UPDATE connections SET last_ping_at = $2, in_flight = $3 WHERE connection_id = $1";
const LIST: &str = "SELECT c.connection_id, c.replica_id, c.client, c.opened_at, c.last_ping_at, c.in_flight \
    FROM connections c WHERE c.app_id = $1 AND c.closed_at IS NULL AND EXISTS (SELECT 1 FROM replicas r \
      WHERE r.replica_id = c.replica_id AND r.beat_at > $2)";
const LIST_HOLDERS: &str = "SELECT c.replica_id, r.beats, count(*) FROM connections c \
    JOIN replicas r ON r.replica_id = c.replica_id WHERE c.app_id = $1 AND c.closed_at IS NULL AND r.beat_at > $2 \
    GROUP BY c.replica_id, r.beats";
/// Joined in this order, since other replicas are few, and none are the rule.
const LIST_ELSEWHERE: &str = "SELECT DISTINCT c.app_id FROM replicas r CROSS JOIN connections c \
    WHERE r.replica_id <> $1 AND r.beat_at > $2 AND c.replica_id = r.replica_id AND c.closed_at IS NULL";
/// As what is due is set aside for want of any other endpoint, unless somebody holds a connection.
const SET_ASIDE: &str = formatcp!(
    "UPDATE deliveries SET state = {DELIVERY_HELD}, due_at = NULL \
    WHERE tenant_id = $1 AND event_no IN ({KEYS}) AND +endpoint_id = $19 AND due_at <= $18 \
      AND NOT EXISTS (SELECT 1 FROM connections c JOIN replicas r ON r.replica_id = c.replica_id \
        WHERE c.app_id = $19 AND c.closed_at IS NULL AND r.beat_at > $20) \
    RETURNING event_no"
);
const FORGET_CLOSED: &str = "DELETE FROM connections WHERE closed_at < $1";
const FORGET_OF_DEAD: &str = "DELETE FROM connections WHERE replica_id IN \
    (SELECT r.replica_id FROM replicas r WHERE r.beat_at < $1)";
const FORGET_DEAD: &str = "DELETE FROM replicas WHERE beat_at < $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    HEARTBEAT,
    INSERT,
    FIND,
    CLOSE,
    TELL_NEWS,
    LIST,
    LIST_HOLDERS,
    LIST_ELSEWHERE,
    SET_ASIDE,
    FORGET_CLOSED,
    FORGET_OF_DEAD,
    FORGET_DEAD,
];

impl Store {
    /// Opens a connection, if its id is new, the app is still as it was at `app_version`, and has fewer than
    /// `limit` connections on all replicas that live.
    pub async fn open_connection(
        &self,
        new: &NewConnection,
        app_version: i64,
        limit: u32,
    ) -> Result<Opened, Fault> {
        let at = new.opened_at;
        let statements = vec![
            keep_app(new.app_id, app_version),
            one(
                INSERT,
                values![
                    new.connection_id.0,
                    new.app_id.0,
                    new.replica_id,
                    new.client.as_str(),
                    at.0,
                    at.plus_ms(-BEAT_AGE_MAX_MS).0,
                    i64::from(limit),
                ],
            ),
            any(HEARTBEAT, values![new.replica_id, at.0]),
        ];
        match self.write(statements).await? {
            Written::Done(_) => Ok(Opened::Done),
            Written::Unmet(0) => Ok(Opened::AppChanged),
            Written::Unmet(_) => {
                let known = self.read(FIND, values![new.connection_id.0]).await?;
                Ok(if known.is_empty() { Opened::Full } else { Opened::Used })
            }
        }
    }

    /// Notes that connections have ended. Their ids stay known.
    pub async fn close_connections(&self, ids: &[Id], at: UnixMs) -> Result<(), Fault> {
        let close = |id: &Id| any(CLOSE, values![id.0, at.0]);
        self.write(ids.iter().map(close).collect()).await.map(drop)
    }

    /// Notes that this replica lives, and what is new of its connections.
    pub async fn beat(
        &self,
        replica_id: i64,
        at: UnixMs,
        news: &[ConnectionNews],
    ) -> Result<(), Fault> {
        let tell = |news: &ConnectionNews| {
            let last_ping_at = news.last_ping_at.map(|at| at.0);
            any(TELL_NEWS, values![news.connection_id.0, last_ping_at, i64::from(news.in_flight)])
        };
        let mut statements = vec![any(HEARTBEAT, values![replica_id, at.0])];
        statements.extend(news.iter().map(tell));
        self.write(statements).await.map(drop)
    }

    /// The open connections of an app on all replicas that live, in no order.
    pub async fn list_connections(
        &self,
        app_id: AppId,
        now: UnixMs,
    ) -> Result<Vec<Connection>, Fault> {
        let rows = self.read(LIST, values![app_id.0, now.plus_ms(-BEAT_AGE_MAX_MS).0]).await?;
        rows.iter().map(connection).collect()
    }

    /// Who holds connections of an app.
    pub async fn list_holders(&self, app_id: AppId, now: UnixMs) -> Result<Vec<Holder>, Fault> {
        let values = values![app_id.0, now.plus_ms(-BEAT_AGE_MAX_MS).0];
        let rows = self.read(LIST_HOLDERS, values).await?;
        let holder = |row: &Row| {
            let connections = u32::try_from(row.int(2)?).unwrap_or(u32::MAX);
            Ok(Holder { replica_id: row.int(0)?, beats: row.int(1)?, connections })
        };
        rows.iter().map(holder).collect()
    }

    /// The apps of which other replicas than this one hold connections.
    pub async fn list_connected_elsewhere(
        &self,
        replica_id: i64,
        now: UnixMs,
    ) -> Result<Vec<AppId>, Fault> {
        let values = values![replica_id, now.plus_ms(-BEAT_AGE_MAX_MS).0];
        let rows = self.read(LIST_ELSEWHERE, values).await?;
        rows.iter().map(|row| row.int(0).map(AppId)).collect()
    }

    /// Sets due deliveries of an app aside as held, at most 1,000, and gives their number; none when some replica is
    /// connected to it, or the app is no longer as it was at `app_version`.
    pub async fn set_unconnected_aside(
        &self,
        app_id: AppId,
        app_version: i64,
        now: UnixMs,
    ) -> Result<usize, Fault> {
        let values = values![now.0, app_id.0, now.plus_ms(-BEAT_AGE_MAX_MS).0];
        let keep = keep_app(app_id, app_version);
        self.set_keys_aside(app_id, now, Some(keep), SET_ASIDE, &values).await
    }

    /// Forgets connections that were closed before `before`, and replicas that have not beaten since.
    pub async fn forget_connections(&self, before: UnixMs) -> Result<(), Fault> {
        let statements = [FORGET_CLOSED, FORGET_OF_DEAD, FORGET_DEAD];
        self.write(statements.map(|sql| any(sql, values![before.0])).to_vec()).await.map(drop)
    }
}

fn connection(row: &Row) -> Result<Connection, Fault> {
    Ok(Connection {
        connection_id: Id(row.int(0)?),
        replica_id: row.int(1)?,
        client: row.text(2)?,
        opened_at: UnixMs(row.int(3)?),
        last_ping_at: row.find_int(4)?.map(UnixMs),
        in_flight: u32::try_from(row.int(5)?).unwrap_or(u32::MAX),
    })
}
