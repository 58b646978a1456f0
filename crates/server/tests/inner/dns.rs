//! A name server for tests: it answers by a function of the name and of how often it was asked for.
//!
//! Source: RFC 1035, section 4.

use std::collections::HashMap;
use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, Mutex};

/// What a name has.
pub(crate) enum Found {
    /// These addresses.
    Addresses(Vec<IpAddr>),
    /// Another name, and what that one has.
    Alias(String, Vec<IpAddr>),
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;

/// A name server at 127.0.0.1:53.
#[derive(Clone)]
pub(crate) struct Dns {
    asked: Arc<Mutex<HashMap<(String, u16), usize>>>,
}

impl Dns {
    /// Answers from now on; the function gets a name and how often its addresses were asked for before.
    pub(crate) fn start(zone: impl Fn(&str, usize) -> Found + Send + 'static) -> Dns {
        let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
        let dns = Dns { asked: Arc::default() };
        let shared = dns.clone();
        std::thread::spawn(move || {
            let mut question = [0; 1_500];
            while let Ok((length, peer)) = socket.recv_from(&mut question) {
                if let Some(answer) = shared.answer(&question[..length], &zone) {
                    // Who asked may be gone.
                    let _ = socket.send_to(&answer, peer);
                }
            }
        });
        dns
    }

    /// How often a name's addresses of the fourth version were asked for.
    pub(crate) fn asked(&self, name: &str) -> usize {
        self.asked.lock().unwrap().get(&(name.to_owned(), A)).copied().unwrap_or(0)
    }

    fn answer(&self, message: &[u8], zone: &impl Fn(&str, usize) -> Found) -> Option<Vec<u8>> {
        let (name, end) = name_at(message, 12)?;
        let kind = u16::from_be_bytes([*message.get(end)?, *message.get(end + 1)?]);
        let question = message.get(12..end + 4)?;
        let before = {
            let mut asked = self.asked.lock().unwrap();
            let count = asked.entry((name.clone(), kind)).or_default();
            *count += 1;
            *count - 1
        };
        let mut records = Vec::new();
        let mut count: u16 = 0;
        let (owner, addresses) = match zone(&name, before) {
            Found::Addresses(addresses) => (name, addresses),
            Found::Alias(alias, addresses) => {
                count += 1;
                record(&mut records, &name, CNAME, &encoded(&alias));
                (alias, addresses)
            }
        };
        for address in addresses {
            let data = match (address, kind) {
                (IpAddr::V4(v4), A) => v4.octets().to_vec(),
                (IpAddr::V6(v6), AAAA) => v6.octets().to_vec(),
                _ => continue,
            };
            count += 1;
            record(&mut records, &owner, kind, &data);
        }
        // An answer, recursion available, no error; one question.
        let mut answer = message[..2].to_vec();
        answer.extend([0x81, 0x80, 0, 1]);
        answer.extend(count.to_be_bytes());
        answer.extend([0, 0, 0, 0]);
        answer.extend(question);
        answer.extend(records);
        Some(answer)
    }
}

/// The name that begins at `at`, and where it ends.
fn name_at(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join("."), at));
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_lowercase());
        at += length;
    }
}

fn encoded(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// One record that nobody may keep: it lives for 0 s.
fn record(records: &mut Vec<u8>, owner: &str, kind: u16, data: &[u8]) {
    records.extend(encoded(owner));
    records.extend(kind.to_be_bytes());
    records.extend([0, 1, 0, 0, 0, 0]);
    records.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    records.extend(data);
}
