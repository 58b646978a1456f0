//! Objects in a folder: stored whole or not at all, given whole or not at all, listed in order.

use std::collections::HashSet;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use bytes::Bytes;
use contract::hex::to_hex;
use system::random;
use tempfile::TempDir;

use super::*;

const TENANT: TenantId = TenantId(7);
const NAME: Id = Id(6_931_286_400_470_354_183);

async fn open() -> (TempDir, Objects) {
    let folder = TempDir::new().unwrap();
    let objects =
        Objects::in_folder(&folder.path().join("objects"), &CallRate::default()).await.unwrap();
    (folder, objects)
}

async fn store(objects: &Objects, name: Id, bytes: &[u8]) -> io::Result<Stored> {
    let mut writer = objects.create(TENANT, name);
    for piece in bytes.chunks(10_007) {
        writer.write(Bytes::copy_from_slice(piece)).await?;
    }
    writer.finish().await
}

/// What was given before an error, and the error.
async fn given(
    objects: &Objects,
    stored: &Stored,
    range: Range<u64>,
) -> (Vec<u8>, Option<Unreadable>) {
    let object = objects.open(TENANT, stored.object_id, &stored.key, stored.size_bytes).await;
    let object = match object {
        Ok(object) => object,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut pieces = std::pin::pin!(object.read(range));
    let mut bytes = Vec::new();
    loop {
        match pieces.try_next().await {
            Ok(Some(piece)) => bytes.extend_from_slice(&piece),
            Ok(None) => return (bytes, None),
            Err(error) => return (bytes, Some(error)),
        }
    }
}

async fn read(objects: &Objects, stored: &Stored, range: Range<u64>) -> Vec<u8> {
    let (bytes, error) = given(objects, stored, range).await;
    assert!(error.is_none(), "{error:?}");
    bytes
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn a_content_of_any_length_is_sealed_hashed_and_read_back() {
    let (folder, objects) = open().await;
    let stored = store(&objects, NAME, b"abc").await.unwrap();
    let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((stored.size_bytes, to_hex(&stored.sha256).as_str()), (3, sha256));
    let found = files(folder.path());
    assert_eq!(found.len(), 1, "no draft is left: {found:?}");
    assert!(found[0].ends_with("6030e041f8880907"), "{found:?}");
    assert_eq!(fs::metadata(&found[0]).unwrap().permissions().mode() & 0o777, 0o600);

    let chunk = CHUNK_BYTES;
    for length in [0, 1, 100, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 7, 1_000_000] {
        let content = content(length);
        let stored = objects.create_behind(TENANT);
        let mut writer = stored;
        for piece in content.chunks(99_991) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        let stored = writer.finish().await.unwrap();
        assert_eq!(read(&objects, &stored, 0..length as u64).await, content, "{length}");
        let hash = objects.hash(TENANT, stored.object_id, &stored.key, stored.size_bytes).await;
        assert_eq!(hash.unwrap(), stored.sha256);
        let file = fs::read(folder.path().join("objects").join(path(stored.object_id))).unwrap();
        let shown = &content[..length.min(64)];
        assert!(length < 64 || !file.windows(64).any(|window| window == shown), "it is sealed");
    }
}

#[tokio::test]
async fn ranges_are_cut_to_what_is_there() {
    let (_folder, objects) = open().await;
    let bytes = content(200_000);
    let stored = store(&objects, NAME, &bytes).await.unwrap();
    for (range, expected) in [
        (0..200_000, 0..200_000),
        (0..1, 0..1),
        (199_999..200_000, 199_999..200_000),
        (65_530..131_080, 65_530..131_080),
        (65_536..131_072, 65_536..131_072),
        (131_072..131_073, 131_072..131_073),
        (150_000..900_000, 150_000..200_000),
        (200_000..200_001, 0..0),
        (u64::MAX - 1..u64::MAX, 0..0),
    ] {
        let given = read(&objects, &stored, range.clone()).await;
        assert_eq!(given, &bytes[expected], "{range:?}");
    }
}

#[tokio::test]
async fn a_range_needs_only_its_own_chunks() {
    let (folder, objects) = open().await;
    let bytes = content(4 * CHUNK_BYTES);
    let stored = store(&objects, NAME, &bytes).await.unwrap();
    let path = folder.path().join("objects").join(path(NAME));
    let mut file = fs::read(&path).unwrap();
    file[HEADER_BYTES + 5] ^= 1;
    fs::write(&path, &file).unwrap();
    let second = CHUNK_BYTES as u64..2 * CHUNK_BYTES as u64;
    assert_eq!(read(&objects, &stored, second).await, &bytes[CHUNK_BYTES..2 * CHUNK_BYTES]);
    let (before, error) = given(&objects, &stored, 0..10).await;
    assert!(before.is_empty() && matches!(error, Some(Unreadable::Damaged(_))), "{error:?}");
}

#[tokio::test]
async fn another_key_tenant_name_or_size_opens_nothing() {
    let (folder, objects) = open().await;
    let stored = store(&objects, NAME, &content(100_000)).await.unwrap();
    let (key, size_bytes) = (&stored.key, stored.size_bytes);
    assert!(objects.hash(TENANT, NAME, key, size_bytes).await.is_ok());
    assert!(objects.hash(TENANT, NAME, &[7; 32], size_bytes).await.is_err());
    assert!(objects.hash(TenantId(8), NAME, key, size_bytes).await.is_err());
    for size_bytes in [0, 99_999, 100_001, CHUNK_BYTES as u64, u64::MAX / 2] {
        assert!(objects.hash(TENANT, NAME, key, size_bytes).await.is_err(), "{size_bytes}");
    }
    let other = Id(1);
    assert!(matches!(objects.hash(TENANT, other, key, size_bytes).await, Err(Unreadable::Missing)));
    let root = folder.path().join("objects");
    fs::create_dir_all(root.join(path(other)).parent().unwrap()).unwrap();
    fs::copy(root.join(path(NAME)), root.join(path(other))).unwrap();
    assert!(objects.hash(TENANT, other, key, size_bytes).await.is_err(), "a copy");
}

#[tokio::test]
async fn an_object_is_never_replaced() {
    let (folder, objects) = open().await;
    let first = store(&objects, NAME, b"first").await.unwrap();
    let error = store(&objects, NAME, b"second").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(read(&objects, &first, 0..5).await, b"first");
    assert_eq!(files(folder.path()).len(), 1, "the second draft is gone");
}

#[tokio::test]
async fn a_removed_object_is_gone() {
    let (folder, objects) = open().await;
    let stored = store(&objects, NAME, b"abc").await.unwrap();
    assert!(objects.remove(NAME).await.unwrap());
    assert!(!objects.remove(NAME).await.unwrap());
    assert!(matches!(given(&objects, &stored, 0..3).await.1, Some(Unreadable::Missing)));
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing() {
    let (folder, objects) = open().await;
    let mut writer = objects.create(TENANT, NAME);
    writer.write(Bytes::from(content(1_200_000))).await.unwrap();
    writer.write(Bytes::from(content(1_200_000))).await.unwrap();
    assert_eq!(files(folder.path()).len(), 1, "a draft");
    drop(writer);
    // The thread that writes the last batch takes the draft with it.
    let gone = async {
        while !files(folder.path()).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.unwrap();
}

#[tokio::test]
async fn a_failing_disk_gives_the_object_up() {
    let (folder, objects) = open().await;
    // Without its folder a draft cannot be made.
    fs::remove_dir(folder.path().join("objects").join(folder::DRAFTS)).unwrap();
    assert!(store(&objects, NAME, &[0; 1_000_000]).await.is_err());
    let mut writer = objects.create(TENANT, NAME);
    while writer.write(Bytes::from_static(&[7; 100_000])).await.is_ok() {}
    assert!(writer.finish().await.is_err(), "an error is final");
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn opening_sweeps_what_a_dead_process_left_but_not_what_is_being_written() {
    let (folder, objects) = open().await;
    let root = folder.path().join("objects");
    let drafts = root.join(folder::DRAFTS);
    let mut writer = objects.create(TENANT, NAME);
    for _ in 0..2 {
        writer.write(Bytes::from(content(300_000))).await.unwrap();
    }
    fs::write(drafts.join("left"), b"half").unwrap();
    let whole = store(&objects, Id(1), b"abc").await.unwrap();
    assert_eq!(objects.dead_drafts(false).await.unwrap(), ["drafts/left"]);

    let again = Objects::in_folder(&root, &CallRate::default()).await.unwrap();
    assert!(!drafts.join("left").exists());
    assert_eq!(read(&again, &whole, 0..3).await, b"abc");
    let stored = writer.finish().await.unwrap();
    assert_eq!(read(&again, &stored, 0..600_000).await.len(), 600_000);
    assert!(again.dead_drafts(true).await.unwrap().is_empty());
}

#[tokio::test]
async fn objects_are_listed_in_order_page_by_page() {
    let (folder, objects) = open().await;
    let mut expected = HashSet::new();
    for number in 0..50 {
        let stored = objects.create_behind(TENANT).finish().await.unwrap();
        expected.insert(stored.object_id.0);
        // Two in one folder, now and then.
        if number % 10 == 0 {
            let near = folder.path().join("objects").join(path(stored.object_id));
            fs::write(near.with_file_name("x"), b"").unwrap();
        }
    }
    fs::write(folder.path().join("objects").join("stray"), b"").unwrap();
    let (mut found, mut unknown, mut after) = (HashSet::new(), 0, String::new());
    loop {
        let page = objects.list(&after, 7).await.unwrap();
        for listed in &page {
            assert!(listed.path > after, "{} after {after}", listed.path);
            after.clone_from(&listed.path);
            match listed.object_id {
                Some(object_id) => assert!(found.insert(object_id.0)),
                None => unknown += 1,
            }
        }
        if page.len() < 7 {
            break;
        }
    }
    assert_eq!((found, unknown), (expected, 6));
}

#[test]
fn ids_made_in_a_row_lie_in_many_folders() {
    let folders = |shift: u32| {
        let ids = (0..1_000_i64).map(|at| path(Id(NAME.0 + (at << shift)))[..5].to_owned());
        ids.collect::<HashSet<_>>().len()
    };
    assert!(folders(0) > 900 && folders(22) > 900);
}

/// Numbers at random that can be drawn again.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// What can be done to an object by an attacker who can write to the disk.
const MANIPULATIONS: [&str; 12] = [
    "bit flip",
    "byte change",
    "header change",
    "cut anywhere",
    "cut at a chunk",
    "bytes added",
    "chunk added",
    "chunks exchanged",
    "chunk over another",
    "chunk left out",
    "object of another order",
    "spliced with another",
];

/// Bytes of what `kind` makes of `stored`; `others` are whole objects, it among them.
fn manipulated(kind: usize, stored: &[u8], others: &[Vec<u8>], draw: &mut Draw) -> Vec<u8> {
    let mut bytes = stored.to_vec();
    let chunk = sealed::SEALED_CHUNK_BYTES;
    let chunks = (stored.len() - HEADER_BYTES).div_ceil(chunk);
    let range = |index: usize| {
        let begin = HEADER_BYTES + index * chunk;
        begin..(begin + chunk).min(stored.len())
    };
    let (one, two) = (draw.below(chunks), draw.below(chunks));
    let other = &others[draw.below(others.len())];
    match kind {
        0 => bytes[draw.below(stored.len())] ^= 1 << draw.below(8),
        1 => bytes[draw.below(stored.len())] = draw.below(256) as u8,
        2 => bytes[draw.below(HEADER_BYTES)] = draw.below(256) as u8,
        3 => bytes.truncate(draw.below(stored.len())),
        4 => bytes.truncate(range(one).start),
        5 => bytes.extend((0..=draw.below(100)).map(|_| draw.below(256) as u8)),
        6 => bytes.extend_from_slice(&stored[range(one)]),
        7 => {
            let (first, second) = (range(one.min(two)), range(one.max(two)));
            if first != second {
                let between = &stored[first.end..second.start];
                let parts = [
                    &stored[..first.start],
                    &stored[second.clone()],
                    between,
                    &stored[first],
                    &stored[second.end..],
                ];
                bytes = parts.concat();
            }
        }
        8 => {
            let from = stored[range(one)].to_vec();
            bytes.splice(range(two), from);
        }
        9 => drop(bytes.drain(range(one))),
        10 => bytes.clone_from(other),
        _ => {
            let at = draw.below(stored.len().min(other.len()));
            bytes = [&stored[..at], &other[at..]].concat();
        }
    }
    bytes
}

#[tokio::test]
async fn ten_thousand_manipulations_are_all_found() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| random::bits().unsigned_abs() | 1);
    let mut draw = Draw(seed);
    let (folder, objects) = open().await;
    let (mut all, mut contents) = (Vec::new(), Vec::new());
    // Two of each length, as of two orders: what fits best where it does not belong.
    for length in [1, 1, 65_535, 65_535, 65_536, 65_536, 65_537, 65_537, 200_000, 200_000, 0, 0] {
        let content: Vec<u8> = (0..length).map(|_| draw.below(256) as u8).collect();
        let name = Id(random::bits() & i64::MAX);
        all.push(store(&objects, name, &content).await.unwrap());
        contents.push(content);
    }
    let file = |at: usize| folder.path().join("objects").join(path(all[at].object_id));
    let stored: Vec<_> = (0..all.len()).map(|at| fs::read(file(at)).unwrap()).collect();
    let (mut done, mut found) = ([0; MANIPULATIONS.len()], [0; MANIPULATIONS.len()]);
    while done.iter().sum::<usize>() < 10_000 {
        let (at, kind) = (draw.below(all.len()), draw.below(MANIPULATIONS.len()));
        let bytes = manipulated(kind, &stored[at], &stored, &mut draw);
        if bytes == stored[at] {
            continue;
        }
        fs::write(file(at), &bytes).unwrap();
        let (given, error) = given(&objects, &all[at], 0..all[at].size_bytes).await;
        fs::write(file(at), &stored[at]).unwrap();
        done[kind] += 1;
        found[kind] += usize::from(matches!(error, Some(Unreadable::Damaged(_))));
        assert!(contents[at].starts_with(&given), "{}: seed {seed}", MANIPULATIONS[kind]);
    }
    for ((name, done), found) in MANIPULATIONS.iter().zip(done).zip(found) {
        println!("{name}: {found} of {done} found");
        assert!(done > 50, "{name} was hardly tried");
    }
    println!(
        "seed {seed}: {} of {} found",
        found.iter().sum::<usize>(),
        done.iter().sum::<usize>()
    );
    assert_eq!(found, done, "seed {seed}");
    for (stored, content) in all.iter().zip(&contents) {
        assert_eq!(&read(&objects, stored, 0..stored.size_bytes).await, content, "as it was");
    }
}
