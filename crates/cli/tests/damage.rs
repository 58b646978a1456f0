//! `kill -9` under load, then damage to any file of the data folder: no start may silently know less than was
//! acknowledged. It is refused, with its files left as they are, or everything is there, or what is not there is
//! answered with an error.
//!
//! `ROUNDS` is the number of kills (12), `SEED` makes a run again.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod load;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use client::control::Control;
use load::book::Journal;
use load::call::Door;
use load::client::Client;
use load::compare;
use load::daemon::Setup;
use load::receiver::Receiver;
use load::{Folder, ONE_AT_A_TIME, Random, number, pause, seed};

const CLIENTS: usize = 6;
/// Kills of one installation; then a new one begins, so that small ones are damaged too.
const KILLS_MAX: u64 = 25;

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    Remove,
    Empty,
    Cut,
    Zero,
    Flip,
}

const HARMS: [Harm; 5] = [Harm::Remove, Harm::Empty, Harm::Cut, Harm::Zero, Harm::Flip];

/// How the start after it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Refused,
    /// Everything that was acknowledged is there.
    Whole,
    /// Something that was acknowledged is answered with an error.
    Reported,
}

type Tally = BTreeMap<(String, Harm, End), u64>;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_start_silently_knows_less_than_was_acknowledged() {
    let mut random = Random::new(seed());
    let rounds = number("ROUNDS", 12);
    let mut tally = Tally::new();
    let mut done = 0;
    while done < rounds {
        let kills = KILLS_MAX.min(rounds - done);
        one_installation(done, kills, &mut random, &mut tally).await;
        done += kills;
    }
    for ((file, harm, end), count) in &tally {
        eprintln!("{file:<16} {harm:?}: {end:?} {count}");
    }
    let of = |wanted: End| -> u64 {
        tally.iter().filter(|((_, _, end), _)| *end == wanted).map(|(_, count)| count).sum()
    };
    eprintln!(
        "{rounds} kills with damage: {} refused, {} whole, {} told by errors, 0 silent",
        of(End::Refused),
        of(End::Whole),
        of(End::Reported)
    );
    // Database and mark are the first to be removed, and no start goes on without them.
    assert!(of(End::Refused) >= rounds.min(2));
}

/// After a crash a large database serves at once; its pages are checked meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_a_large_database_is_found_while_it_serves() {
    const FILL: &str = "CREATE TABLE filler (bytes BLOB NOT NULL) STRICT;
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 40000)
         INSERT INTO filler (bytes) SELECT randomblob(1000) FROM numbers;
         PRAGMA wal_checkpoint(TRUNCATE);";
    const WITHIN: Duration = Duration::from_secs(60);
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let setup = Setup::new(folder.path());
    let log = || fs::read_to_string(&setup.log).unwrap();
    let database = setup.data.join("probity.db");
    let daemon = setup.start().await;
    let filling = rusqlite::Connection::open(&database).unwrap();
    filling.busy_timeout(WITHIN).unwrap();
    filling.execute_batch(FILL).unwrap();
    drop(filling);
    daemon.kill();

    let daemon = setup.start().await;
    load::until("a sound check", WITHIN, async || log().contains("database are sound")).await;
    assert_eq!(daemon.door().is_ready().await, Some(true));
    daemon.kill();

    let file = OpenOptions::new().write(true).open(&database).unwrap();
    let middle = (file.metadata().unwrap().len() / 2).next_multiple_of(4_096);
    file.write_all_at(&[0; 4_096], middle).unwrap();
    let daemon = setup.spawn().await.unwrap();
    load::until("not ready", WITHIN, async || daemon.door().is_ready().await == Some(false)).await;
    let log = log();
    assert!(log.contains("probity.db is damaged") && log.contains("restore a backup"), "{log}");
}

