//! `kill -9` while the root key is changed, again and again: the next start finds the key in force by itself.
//!
//! `LOOPS` is the number of kills (15), `SEED` makes a run again.

mod load;

use std::time::Duration;

use client::control::Control;
use contract::control::{CreateTenant, List, RotateKeys};
use load::daemon::Setup;
use load::{Folder, Random, number, pause, seed};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_that_is_killed_leaves_an_installation_that_opens() {
    let (kills, mut random) = (number("LOOPS", 15), Random::new(seed()));
    let folder = Folder::new();
    let setup = Setup::new(folder.path());
    let mut daemon = setup.start().await;
    let operator_key = setup.operator_key();
    let operator = Control::new(&daemon.url, &operator_key).unwrap();
    for number in 0..20 {
        operator.create_tenant(&CreateTenant::named(format!("t-{number}"))).await.unwrap();
    }
    let (file, next) = (setup.data.join("root.key"), setup.data.join("root.key.next"));
    let (mut changed, mut cut_off) = (0, 0);
    for _ in 0..kills {
        let before = std::fs::read_to_string(&file).unwrap();
        let operator = Control::new(&daemon.url, &operator_key).unwrap();
        let make = RotateKeys { make_key: true };
        let rotation = tokio::spawn(async move { operator.rotate_keys(&make).await });
        pause(Duration::from_micros(random.below(12_000) as u64)).await;
        daemon.kill();
        let is_answered = rotation.await.unwrap().is_ok();
        cut_off += u64::from(next.exists());

        daemon = setup.start().await;
        let is_changed = std::fs::read_to_string(&file).unwrap() != before;
        assert!(is_changed || !is_answered, "an acknowledged change stays");
        changed += u64::from(is_changed);
        // Every tenant's key opens, or the list would not come.
        let operator = Control::new(&daemon.url, &operator_key).unwrap();
        let list = List { cursor: None, limit: Some(200) };
        assert_eq!(operator.list_tenants(&list).await.unwrap().items.len(), 20);
    }
    setup.assert_no_panic();
    eprintln!("{kills} kills: {changed} changes done, {cut_off} cut off with the next key waiting");
    assert!(changed > 0, "no change was ever done");
}
