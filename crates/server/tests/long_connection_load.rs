//! What long connections cost, in small: the memory of idle ones, and the time of many events to many connections.
//! `examples/long_connections.rs` measures the same in full, on the server as it is shipped.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;
mod line;

use std::collections::HashSet;
use std::time::Duration;

use contract::control::{EventMode, UpdateApp};
use harness::{BEGIN, Engine, World};
use system::clock::{Clock, socket_now};

const APPS: usize = 10;
const EVENTS: usize = 200;
/// Of both ends together, since both live in this process; the server's is the smaller part.
const BYTES_MAX: usize = 64 * 1024;

#[tokio::test]
async fn idle_connections_are_small_and_fifty_share_many_events_quickly() {
    for engine in Engine::available().await {
        let world = World::start(engine, Clock::manual(BEGIN), true, |_| {}).await;
        let seed = world.seed_connected().await;
        let mut apps = Vec::new();
        for _ in 0..APPS {
            let app = world.create_app(&seed.hirer, None, false).await;
            let mode =
                UpdateApp { event_mode: Some(EventMode::LongConnection), ..UpdateApp::default() };
            world.update_granted(&app.app.app_id, &mode).await.unwrap();
            // The first one of an app warms up.
            apps.push((world.connect(&app).await, app));
        }
        let before = resident_bytes();
        let mut idle = Vec::new();
        for (_, app) in &apps {
            for _ in 1..50 {
                idle.push(world.connect(app).await);
            }
        }
        let each = resident_bytes().saturating_sub(before) / idle.len();
        assert!(each <= BYTES_MAX, "{each} bytes for each of {} connections", idle.len());

        let mut ids = Vec::new();
        for _ in 0..50 {
            ids.push(world.connect(&seed.app).await.serve());
        }
        let mut came = HashSet::new();
        let begun = socket_now();
        let place = async {
            for _ in 0..EVENTS {
                world.place(&seed).await;
            }
        };
        let take = async {
            while came.len() < EVENTS + 1 {
                for ids in &mut ids {
                    came.extend(std::iter::from_fn(|| ids.try_recv().ok()));
                }
                tokio::task::yield_now().await;
            }
        };
        let both = async { tokio::join!(place, take) };
        tokio::time::timeout(Duration::from_secs(30), both).await.expect("all arrive");
        println!("{engine:?}: {each} bytes; {EVENTS} events in {:?}", begun.elapsed());
    }
}

/// Resident bytes of this process.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}
