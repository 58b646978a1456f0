//! Frames of the long connection: one protobuf message of package `pbbp2` (proto2) each. The four integers are
//! required, also when 0: the SDKs refuse a frame without. Source: contract, sections 5.5, 5.6 and 9.2.

use crate::json::{self, Node};
use prost::Message as _;

/// `method` of pings and pongs.
pub const METHOD_CONTROL: i32 = 0;
/// `method` of events and their acks.
pub const METHOD_DATA: i32 = 1;

/// `type` of an event.
pub const TYPE_EVENT: &str = "event";
/// `type` of a client's ping.
pub const TYPE_PING: &str = "ping";
/// `type` of the answer to a ping.
pub const TYPE_PONG: &str = "pong";

/// Header key: what a frame is.
pub const KEY_TYPE: &str = "type";
/// Header key: the id of one try to deliver.
pub const KEY_MESSAGE_ID: &str = "message_id";
/// Header key: the number of parts, `1` when whole.
pub const KEY_SUM: &str = "sum";
/// Header key: the place of the part, from `0`.
pub const KEY_SEQ: &str = "seq";
/// Header key: free text by which both ends find a try in their logs.
pub const KEY_TRACE_ID: &str = "trace_id";
/// Header key: when the frame was made, in milliseconds since the epoch.
pub const KEY_TIMESTAMP: &str = "timestamp";

/// `code` of an ack when the handler took the event.
pub const ACK_HANDLED: u16 = 200;

/// Most bytes of an event in one frame, longer ones are sent in parts: the Python SDK's websocket takes up to 1 MiB.
pub const PART_BYTES_MAX: usize = 512 * 1024;

/// One frame.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Free; 0 in pings, echoed in acks.
    pub seq_id: u64,
    /// Free; 0 in pings, echoed in acks.
    pub log_id: u64,
    /// The `service_id` of the connection's URL.
    pub service: i32,
    /// [`METHOD_CONTROL`] or [`METHOD_DATA`].
    pub method: i32,
    /// Keys and values, in their order.
    pub headers: Vec<(String, String)>,
    /// How the payload is encoded; not used by anyone.
    pub payload_encoding: Option<String>,
    /// What the payload is; not used by anyone.
    pub payload_type: Option<String>,
    /// An event, an ack or a client config, as JSON.
    pub payload: Option<Vec<u8>>,
    /// Not used by anyone.
    pub log_id_new: Option<String>,
}

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Truncated, or no protobuf of this shape at all.
    #[error("expected a protobuf frame of package pbbp2")]
    NotAFrame,
    /// A required member is not there.
    #[error("expected the required member {0}")]
    Missing(&'static str),
}

impl Frame {
    /// A client's ping on the connection of `service`.
    pub fn ping(service: i32) -> Self {
        let headers = vec![header(KEY_TYPE, TYPE_PING)];
        Self { service, method: METHOD_CONTROL, headers, ..Self::default() }
    }

    /// The answer to a ping; `config` is a [`ClientConfig`](crate::endpoint::ClientConfig) as JSON, applied at once.
    pub fn pong(service: i32, config: Vec<u8>) -> Self {
        let headers = vec![header(KEY_TYPE, TYPE_PONG)];
        let payload = Some(config);
        Self { service, method: METHOD_CONTROL, headers, payload, ..Self::default() }
    }

    /// One event as the frames of one try: one up to [`PART_BYTES_MAX`], else parts of one `message_id`.
    pub fn event(
        service: i32,
        message_id: &str,
        trace_id: &str,
        timestamp_ms: i64,
        payload: &[u8],
    ) -> Vec<Self> {
        let parts: Vec<&[u8]> = match payload.len() {
            0..=PART_BYTES_MAX => vec![payload],
            _ => payload.chunks(PART_BYTES_MAX).collect(),
        };
        let sum = parts.len().to_string();
        let part = |(seq, part): (usize, &&[u8])| Self {
            seq_id: 1,
            log_id: 1,
            service,
            method: METHOD_DATA,
            headers: vec![
                header(KEY_TYPE, TYPE_EVENT),
                header(KEY_MESSAGE_ID, message_id),
                header(KEY_SUM, &sum),
                header(KEY_SEQ, &seq.to_string()),
                header(KEY_TRACE_ID, trace_id),
                header(KEY_TIMESTAMP, &timestamp_ms.to_string()),
            ],
            payload: Some(part.to_vec()),
            ..Self::default()
        };
        parts.iter().enumerate().map(part).collect()
    }

