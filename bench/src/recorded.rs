//! The least that a delivery costs when each attempt is stored: the bare client once more, which claims what is due in
//! SQLite before it posts, and marks it with its attempt afterwards, on the tables and indexes of the server and as
//! many rows. Nothing is looked up. With a [`Maker`] each event is made and each attempt sealed, as it must be; without
//! one nothing is opened, rendered, encrypted or sealed, and the rows are filled with bytes as long as the server's.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use rusqlite::{Connection, params};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use crate::built::Maker;
use crate::deliveries::{BARE_AT_ONCE, UNSIGNED, client, post, request};
use crate::receiver::Receiver;

/// Deliveries that are claimed for an app at once, as by the server.
const CLAIMED_AT_ONCE: u32 = 128;
/// Deliveries that are claimed and not posted yet.
const STOCK_MAX: usize = 1_024;
/// How long the keeper waits for what was posted, when there is nothing to claim.
const PATIENCE: Duration = Duration::from_millis(1);

/// Posts what stands in `database`, all of it delivered once already, and keeps it again; how many a second.
pub(crate) async fn baseline(
    database: &Path,
    receiver: &Receiver,
    bodies: &[Bytes],
    maker: Option<Maker>,
) -> anyhow::Result<f64> {
    ensure!(!bodies.is_empty(), "expected bodies to post");
    let (claimed, stock) = mpsc::channel(STOCK_MAX);
    let (posted, done) = std_mpsc::channel();
    let due = Due::again(database)?;
    let filling = Filling { bodies: bodies.to_vec(), sealed: vec![0x5a; due.sealed_bytes] };
    let (stock, filling, maker) = (Arc::new(Mutex::new(stock)), Arc::new(filling), Arc::new(maker));
    let (http, started) = (client(), Instant::now());
    let keeper = std::thread::spawn(move || keep(due, &claimed, &done));
    let mut posting = JoinSet::new();
    for number in 0..BARE_AT_ONCE {
        let (http, stock, address) = (http.clone(), Arc::clone(&stock), receiver.address);
        let (filling, maker) = (Arc::clone(&filling), Arc::clone(&maker));
        let posted = posted.clone();
        posting.spawn(async move {
            loop {
                let next = stock.lock().await.recv().await;
                let Some(event_no) = next else { return anyhow::Ok(()) };
                let built = maker.as_ref().as_ref().map(Maker::make).transpose()?;
                let (body, signature) = match &built {
                    Some(built) => (built.body.clone(), built.signature.as_str()),
                    None => (filling.body(event_no)?, UNSIGNED),
                };
                post(&http, request(address, number, body, signature)?).await?;
                let sealed = match built {
                    Some(built) => built.sealed()?,
                    None => filling.sealed.clone(),
                };
                posted.send(Posted { event_no, sealed }).context("the keeper is gone")?;
            }
        });
    }
    drop(posted);
    while let Some(done) = posting.join_next().await {
        done??;
    }
    let recorded = keeper.join().map_err(|_| anyhow::anyhow!("the keeper panicked"))??;
    Ok(recorded as f64 / started.elapsed().as_secs_f64())
}

/// What is posted and stored where nothing is made.
struct Filling {
    bodies: Vec<Bytes>,
    /// As long as what the server stored of an attempt.
    sealed: Vec<u8>,
}

impl Filling {
    fn body(&self, event_no: i64) -> anyhow::Result<Bytes> {
        Ok(self.bodies[usize::try_from(event_no)? % self.bodies.len()].clone())
    }
}

/// A delivery that was posted, with its attempt.
struct Posted {
    event_no: i64,
    sealed: Vec<u8>,
}

/// A database in which everything is due.
struct Due {
    database: Connection,
    apps: VecDeque<i64>,
    /// How long is what the server stored of an attempt.
    sealed_bytes: usize,
}

impl Due {
    /// Makes everything due again.
    fn again(database: &Path) -> anyhow::Result<Due> {
        let database = Connection::open(database)?;
        database.execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; \
             UPDATE deliveries SET due_at = 1, attempts = 0, finished_at = NULL",
        )?;
        let average = "SELECT CAST(avg(length(sealed)) AS INTEGER) FROM attempts";
        let length: i64 = database.query_row(average, [], |row| row.get(0))?;
        database.execute_batch("DELETE FROM attempts; PRAGMA wal_checkpoint(TRUNCATE);")?;
        let apps = database
            .prepare("SELECT DISTINCT endpoint_id FROM deliveries")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(Due { database, apps, sealed_bytes: usize::try_from(length)? })
    }
}

/// Claims, marks and keeps in one transaction after the other, until nothing is left; how many.
fn keep(
    due: Due,
    claimed: &mpsc::Sender<i64>,
    done: &std_mpsc::Receiver<Posted>,
) -> anyhow::Result<u64> {
    let Due { mut database, mut apps, .. } = due;
    let (mut recorded, mut under_way) = (0, 0_usize);
    while !apps.is_empty() || under_way > 0 {
        let ended: Vec<Posted> = match done.recv_timeout(PATIENCE) {
            Ok(first) => std::iter::once(first).chain(done.try_iter()).collect(),
            Err(_) => Vec::new(),
        };
        let (mut claims, transaction) = (Vec::new(), database.transaction()?);
        for Posted { event_no, sealed } in &ended {
            let mut mark = transaction.prepare_cached(
                "UPDATE deliveries SET due_at = NULL, finished_at = 2 WHERE event_no = ?1",
            )?;
            mark.execute([event_no])?;
            let mut attempt = transaction.prepare_cached(
                "INSERT INTO attempts (tenant_id, event_no, attempt, at, took_ms, outcome, http_status, sealed) \
                 VALUES (1, ?1, 1, 1, 1, 'ok', 200, ?2)",
            )?;
            attempt.execute(params![event_no, sealed])?;
        }
        // The stock is never full here, so that no claim waits for a post.
        if under_way < STOCK_MAX / 2
            && let Some(app_id) = apps.pop_front()
        {
            let mut claim = transaction.prepare_cached(
                "UPDATE deliveries SET due_at = 9, attempts = attempts + 1 WHERE event_no IN \
                 (SELECT event_no FROM deliveries WHERE endpoint_id = ?1 AND due_at <= 1 ORDER BY due_at LIMIT ?2) \
                 RETURNING event_no",
            )?;
            claims = claim
                .query_map(params![app_id, CLAIMED_AT_ONCE], |row| row.get(0))?
                .collect::<Result<Vec<i64>, _>>()?;
            if !claims.is_empty() {
                apps.push_back(app_id);
            }
        }
        transaction.commit()?;
        recorded += ended.len() as u64;
        under_way = under_way + claims.len() - ended.len();
        for event_no in claims {
            claimed.blocking_send(event_no).context("the posts ended")?;
        }
    }
    Ok(recorded)
}
