//! What proves something, verified by JWS libraries of other languages with the public key as a JWK.

#![expect(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

#[path = "conformance/driver.rs"]
mod driver;
mod harness;

use std::io::Write as _;
use std::process::Stdio;

use contract::check::ReportUrlType;
use contract::control::{EraseOrder, Jwk};
use contract::evidence::{Anchor, Certificate, Evidence as _, Manifest};
use driver::Sdk;
use harness::filed::Filed;
use harness::{BEGIN, Engine, World};
use serde_json::{Value, json};
use system::clock::Clock;

/// What the library says is the payload; none when the file does not verify.
fn verify(sdk: Sdk, jwk: &Jwk, name: &str, jws: &Value) -> Option<String> {
    let mut command = sdk.program("verify").unwrap();
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let given = json!({ "jwk": jwk, "typ": format!("probity-{name}+jws"), "jws": jws });
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn libraries_of_other_languages_verify_what_we_sign_and_refuse_what_was_altered() {
    let sdks: Vec<_> = [Sdk::Python, Sdk::Node]
        .into_iter()
        .filter(|sdk| match sdk.program("verify") {
            Ok(_) => true,
            Err(why) if driver::is_demanded() => panic!("{why}"),
            Err(why) => {
                eprintln!("skipped: {why}");
                false
            }
        })
        .collect();
    let world = World::start(Engine::Sqlite, Clock::manual(BEGIN), false, |_| {}).await;
    let mut scene = Filed::new(&world, ReportUrlType::Download).await;
    scene.store().await;
    hub::work::settle(&world.app.hub).await.unwrap();
    let (hirer, order_id) = (scene.seed.hirer.clone(), scene.order_id.as_str());
    let (control, key) = (&hirer.control, hirer.tenant_key.as_str());
    let manifest = control.get_manifest(key, order_id).await.unwrap();
    let body = EraseOrder { reason: "不再需要".to_owned() };
    let officer = world.control(&world.member_key(&hirer, "privacy_officer").await);
    officer.erase_order(key, order_id, &body).await.unwrap();
    let certificate = control.get_certificate(key, order_id).await.unwrap();
    let anchors = std::fs::read_to_string(world.data().join("audit-anchors.jsonl")).unwrap();
    let anchor = anchors.lines().next().unwrap().to_owned();
    let jwk = world.operator.get_public_key().await.unwrap().jwk;
    for (name, file) in
        [(Manifest::NAME, manifest), (Certificate::NAME, certificate), (Anchor::NAME, anchor)]
    {
        let file: Value = serde_json::from_str(&file).unwrap();
        for sdk in &sdks {
            let payload =
                verify(*sdk, &jwk, name, &file).unwrap_or_else(|| panic!("{sdk:?} {name}"));
            assert_eq!(serde_json::from_str::<Value>(&payload).unwrap(), file[name]);
            for member in ["payload", "protected", "signature"] {
                let mut altered = file.clone();
                let text = file[member].as_str().unwrap();
                let other = if text.as_bytes()[20] == b'A' { "B" } else { "A" };
                altered[member] = json!(format!("{}{other}{}", &text[..20], &text[21..]));
                assert_eq!(verify(*sdk, &jwk, name, &altered), None, "{sdk:?} {name} {member}");
            }
        }
    }
}