    /// The value of the first header with this key.
    pub fn header(&self, key: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
    }

    /// The frame as bytes; zeros and empty texts of required members are written too.
    pub fn encode(self) -> Vec<u8> {
        let wire = Wire {
            seq_id: Some(self.seq_id),
            log_id: Some(self.log_id),
            service: Some(self.service),
            method: Some(self.method),
            headers: self
                .headers
                .into_iter()
                .map(|(key, value)| WireHeader { key: Some(key), value: Some(value) })
                .collect(),
            payload_encoding: self.payload_encoding,
            payload_type: self.payload_type,
            payload: self.payload,
            log_id_new: self.log_id_new,
        };
        wire.encode_to_vec()
    }

    /// Reads a frame; unknown members are passed over. Errors: [`BadFrame`]
    pub fn decode(bytes: &[u8]) -> Result<Self, BadFrame> {
        let wire = Wire::decode(bytes).map_err(|_| BadFrame::NotAFrame)?;
        let header = |header: WireHeader| match (header.key, header.value) {
            (Some(key), Some(value)) => Ok((key, value)),
            (None, _) => Err(BadFrame::Missing("key")),
            (_, None) => Err(BadFrame::Missing("value")),
        };
        Ok(Self {
            seq_id: wire.seq_id.ok_or(BadFrame::Missing("SeqID"))?,
            log_id: wire.log_id.ok_or(BadFrame::Missing("LogID"))?,
            service: wire.service.ok_or(BadFrame::Missing("service"))?,
            method: wire.method.ok_or(BadFrame::Missing("method"))?,
            headers: wire.headers.into_iter().map(header).collect::<Result<_, _>>()?,
            payload_encoding: wire.payload_encoding,
            payload_type: wire.payload_type,
            payload: wire.payload,
            log_id_new: wire.log_id_new,
        })
    }
}

