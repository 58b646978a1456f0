//! The audit chain against whoever wants to change it: ten thousand random edits, deletions, swaps, insertions and
//! cuts of an exported chain, every one of which must be found.

#![allow(clippy::unwrap_used, reason = "tests state what they expect by unwrapping")]

use contract::evidence::{
    Anchor, AuditAct, AuditActor, AuditEntry, Chain, ChainFault, Evidence as _, chain_header,
    chain_line, chain_start, chain_step,
};
use contract::hex::to_hex;

const TENANT_KEY: &str = "00000000000000aa";
const ENTRIES: u64 = 40;
const MANIPULATIONS: usize = 10_000;

/// A small generator with a fixed seed, so that a manipulation that is not found can be made again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// An export of [`ENTRIES`] entries, and an anchor of its end.
fn export(tenant_key: &str) -> (Vec<String>, Anchor) {
    let mut lines = vec![chain_header(tenant_key)];
    let mut hash = chain_start(tenant_key);
    for seq in 1..=ENTRIES {
        let act = if seq % 3 == 0 { AuditAct::OrderApproved } else { AuditAct::ReportViewed };
        let mut entry = AuditEntry::new(
            1_795_000_000_000 + i64::try_from(seq).unwrap(),
            act,
            AuditActor::ApiKey,
        );
        entry.actor_id = Some((7_000_000_000_000_000_000 + seq / 2).to_string());
        entry.order_id = Some("7000000000000000001".to_owned());
        // Every fourth entry is the twin of the one before it, so that only their places distinguish them.
        if seq % 4 == 0 {
            entry.at_ms -= 1;
        }
        entry.details.insert("range".to_owned(), "0-65535".to_owned());
        let text = entry.text();
        hash = chain_step(&hash, &text);
        lines.push(chain_line(seq, &hash, &text));
    }
    let anchor = Anchor {
        kind: Anchor::KIND.to_owned(),
        tenant_key: tenant_key.to_owned(),
        seq: ENTRIES,
        hash: to_hex(&hash),
        at_ms: 1_795_000_100_000,
    };
    (lines, anchor)
}

fn verify(bytes: &[u8], anchors: &[Anchor]) -> Result<u64, ChainFault> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(ChainFault::Header) };
    let mut lines = text.split_terminator('\n');
    let mut chain = Chain::begin(lines.next().unwrap_or_default(), anchors)?;
    for line in lines {
        chain.take(line)?;
    }
    chain.end()?;
    Ok(chain.seq())
}

fn file(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

#[test]
fn ten_thousand_manipulations_are_all_found() {
    let (lines, anchor) = export(TENANT_KEY);
    let (foreign, _) = export("00000000000000ab");
    let anchors = [anchor];
    let whole = file(&lines);
    assert_eq!(verify(&whole, &anchors), Ok(ENTRIES));
    let mut random = Random(0x5eed_0001);
    let mut built = [0; 8];
    while built.iter().sum::<usize>() < MANIPULATIONS {
        let kind = random.below(built.len());
        let mut lines = lines.clone();
        let at = 1 + random.below(lines.len() - 1);
        let altered = match kind {
            // One byte becomes another one.
            0 => {
                let mut bytes = whole.clone();
                let index = random.below(bytes.len());
                // The last line feed may be missing: then nothing has changed.
                bytes[index] ^= 1 << random.below(8);
                bytes
            }
            // An entry goes.
            1 => {
                lines.remove(at);
                file(&lines)
            }
            // Two entries change places.
            2 => {
                let other = 1 + random.below(lines.len() - 1);
                lines.swap(at, other);
                file(&lines)
            }
            // An entry stands twice.
            3 => {
                let twin = lines[at].clone();
                lines.insert(1 + random.below(lines.len()), twin);
                file(&lines)
            }
            // The end is cut off, also in the middle of a line.
            4 => {
                let length = random.below(whole.len() - 1);
                whole[..length].to_vec()
            }
            // An entry is rewritten with a right hash of its own, as if nothing came after it.
            5 => {
                let mut chain = Chain::new(TENANT_KEY, &[]);
                let before = lines[1..at].iter().map(|line| chain.take(line).unwrap()).count();
                let mut entry = AuditEntry::new(1, AuditAct::HoldLifted, AuditActor::System);
                entry.order_id = Some(random.next().to_string());
                let hash = chain_step(&chain.hash(), &entry.text());
                lines[at] = chain_line(before as u64 + 1, &hash, &entry.text());
                file(&lines)
            }
            // Everything from an entry on is made anew, with right hashes throughout.
            6 => {
                let mut chain = Chain::new(TENANT_KEY, &[]);
                for line in &lines[1..at] {
                    chain.take(line).unwrap();
                }
                let mut hash = chain.hash();
                for (seq, line) in (at as u64..).zip(&mut lines[at..]) {
                    let mut entry = AuditEntry::new(2, AuditAct::ReportViewed, AuditActor::System);
                    entry.order_id = Some(random.next().to_string());
                    hash = chain_step(&hash, &entry.text());
                    *line = chain_line(seq, &hash, &entry.text());
                }
                file(&lines)
            }
            // An entry of another tenant's chain, or that whole chain under this one's name.
            _ => {
                if random.below(2) == 0 {
                    lines[at].clone_from(&foreign[at]);
                } else {
                    lines[1..].clone_from_slice(&foreign[1..]);
                }
                file(&lines)
            }
        };
        // A swap of an entry with itself changes nothing.
        if altered == whole {
            continue;
        }
        built[kind] += 1;
        assert!(verify(&altered, &anchors).is_err(), "kind {kind} at {at} was not found");
    }
    assert!(built.iter().all(|count| *count > 1_000), "every kind was tried: {built:?}");
}

#[test]
fn a_cut_between_entries_is_found_by_the_anchor_alone() {
    let (lines, anchor) = export(TENANT_KEY);
    let cut = file(&lines[..lines.len() - 1]);
    assert_eq!(verify(&cut, &[]), Ok(ENTRIES - 1));
    let found = verify(&cut, std::slice::from_ref(&anchor));
    assert_eq!(found, Err(ChainFault::Cut { anchored: ENTRIES, found: ENTRIES - 1 }));
    let other = Anchor { hash: to_hex(&[7; 32]), ..anchor.clone() };
    assert_eq!(verify(&file(&lines), &[other]), Err(ChainFault::Anchored { seq: ENTRIES }));
    let foreign = Anchor { tenant_key: "00000000000000ab".to_owned(), seq: 99, ..anchor };
    assert_eq!(verify(&file(&lines), &[foreign]), Ok(ENTRIES));
}

#[test]
fn every_entry_of_an_empty_chain_and_of_a_wrong_header_is_told() {
    assert_eq!(verify(b"", &[]), Err(ChainFault::Header));
    assert_eq!(verify(b"{\"audit_chain\":\"00000000000000aa\"}\n", &[]), Ok(0));
    assert_eq!(verify(b"{\"audit_chain\":\"00000000000000AA\"}\n", &[]), Err(ChainFault::Header));
}
