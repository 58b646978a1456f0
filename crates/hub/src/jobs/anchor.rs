//! Anchors: every minute the heads of the audit chains that moved are signed and appended to a file, and sent to
//! another host where the operator names one. Whoever cuts off the end of a chain would have to cut them as well.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use contract::evidence::{Anchor as Note, Evidence as _};
use contract::hex::to_hex;
use domain::TenantId;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outbound::Answer;
use store::audit::{Head, chain_name};
use store::{Fault, FaultKind};

use super::job::Job;
use crate::Hub;

/// An installation of many tenants is gone through in parts, so that it takes little memory.
const HEADS_AT_ONCE: u32 = 100;
/// Notes that wait for the other host; older ones stand in the file alone.
const UNSENT_MAX: usize = 10_000;

/// Where anchors go.
pub struct Anchors {
    /// The file to which they are appended, one signed note in each line.
    pub file: PathBuf,
    /// Another host that gets them too.
    pub url: Option<String>,
}

/// Anchors what moved.
#[derive(Default)]
pub(super) struct Anchor {
    /// The newest entry of each chain that this process has anchored.
    anchored: HashMap<TenantId, u64>,
    unsent: Vec<String>,
}

impl Job for Anchor {
    fn run<'j>(&'j mut self, hub: &'j Hub) -> BoxFuture<'j, Result<(), Fault>> {
        self.anchor(hub).boxed()
    }
}

impl Anchor {
    async fn anchor(&mut self, hub: &Hub) -> Result<(), Fault> {
        let (at_ms, mut after) = (hub.installation_clock.now().0, TenantId(i64::MIN));
        loop {
            let heads = hub.store.list_audit_heads(after, HEADS_AT_ONCE).await?;
            let Some(last) = heads.last() else { break };
            after = last.tenant_id;
            self.anchor_moved(hub, &heads, at_ms).await?;
        }
        if hub.anchors.url.is_some() {
            self.send(hub).await;
        }
        Ok(())
    }

    /// Anchors those of the heads that moved.
    async fn anchor_moved(&mut self, hub: &Hub, heads: &[Head], at_ms: i64) -> Result<(), Fault> {
        let has_moved = |head: &&Head| self.anchored.get(&head.tenant_id) != Some(&head.seq);
        let moved: Vec<&Head> = heads.iter().filter(has_moved).collect();
        if moved.is_empty() {
            return Ok(());
        }
        let lines =
            moved.iter().map(|head| line(hub, head, at_ms)).collect::<Result<Vec<_>, _>>()?;
        append(hub.anchors.file.clone(), lines.concat()).await?;
        self.anchored.extend(moved.iter().map(|head| (head.tenant_id, head.seq)));
        if hub.anchors.url.is_some() {
            self.unsent.extend(lines);
            let excess = self.unsent.len().saturating_sub(UNSENT_MAX);
            self.unsent.drain(..excess);
        }
        Ok(())
    }

    /// Sends what waits; what does not arrive is sent with the next minute's.
    async fn send(&mut self, hub: &Hub) {
        let Some(url) = hub.anchors.url.clone() else {
            return;
        };
        if self.unsent.is_empty() {
            return;
        }
        let headers = [("content-type", "application/jsonl".to_owned())];
        match hub.outbound.post(&url, &headers, self.unsent.concat().into()).await {
            Ok(Answer { status: 200..300, .. }) => self.unsent.clear(),
            Ok(Answer { status, .. }) => {
                tracing::warn!(status, "the anchors were not taken, and are sent again");
            }
            Err(failure) => {
                tracing::warn!(class = failure.class(), "the anchors were not sent");
            }
        }
    }
}

fn line(hub: &Hub, head: &Head, at_ms: i64) -> Result<String, Fault> {
    let note = Note {
        kind: Note::KIND.to_owned(),
        tenant_key: chain_name(head.tenant_id),
        seq: head.seq,
        hash: to_hex(&head.hash),
        at_ms,
    };
    let (signer, text) = (hub.store.signer(), note.text());
    signer.file::<Note>(&text, signer.sign::<Note>(&text).as_bytes())
}

/// Appends to the file and waits until it is on the disk.
async fn append(path: PathBuf, text: String) -> Result<(), Fault> {
    let work = move || -> std::io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.create(true).append(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|_| Err(std::io::Error::other("the append panicked")));
    done.map_err(|error| Fault::new(FaultKind::Storage, format_args!("audit anchors: {error}")))
}
