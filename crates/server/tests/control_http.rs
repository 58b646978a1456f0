//! What holds for every call of the control API: keys, media types, sizes, unknown paths.

mod harness;

use harness::World;

#[tokio::test]
async fn a_started_server_is_ready_on_every_engine() {
    World::each(async |world| {
        let answer = world.request("GET", "/readyz", "").send().await.unwrap();
        assert_eq!(answer.status(), 200);
    })
    .await;
}
