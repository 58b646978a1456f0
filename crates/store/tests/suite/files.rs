//! Files: stored sealed, found by their own tenant alone, and taken away while no order uses them.

use domain::{Id, TenantId};
use store::files::File;
use store::{FaultKind, Key, Saved};

use crate::support::*;

on_both!(a_file_is_kept_sealed_for_its_tenant, only_unused_files_of_before_are_taken_away);

fn file(file_id: Id) -> File {
    let (name, key) = ("张三的简历.pdf".to_owned(), Key::random());
    File { file_id, name, size_bytes: 7, sha256: vec![5; 32], key }
}

async fn a_file_is_kept_sealed_for_its_tenant(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let stored = file(store.make_id(NOW));
    assert_eq!(store.create_file(tenant, &stored, None).await.unwrap(), Saved::Done);
    let found = world.replica().await.find_file(tenant, stored.file_id).await.unwrap().unwrap();
    assert_eq!((found.file_id, found.name, found.size_bytes), (stored.file_id, stored.name, 7));
    assert_eq!((found.sha256, found.key.bytes()), (stored.sha256, stored.key.bytes()));
    assert!(store.find_file(tenant, Id(1)).await.unwrap().is_none());
    let stranger = world.scene(false, false).await;
    assert!(store.find_file(&stranger.tenant, stored.file_id).await.unwrap().is_none());
    // A key that was moved into another row does not open.
    let other = file(store.make_id(NOW));
    store.create_file(tenant, &other, None).await.unwrap();
    let moved = format!(
        "UPDATE files SET wrapped_key = (SELECT wrapped_key FROM files WHERE file_id = {}) \
         WHERE file_id = {}",
        stored.file_id, other.file_id
    );
    world.raw(&moved).await;
    let fault = store.find_file(tenant, other.file_id).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Damaged);
}

async fn only_unused_files_of_before_are_taken_away(world: &World) {
    let scene = world.scene(false, false).await;
    let (store, tenant) = (&world.store, &scene.tenant);
    let tenant_id = tenant.tenant_id;
    let (old, used, young) =
        (store.make_id(NOW), store.make_id(NOW), store.make_id(NOW.plus_ms(1)));
    for file_id in [old, used, young] {
        store.create_file(tenant, &file(file_id), None).await.unwrap();
    }
    assert_eq!(store.use_files(tenant_id, &[]).await.unwrap(), None);
    assert_eq!(store.use_files(tenant_id, &[used, Id(1)]).await.unwrap(), Some(1));
    assert_eq!(store.use_files(TenantId(1), &[used]).await.unwrap(), Some(0));
    let list = async |before| store.list_unused_files(before, 10).await.unwrap();
    assert_eq!(list(NOW.plus_ms(1)).await, [(tenant_id, old), (tenant_id, used)], "none was used");
    assert_eq!(store.use_files(tenant_id, &[used, used]).await.unwrap(), None);
    assert_eq!(list(NOW).await, []);
    assert_eq!(list(NOW.plus_ms(1)).await, [(tenant_id, old)]);
    assert_eq!(list(NOW.plus_ms(2)).await, [(tenant_id, old), (tenant_id, young)]);
    assert!(!store.delete_unused_file(tenant_id, used).await.unwrap());
    assert!(!store.delete_unused_file(TenantId(1), old).await.unwrap());
    assert!(store.delete_unused_file(tenant_id, old).await.unwrap());
    assert!(store.find_file(tenant, old).await.unwrap().is_none());
    assert!(store.find_file(tenant, used).await.unwrap().is_some());
}
