//! The operator's care for what is stored: the check of the objects, and the change of the root key.

#![expect(clippy::unwrap_used, reason = "helpers of tests state what they expect by unwrapping")]

mod harness;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use contract::check::ReportUrlType;
use contract::control::{CheckObjects, ObjectFindingKind, ObjectsChecked, RotateKeys};
use domain::Id;
use harness::filed::{CONTENT, Filed};
use harness::{BEGIN, Engine, World};
use server::{Config, Server, StartError};
use system::clock::Clock;

/// Where an object lies.
async fn path(world: &World, object_id: Id) -> PathBuf {
    let name = format!("{:016x}", object_id.0);
    let listed = world.app.hub.objects.list("", 1_000).await.unwrap();
    let path = &listed.iter().find(|object| object.path.ends_with(&name)).unwrap().path;
    world.data().join("reports").join(path)
}

/// Checks everything, part by part.
async fn check(world: &World, quick: bool, sweep: bool) -> ObjectsChecked {
    let mut all = ObjectsChecked::default();
    let mut asked = CheckObjects { cursor: None, quick, sweep };
    loop {
        let part = world.operator.check_objects(&asked).await.unwrap();
        all.row_count += part.row_count;
        all.object_count += part.object_count;
        all.read_bytes += part.read_bytes;
        all.findings.extend(part.findings);
        match part.next_cursor {
            Some(cursor) => asked.cursor = Some(cursor),
            None => return all,
        }
    }
}

fn kinds(checked: &ObjectsChecked) -> Vec<ObjectFindingKind> {
    checked.findings.iter().map(|finding| finding.kind).collect()
}

/// Makes a file look as if it was written at this instant of the World's clock.
fn written_at(path: &std::path::Path, ms: i64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).unwrap());
    std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[tokio::test]
async fn a_check_finds_what_is_wrong_both_ways_and_repairs_nothing() {
    World::each(async |world| {
        let mut scenes = Vec::new();
        for _ in 0..4 {
            let mut scene = Filed::new(&world, ReportUrlType::Download).await;
            let object_id = scene.store_this(CONTENT, &[]).await;
            scenes.push((scene.report.report_id.clone(), object_id));
        }
        let hirer = world.hirer().await;
        let name = "/api/v1/tenants/".to_owned() + &hirer.tenant_key + "/files?name=cv.pdf";
        let sent = world.request("POST", &name, &hirer.key).body("%PDF cv").send().await.unwrap();
        assert_eq!(sent.status(), 201);
        let whole = check(&world, false, false).await;
        assert_eq!((whole.row_count, whole.object_count), (5, 5));
        assert_eq!((whole.read_bytes, whole.findings.len()), (4 * 19 + 7, 0));

        // One gone, one altered, one whose bytes are another's; and what nothing stands for.
        let paths = [
            path(&world, scenes[0].1).await,
            path(&world, scenes[1].1).await,
            path(&world, scenes[2].1).await,
            path(&world, scenes[3].1).await,
        ];
        std::fs::remove_file(&paths[0]).unwrap();
        let mut altered = std::fs::read(&paths[1]).unwrap();
        *altered.last_mut().unwrap() ^= 1;
        std::fs::write(&paths[1], &altered).unwrap();
        std::fs::copy(&paths[3], &paths[2]).unwrap();
        let tenant_id = hirer.tenant_id;
        let orphan =
            world.app.hub.objects.create_behind(tenant_id).finish().await.unwrap().object_id;
        let young =
            world.app.hub.objects.create_behind(tenant_id).finish().await.unwrap().object_id;
        let orphan = path(&world, orphan).await;
        let young = path(&world, young).await;
        let now = world.clock.now().0;
        written_at(&orphan, now - 3_600_001);
        written_at(&young, now - 3_599_000);
        std::fs::write(world.data().join("reports/drafts/left"), b"half").unwrap();
        std::fs::write(paths[3].with_file_name("stray"), b"").unwrap();

        let found = check(&world, false, false).await;
        use ObjectFindingKind::{Damaged, Draft, Missing, Orphan, Unknown};
        let mut expected = vec![Missing, Damaged, Damaged, Orphan, Unknown, Draft];
        let mut seen = kinds(&found);
        let order = |kind: &ObjectFindingKind| format!("{kind:?}");
        seen.sort_by_key(order);
        expected.sort_by_key(order);
        assert_eq!(seen, expected);
        for finding in &found.findings {
            assert!(!finding.is_removed);
            let place = scenes.iter().position(|(id, _)| Some(id) == finding.report_id.as_ref());
            match finding.kind {
                Missing => assert_eq!((place, finding.version), (Some(0), Some(1))),
                Damaged => assert!(matches!(place, Some(1 | 2)), "{finding:?}"),
                _ => assert_eq!(place, None),
            }
        }
        assert!(orphan.exists(), "nothing is repaired unasked");

        let swept = check(&world, false, true).await;
        let removed = swept.findings.iter().filter(|finding| finding.is_removed).count();
        assert_eq!((removed, orphan.exists(), young.exists()), (2, false, true));
        let left = check(&world, false, false).await;
        assert_eq!(left.findings.len(), 4, "{:?}", left.findings);
        // The quick one sees what is gone, and reads nothing.
        let quick = check(&world, true, false).await;
        assert_eq!(quick.read_bytes, 0);
        assert!(kinds(&quick).contains(&Missing));

        let wrong = CheckObjects { cursor: Some("nowhere".to_owned()), ..CheckObjects::default() };
        let refusal = world.operator.check_objects(&wrong).await.unwrap_err();
        assert_eq!(refusal.problem().unwrap().errors[0].field, "cursor");
        let refusal = hirer.control.check_objects(&CheckObjects::default()).await.unwrap_err();
        assert_eq!(refusal.problem().unwrap().status, 403);
    })
    .await;
}