fn header(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

// The payload may hold personal data.
crate::debug_only! { Frame { seq_id, log_id, service, method, headers } }

/// The `code` of an ack's payload, [`ACK_HANDLED`] or 500; none when it is no JSON object with one.
pub fn ack_code(payload: &[u8]) -> Option<u16> {
    let Ok(Node::Object(members)) = json::parse(payload) else { return None };
    let code = members.into_iter().find(|(name, _)| name == "code")?.1;
    match code {
        Node::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        _ => None,
    }
}

/// As on the wire. Required members are optional here: so a zero is written, and a missing one is seen.
#[derive(Clone, PartialEq, prost::Message)]
struct Wire {
    #[prost(uint64, optional, tag = "1")]
    seq_id: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    log_id: Option<u64>,
    #[prost(int32, optional, tag = "3")]
    service: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    method: Option<i32>,
    #[prost(message, repeated, tag = "5")]
    headers: Vec<WireHeader>,
    #[prost(string, optional, tag = "6")]
    payload_encoding: Option<String>,
    #[prost(string, optional, tag = "7")]
    payload_type: Option<String>,
    #[prost(bytes = "vec", optional, tag = "8")]
    payload: Option<Vec<u8>>,
    #[prost(string, optional, tag = "9")]
    log_id_new: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireHeader {
    #[prost(string, optional, tag = "1")]
    key: Option<String>,
    #[prost(string, optional, tag = "2")]
    value: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ClientConfig;

    /// The samples of section 9.2, made by the Python SDK's message classes.
    const PING: &str = "0800100018f681801020002a0c0a0474797065120470696e67";
    const PONG: &str = "0800100018f681801020002a0c0a04747970651204706f6e6742547b225265636f6e6e656374436f756e74223a2d312c225265636f6e6e656374496e74657276616c223a3132302c225265636f6e6e6563744e6f6e6365223a33302c2250696e67496e74657276616c223a3132307d";
    const EVENT: &str = "0801100218f681801020012a0d0a047479706512056576656e742a100a0a6d6573736167655f696412026d312a080a0373756d1201312a080a037365711201302a0e0a0874726163655f69641202743142027b7d";
    const SERVICE: i32 = 33_554_678;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    fn sample_event() -> Frame {
        Frame {
            seq_id: 1,
            log_id: 2,
            service: SERVICE,
            method: METHOD_DATA,
            headers: [
                ("type", "event"),
                ("message_id", "m1"),
                ("sum", "1"),
                ("seq", "0"),
                ("trace_id", "t1"),
            ]
            .map(|(key, value)| header(key, value))
            .to_vec(),
            payload: Some(b"{}".to_vec()),
            ..Frame::default()
        }
    }

    #[test]
    fn the_samples_are_written_and_read_byte_for_byte() {
        let pong = Frame::pong(SERVICE, ClientConfig::default().to_vec());
        for (hex, frame) in [(PING, Frame::ping(SERVICE)), (PONG, pong), (EVENT, sample_event())] {
            assert_eq!(Frame::decode(&bytes(hex)), Ok(frame.clone()));
            assert_eq!(frame.encode(), bytes(hex));
        }
    }

    #[test]
    fn every_member_survives_the_way() {
        let frame = Frame {
            seq_id: u64::MAX,
            log_id: u64::MAX,
            service: i32::MIN,
            method: -1,
            headers: vec![header("", ""), header("键", "值")],
            payload_encoding: Some(String::new()),
            payload_type: Some("t".to_owned()),
            payload: Some(Vec::new()),
            log_id_new: Some("n".to_owned()),
        };
        assert_eq!(Frame::decode(&frame.clone().encode()), Ok(frame));
    }

    #[test]
    fn cut_and_foreign_bytes_are_no_frames() {
        let event = bytes(EVENT);
        for length in 0..event.len() {
            // A cut between two members leaves a frame with fewer of them.
            let cut = Frame::decode(&event[..length]);
            assert!(
                cut.map_or(true, |cut| cut.headers.len() <= 5 && cut.payload.is_none()),
                "{length}"
            );
        }
        for foreign in
            [&b"{}"[..], b"hello", b"\xff\xff\xff\xff", &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]]
        {
            assert!(Frame::decode(foreign).is_err(), "{foreign:?}");
        }
        assert_eq!(Frame::decode(b""), Err(BadFrame::Missing("SeqID")));
    }

    #[test]
    fn a_required_member_that_is_missing_is_named() {
        // Each of the four integers takes 2 bytes in a frame of zeros.
        let zeros = Frame::default().encode();
        assert_eq!(zeros, [8, 0, 16, 0, 24, 0, 32, 0]);
        for (index, name) in ["SeqID", "LogID", "service", "method"].into_iter().enumerate() {
            let mut lacking = zeros.clone();
            lacking.drain(index * 2..index * 2 + 2);
            assert_eq!(Frame::decode(&lacking), Err(BadFrame::Missing(name)));
        }
        let without_value = [&zeros[..], &[0x2a, 2, 0x0a, 0]].concat();
        assert_eq!(Frame::decode(&without_value), Err(BadFrame::Missing("value")));
    }

    #[test]
    fn a_big_event_is_cut_into_parts_of_one_message() {
        let payload: Vec<u8> = (0..PART_BYTES_MAX * 2 + 1).map(|at| (at % 251) as u8).collect();
        let parts = Frame::event(SERVICE, "m1", "t1", 7, &payload);
        let places: Vec<_> =
            parts.iter().map(|part| (part.header("sum"), part.header("seq"))).collect();
        assert_eq!(places, [0, 1, 2].map(|seq| (Some("3"), Some(["0", "1", "2"][seq]))));
        assert!(parts.iter().all(|part| part.header("message_id") == Some("m1")));
        let joined: Vec<u8> = parts.into_iter().filter_map(|part| part.payload).flatten().collect();
        assert!(joined == payload, "the parts make the whole");
        let [whole] = &Frame::event(SERVICE, "m1", "t1", 7, b"{}")[..] else { panic!("one frame") };
        assert_eq!((whole.header("sum"), whole.header("seq")), (Some("1"), Some("0")));
    }

    #[test]
    fn acks_are_read_as_json_whoever_printed_them() {
        for (payload, code) in [
            (r#"{"code": 200}"#, Some(200)),
            (r#"{"code":200}"#, Some(200)),
            (r#"{"code":200,"headers":null,"data":null}"#, Some(200)),
            (r#"{"code":500,"data":"Im5vIGhhbmRsZXIi"}"#, Some(500)),
            (r#"{"code":"200"}"#, None),
            (r#"{"code":-1}"#, None),
            (r#"{"code":1e9}"#, None),
            ("[200]", None),
            ("", None),
        ] {
            assert_eq!(ack_code(payload.as_bytes()), code, "{payload}");
        }
    }

    #[test]
    fn payloads_do_not_print() {
        assert!(!format!("{:?}", sample_event()).contains("payload"));
    }
}