async fn one_installation(first: u64, kills: u64, random: &mut Random, tally: &mut Tally) {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = Folder::new();
    let receiver = Receiver::start().await;
    let setup = Setup::new(folder.path());
    let journal = Arc::new(Journal::create(&folder.path().join("journal")));
    let mut daemon = setup.start().await;
    let (mut clients, _) =
        Client::crowd(CLIENTS, &setup, &daemon, &receiver, &journal, random).await;
    for kill in first..first + kills {
        let door = daemon.door();
        let working: Vec<_> = clients
            .drain(..)
            .map(|mut client| {
                let door = door.clone();
                tokio::spawn(async move {
                    client.until_lost(&door).await;
                    client
                })
            })
            .collect();
        pause(Duration::from_millis(30 + random.below(400) as u64)).await;
        daemon.kill();
        for work in working {
            clients.push(work.await.unwrap());
        }

        let stored = folder.path().join("kept");
        let _ = fs::remove_dir_all(&stored);
        copy_tree(&setup.data, &stored);
        let (file, harm) = match kill {
            0 => (PathBuf::from("probity.db"), Harm::Remove),
            1 => (PathBuf::from("probity.db-mark"), Harm::Remove),
            _ => (choose(&setup.data, random), random.pick(&HARMS)),
        };
        damage(&setup.data.join(&file), harm, random);
        let end = start_damaged(&setup, &clients, &format!("{} {harm:?}", file.display())).await;
        let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
        // The names of reports are of no interest.
        let name = if parts.len() > 1 { format!("{}/…", parts[0]) } else { parts[0].to_string() };
        *tally.entry((name, harm, end)).or_default() += 1;

        fs::remove_dir_all(&setup.data).unwrap();
        fs::rename(&stored, &setup.data).unwrap();
        daemon = setup.start().await;
        compare::shown(&daemon.door(), &mut clients, false).await;
    }
    setup.assert_no_panic();
}

/// Starts the server on its damaged folder and looks at what it knows.
async fn start_damaged(setup: &Setup, clients: &[Client], what: &str) -> End {
    let before = files(&setup.data);
    let logged = fs::read_to_string(&setup.log).unwrap().len();
    let Ok(daemon) = setup.spawn().await else {
        let log = fs::read_to_string(&setup.log).unwrap();
        let reported = &log[logged..];
        assert!(reported.contains("error: "), "{what}: refused without a word: {reported}");
        for (path, bytes) in before {
            // The index of the WAL is made anew by whoever opens it; under a wrong root key the database is sound.
            if reported.contains("nothing was changed") && !path.ends_with("probity.db-shm") {
                let is_same = fs::read(&path).is_ok_and(|now| now == bytes);
                assert!(
                    is_same,
                    "{what}: the refused start changed {}: {reported}",
                    path.display()
                );
            }
        }
        return End::Refused;
    };
    let mut end = End::Whole;
    for client in clients {
        if !is_all_there(&daemon.door(), client, what).await {
            end = End::Reported;
        }
    }
    end
}

/// Whether the server shows everything that was acknowledged; false where it answers with an error.
///
/// # Panics
/// When it shows less, as if that were all.
async fn is_all_there(door: &Door, client: &Client, what: &str) -> bool {
    let control = Control::new(&door.url, &client.key).unwrap();
    let mut is_whole = true;
    for (place, order) in client.orders.iter().enumerate() {
        match control.get_order(&client.tenant_key, &order.order_id).await {
            Ok(found) => {
                if let Err(difference) = order.compare(&found, client.unanswered_entry(place)) {
                    panic!("silently lost after {what}: order {}: {difference}", order.order_id);
                }
            }
            Err(client::control::Error::Refused { problem, .. }) => {
                assert!(problem.status >= 500, "lost after {what}: {problem:?}");
                is_whole = false;
            }
            Err(error) => panic!("after {what}: {error}"),
        }
    }
    is_whole
}

/// A file of the data folder: more often one of the database's.
fn choose(data: &Path, random: &mut Random) -> PathBuf {
    let all = files(data).into_iter().map(|(path, _)| path.strip_prefix(data).unwrap().to_owned());
    let (own, others): (Vec<_>, Vec<_>) =
        all.partition(|path| path.to_string_lossy().starts_with("probity.db"));
    let from = if random.is(85) || others.is_empty() { own } else { others };
    from[random.below(from.len())].clone()
}

/// Damages a file; places are drawn within what was ever written.
fn damage(path: &Path, harm: Harm, random: &mut Random) {
    let mut bytes = fs::read(path).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let at = random.below(written.max(1));
    let open = || OpenOptions::new().write(true).open(path).unwrap();
    match harm {
        Harm::Remove => fs::remove_file(path).unwrap(),
        Harm::Empty => drop(File::create(path).unwrap()),
        Harm::Cut => open().set_len(at as u64).unwrap(),
        Harm::Zero => {
            let end = (at + 1 + random.below(64 << 10)).min(bytes.len());
            open().write_all_at(&vec![0; end.saturating_sub(at)], at as u64).unwrap();
        }
        Harm::Flip if bytes.is_empty() => {}
        Harm::Flip => {
            bytes[at] ^= 1 << random.below(8);
            open().write_all_at(&bytes[at..=at], at as u64).unwrap();
        }
    }
}

/// All files below a folder with what they hold.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

fn copy_tree(from: &Path, to: &Path) {
    fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}