#[tokio::test]
async fn many_rows_are_checked_in_parts() {
    let world = World::on(Engine::Sqlite).await;
    let hirer = world.hirer().await;
    for number in 0..450 {
        let path = format!("/api/v1/tenants/{}/files?name={number}.pdf", hirer.tenant_key);
        let sent = world.request("POST", &path, &hirer.key).body(vec![7; 10]).send().await.unwrap();
        assert_eq!(sent.status(), 201);
    }
    let all = check(&world, false, false).await;
    assert_eq!((all.row_count, all.object_count, all.read_bytes), (450, 450, 4_500));
    assert!(all.findings.is_empty(), "{:?}", all.findings);
}

#[tokio::test]
async fn the_root_key_is_changed_while_everybody_works_on() {
    for engine in Engine::available().await {
        let mut world = World::start(engine, Clock::manual(BEGIN), false, |_| {}).await;
        let (seed, order_id, report_id) = {
            let mut scene = Filed::new(&world, ReportUrlType::Download).await;
            scene.store().await;
            (scene.seed.clone(), scene.order_id.clone(), scene.report.report_id.clone())
        };
        let file = world.data().join("root.key");
        let old = std::fs::read_to_string(&file).unwrap();
        // Nothing lies there, and nothing is made that was not asked for.
        let (given, make) = (RotateKeys { make_key: false }, RotateKeys { make_key: true });
        let refusal = world.operator.rotate_keys(&given).await.unwrap_err();
        assert_eq!(refusal.problem().unwrap().code, "illegal_state");
        for body in ["", "{}"] {
            let ask = world.request("POST", "/api/v1/keys/rotate", &world.operator_key);
            let ask = ask.header("content-type", "application/json").body(body);
            let answer = ask.send().await.unwrap();
            assert_eq!(answer.status(), 400, "{body:?}");
            assert!(answer.text().await.unwrap().contains("make_key: is required"), "{body:?}");
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), old);
        let refusal = seed.hirer.control.rotate_keys(&make).await.unwrap_err();
        assert_eq!(refusal.problem().unwrap().status, 403);
        let rotated = world.operator.rotate_keys(&make).await.unwrap();
        assert_eq!((rotated.generation, rotated.tenant_count, rotated.key_id.len()), (1, 1, 8));
        let new = std::fs::read_to_string(&file).unwrap();
        assert_ne!(old, new);
        assert!(!world.data().join("root.key.next").exists());

        let read = async |world: &World| {
            let control = world.control(&seed.hirer.key);
            let content =
                control.get_report_content(&seed.hirer.tenant_key, &order_id, &report_id).await;
            content.unwrap().bytes().await.unwrap()
        };
        assert_eq!(read(&world).await, CONTENT);
        world.place(&seed).await;
        world.hirer().await;
        world.restart().await;
        assert_eq!(read(&world).await, CONTENT);

        // Killed between the commit and the move of the file: the next start finds the right one and moves it.
        std::fs::write(&file, &old).unwrap();
        std::fs::write(world.data().join("root.key.next"), &new).unwrap();
        world.restart().await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), new);
        assert!(!world.data().join("root.key.next").exists());
        // Killed before the commit: the next key waits, and is the next one still.
        let next = "5".repeat(64);
        std::fs::write(world.data().join("root.key.next"), &next).unwrap();
        world.restart().await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), new);
        let rotated = world.operator.rotate_keys(&given).await.unwrap();
        assert_eq!((rotated.generation, rotated.tenant_count), (2, 2));
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), next);
        assert_eq!(read(&world).await, CONTENT);
    }
}

