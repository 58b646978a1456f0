//! `probity audit`, `key public`, `report verify`, `retention`, `hold`, `erasure`: against a server, and without one.

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use contract::control::ReportKind;
use contract::evidence::{
    Evidence as _, Manifest, ManifestVersion, detached, key_id, sha256, signed_text, signing_input,
};
use contract::hex::to_hex;

use crate::field;
use crate::harness::{World, done, mode, probity};

fn path(folder: &Path, name: &str) -> (PathBuf, String) {
    let path = folder.join(name);
    (path.clone(), path.to_str().unwrap().to_owned())
}

#[test]
fn an_audit_chain_is_exported_and_verified_here_and_elsewhere() {
    let world = World::start();
    world.run(&["tenant", "create", "--name", "星河科技"]);
    let reported = world.run(&["audit", "verify"]).text();
    assert_eq!((field(&reported, "entries"), field(&reported, "verdict")), ("2", "whole"));
    let reported = world.run(&["audit", "verify", "--operator"]).text();
    assert_eq!(
        (field(&reported, "chain of"), field(&reported, "last act")),
        ("the operator", "tenant_created")
    );
    let folder = tempfile::tempdir().unwrap();
    let (file, name) = path(folder.path(), "chain.jsonl");
    world.run(&["audit", "export", "--out", &name]);
    assert_eq!(mode(&file), 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!((text.lines().count(), text.contains("星河科技")), (3, false));

    // Without a server, and without any key.
    let mut verify = probity();
    let reported = done(verify.args(["audit", "verify", &name])).text();
    assert_eq!((field(&reported, "entries"), field(&reported, "verdict")), ("2", "whole"));
    std::fs::write(&file, text.replacen("tenant_created", "tenant_creates", 1)).unwrap();
    let words = done(probity().args(["audit", "verify", &name])).failed(1);
    assert!(words.contains("entry 1"), "{words}");
    std::fs::write(&file, text.rsplit_once("{\"seq\":2").unwrap().0).unwrap();
    done(probity().args(["audit", "verify", &name])).text();
}

#[test]
fn a_report_is_verified_with_the_binary_and_the_public_key_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (report, report_name) = path(folder.path(), "report.pdf");
    let (manifest, manifest_name) = path(folder.path(), "manifest.json");
    let (key_file, key_name) = path(folder.path(), "hub.pub");
    let content = b"%PDF-1.7 content";
    let pair = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).unwrap();
    let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    let text = Manifest {
        kind: Manifest::KIND.into(),
        tenant_key: "00000000000000aa".into(),
        order_id: "7000000000000000001".into(),
        number: 1,
        before: None,
        made_at_ms: 1,
        versions: vec![ManifestVersion {
            report_id: "7000000000000000002".into(),
            version: 1,
            kind: ReportKind::Final,
            sha256: to_hex(&sha256(content)),
            size_bytes: content.len() as u64,
            source_host: Some("reports.vendor.example".into()),
            log_id: None,
            accepted_at_ms: 1,
            fetched_at_ms: 2,
        }],
    }
    .text();
    let input = signing_input::<Manifest>(&text, &key_id(&public));
    let signature = detached(&input, pair.sign(input.as_bytes()).as_ref().try_into().unwrap());
    let signed = signed_text::<Manifest>(&text, signature.as_bytes(), &key_id(&public)).unwrap();
    std::fs::write(&report, content).unwrap();
    std::fs::write(&manifest, &signed).unwrap();
    std::fs::write(&key_file, to_hex(&public) + "\n").unwrap();
    let verify = |key: &str| {
        let words = ["report", "verify", &report_name, "--manifest", &manifest_name];
        done(probity().args(words).args(["--public-key", key]))
    };
    for key in [key_name.as_str(), &to_hex(&public)] {
        let reported = verify(key).text();
        assert_eq!(field(&reported, "order"), "7000000000000000001");
        assert_eq!(field(&reported, "came from"), "reports.vendor.example");
    }
    let words = verify(&to_hex(&[3; 32])).failed(1);
    assert!(words.contains("was signed by key"), "{words}");
    std::fs::write(&report, b"%PDF-1.7 Content").unwrap();
    assert!(verify(&key_name).failed(1).contains("not listed"));
    std::fs::write(&report, content).unwrap();
    std::fs::write(&manifest, signed.replace("\"number\":1", "\"number\":2")).unwrap();
    assert!(verify(&key_name).failed(1).contains("was altered"));
}

#[test]
fn retention_and_holds_are_set_and_the_public_key_is_shown() {
    let world = World::start();
    world.run(&["tenant", "create", "--name", "星河科技"]);
    let reported = world.run(&["retention", "set", "pkg-a=30", "pkg-b=90"]).text();
    assert_eq!(field(&reported, "kept for"), "365 days after the end");
    assert!(reported.contains("pkg-b") && reported.contains("90"), "{reported}");
    let reported = world.run(&["hold", "set", "--reason", "诉讼保全"]).text();
    assert_eq!(field(&reported, "reason"), "诉讼保全");
    world.run(&["hold", "lift"]);
    let reported = world.run(&["erasure", "preview"]).text();
    assert!(reported.starts_with("ORDER"), "{reported}");
    let reported = world.run(&["key", "public"]).text();
    assert_eq!(field(&reported, "public key").len(), 64);
}
