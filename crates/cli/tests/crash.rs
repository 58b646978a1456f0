//! `kill -9` under load, again and again: nothing acknowledged is lost, nothing is doubled, no event is without
//! its change and no change without its event, and the server is ready again by itself within 2 s.
//!
//! `LOOPS` is the number of kills (20), `SEED` makes a run again, `READY_MS_MAX` allows more than 2,000 ms on
//! slower machines. On PostgreSQL, whose server goes on while ours is killed, a quarter of the loops is done.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use load::book::Journal;
use load::client::{Client, tallies};
use load::compare::{self, Leases, Unanswered};
use load::daemon::{Setup, ready_at_most};
use load::database::Database;
use load::memory::Memory;
use load::receiver::Receiver;
use load::{Folder, ONE_AT_A_TIME, Random, is_demanded, now, number, pause, seed};

/// How many clients work at once.
const CLIENTS: usize = 16;
/// Kills of one installation; then a new one begins, so that long runs look at fresh ones too.
const KILLS_MAX: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_server_loses_and_doubles_nothing() {
    kill_again_and_again(kills_of_all(), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_server_loses_and_doubles_nothing_on_postgresql() {
    let database = match Database::create().await {
        Ok(database) => database,
        Err(why) if is_demanded() => panic!("PostgreSQL is demanded: {why}"),
        Err(why) => return eprintln!("skipped on PostgreSQL: {why}"),
    };
    let kills = kills_of_all().div_ceil(4).min(KILLS_MAX);
    kill_again_and_again(kills, Some(database.url.clone())).await;
}

/// How many kills are wanted.
fn kills_of_all() -> u64 {
    number("LOOPS", 20)
}

/// What a run came to.
#[derive(Debug, Default)]
struct Totals {
    kills: u64,
    acknowledged: u64,
    unanswered: Unanswered,
    events: usize,
    deliveries: u64,
    fetched: i64,
    /// Reports that were being fetched when the server was killed.
    drafts: usize,
    ready_longest: Duration,
    calls: BTreeMap<&'static str, u64>,
}

async fn kill_again_and_again(kills: u64, database_url: Option<String>) {
    let mut random = Random::new(seed());
    let begin = now();
    let mut totals = Totals::default();
    while totals.kills < kills {
        let kills = KILLS_MAX.min(kills - totals.kills);
        let done = one_installation(database_url.clone(), kills, &mut random).await;
        totals.add(done);
    }
    totals.print(begin.elapsed());
    if kills >= 10 {
        let kinds = ["token", "package", "place", "progress", "result", "cancel", "terminate"];
        for kind in kinds.into_iter().chain(["approve", "reject", "withdraw", "repeat", "refused"])
        {
            assert!(totals.calls.contains_key(kind), "{kind} never happened");
        }
        assert_ne!(totals.drafts, 0, "no fetch was ever interrupted");
    }
}

/// Kills one installation again and again, comparing each time, and at the end compares everything.
async fn one_installation(database_url: Option<String>, kills: u64, random: &mut Random) -> Totals {
    let alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let receiver = Receiver::start().await;
    let mut setup = Setup::new(folder.path());
    setup.database_url = database_url;
    let journal = Arc::new(Journal::create(&folder.path().join("journal")));
    let mut daemon = setup.start().await;
    let mut totals = Totals { ready_longest: daemon.ready_after, ..Totals::default() };
    let (mut clients, _) =
        Client::crowd(CLIENTS, &setup, &daemon, &receiver, &journal, random).await;

    for _ in 0..kills {
        let door = daemon.door();
        let mut working = Vec::new();
        for mut client in clients.drain(..) {
            let door = door.clone();
            working.push(tokio::spawn(async move {
                client.until_lost(&door).await;
                client
            }));
        }
        pause(Duration::from_millis(50 + random.below(1_450) as u64)).await;
        if let Some(status) = daemon.ended() {
            panic!("the server ended by itself ({status}):\n{}", setup.log_tail());
        }
        daemon.kill();
        totals.kills += 1;
        for work in working {
            clients.push(work.await.unwrap());
        }

        let memory = look(&setup).await;
        memory.until_alone().await;
        let unanswered = compare::stored(&memory, &clients).await;
        totals.unanswered.met += unanswered.met;
        totals.unanswered.accepted += unanswered.accepted;
        drop(memory);

        let drafts = drafts(&setup.data);
        totals.drafts += drafts.len();
        daemon = setup.start().await;
        totals.ready_longest = totals.ready_longest.max(daemon.ready_after);
        assert!(drafts.iter().all(|draft| !draft.exists()), "drafts of the dead process are left");
        compare::shown(&daemon.door(), &mut clients, false).await;
    }

    let door = daemon.door();
    for client in &mut clients {
        client.clear_up(&door).await;
    }
    // Whoever reads waits for what was acknowledged to be in the database; then it can be looked at.
    assert_eq!(door.status("/readyz").await, Some(200));
    let memory = match &setup.database_url {
        Some(url) => Memory::postgres(url).await,
        None => Memory::live(&setup.data),
    };
    assert_eq!(compare::stored(&memory, &clients).await, Unanswered::default());
    compare::shown(&door, &mut clients, true).await;
    // From here on there is mostly waiting.
    drop(alone);
    (totals.events, totals.deliveries) =
        compare::reported(&door, &memory, &clients, &receiver).await;
    // Leases of reports are of 150 s: only long runs wait for them.
    let leases = match kills_of_all() >= KILLS_MAX {
        true => Leases::AwaitEnd,
        false => Leases::LeaveOut,
    };
    totals.fetched = compare::fetched(&door, &memory, &clients, leases).await;
    setup.assert_no_panic();
    assert!(
        totals.ready_longest <= ready_at_most(),
        "ready only after {:?}, expected within {:?}",
        totals.ready_longest,
        ready_at_most()
    );
    totals.calls = tallies(&clients);
    totals.acknowledged = clients.iter().map(|client| client.acknowledged.len() as u64).sum();
    totals
}

/// The memory as the kill left it.
async fn look(setup: &Setup) -> Memory {
    match &setup.database_url {
        Some(url) => Memory::postgres(url).await,
        None => Memory::copy_of(&setup.data),
    }
}

/// The files of reports that were being fetched.
fn drafts(data: &Path) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(data.join("reports").join("drafts")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

impl Totals {
    fn add(&mut self, other: Totals) {
        self.kills += other.kills;
        self.acknowledged += other.acknowledged;
        self.unanswered.met += other.unanswered.met;
        self.unanswered.accepted += other.unanswered.accepted;
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.fetched += other.fetched;
        self.drafts += other.drafts;
        self.ready_longest = self.ready_longest.max(other.ready_longest);
        for (kind, count) in other.calls {
            *self.calls.entry(kind).or_default() += count;
        }
    }

    fn print(&self, took: Duration) {
        let Totals { kills, acknowledged, unanswered, events, deliveries, fetched, .. } = self;
        eprintln!(
            "{kills} kills in {:.0} s: {acknowledged} calls acknowledged, 0 lost, 0 doubled; {} unanswered, \
             of which {} had been accepted; {events} events, {deliveries} deliveries, {fetched} reports \
             fetched, {} interrupted; ready after at most {} ms\n{:?}",
            took.as_secs_f64(),
            unanswered.met,
            unanswered.accepted,
            self.drafts,
            self.ready_longest.as_millis(),
            self.calls
        );
    }
}