#[tokio::test]
async fn a_server_with_a_wrong_or_missing_root_key_says_what_it_expected() {
    let mut world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |_| {}).await;
    world.hirer().await;
    let file = world.data().join("root.key");
    let old = std::fs::read_to_string(&file).unwrap();
    let rotated = world.operator.rotate_keys(&RotateKeys { make_key: true }).await.unwrap();
    let new = std::fs::read_to_string(&file).unwrap();
    world.stop().await;
    let start = async |adjust: &dyn Fn(&mut Config)| {
        let mut config = Config { listen: ([127, 0, 0, 1], 0).into(), ..world.app.config.clone() };
        adjust(&mut config);
        match Server::bind(config, world.clock.clone()).await {
            Ok(_) => panic!("expected a refusal to start"),
            Err(failure) => failure,
        }
    };
    let reported = |failure: &StartError| {
        let cause = std::error::Error::source(failure).map(ToString::to_string);
        format!("{failure}: {}", cause.unwrap_or_default())
    };
    let expected = format!("expected the key with the id {}", rotated.key_id);

    let old = old.trim().to_owned();
    let failure = start(&|config| config.root_key = Some(old.clone())).await;
    let text = reported(&failure);
    assert!(text.starts_with("the root key from PROBITY_ROOT_KEY does not open"), "{text}");
    assert!(text.contains(&expected) && !text.contains(&old), "{text}");
    let command = format!("echo {old}");
    let failure = start(&|config| config.root_key_command = Some(command.clone())).await;
    assert!(reported(&failure).contains("the output of the root key command"), "{failure}");

    std::fs::remove_file(&file).unwrap();
    let text = reported(&start(&|_| {}).await);
    assert!(text.starts_with("there is no root key in root.key, but an installation"), "{text}");
    assert!(text.contains(&expected), "{text}");
    assert!(!file.exists(), "none was left in its place");
    std::fs::write(&file, "no key").unwrap();
    let text = reported(&start(&|_| {}).await);
    assert!(text.starts_with("expected the root key in root.key as 64 hex digits"), "{text}");
    std::fs::write(&file, &new).unwrap();
    world.restart().await;
    assert_eq!(world.operator.list_tenants(&Default::default()).await.unwrap().items.len(), 1);
}

/// A vendor saves a file under its name.
#[tokio::test]
async fn a_file_is_named_by_a_name_and_not_by_a_path() {
    World::each(async |world| {
        let hirer = world.hirer().await;
        let post = async |name: &str| {
            let path = format!("/api/v1/tenants/{}/files", hirer.tenant_key);
            let request = world.request("POST", &path, &hirer.key).query(&[("name", name)]);
            let sent = request.body("content").send().await.unwrap();
            (sent.status().as_u16(), sent.text().await.unwrap())
        };
        for name in [
            "../../etc/passwd",
            "..",
            "/cv.pdf",
            "a\\b.pdf",
            "cv.pdf\r\nX-Evil: 1",
            "cv\n.pdf",
            "cv\u{1b}[2J.pdf",
            "\u{202e}fdp.exe",
            "\u{2028}cv.pdf",
            "\u{200b}",
        ] {
            let (status, body) = post(name).await;
            assert_eq!(status, 400, "{name:?}: {body}");
            assert!(body.contains(r#""field":"name""#), "{name:?}: {body}");
        }
        for name in ["简历 (终版).pdf", ".cv", "a..b.pdf", "cv"] {
            assert_eq!(post(name).await.0, 201, "{name:?}");
        }
    })
    .await;
}
