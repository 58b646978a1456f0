//! What a client's messages mean, apart from any socket. Source: contract, sections 5.5 and 5.6.

use contract::endpoint::ClientConfig;
use contract::frame::{
    BadFrame, Frame, KEY_MESSAGE_ID, KEY_TYPE, METHOD_CONTROL, METHOD_DATA, TYPE_PING, ack_code,
};
use hub::connections::{Ack, SERVICE_ID};

/// Most bytes of a client's message: acks echo a frame's headers and say little else.
pub(super) const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// The client is there and wants to receive the same.
    Ping,
    /// The client has dealt with a message.
    Ack { message_id: String, ack: Ack },
    /// Nothing that concerns us.
    Nothing,
}

/// Reads a client's binary message. Frames of other methods and types are passed over.
pub(super) fn read(message: &[u8]) -> Result<Received, BadFrame> {
    let frame = Frame::decode(message)?;
    Ok(match frame.method {
        METHOD_CONTROL if frame.header(KEY_TYPE) == Some(TYPE_PING) => Received::Ping,
        METHOD_DATA => match frame.header(KEY_MESSAGE_ID).map(str::to_owned) {
            Some(message_id) => {
                let payload = frame.payload.unwrap_or_default();
                Received::Ack { message_id, ack: Ack { code: ack_code(&payload), payload } }
            }
            None => Received::Nothing,
        },
        _ => Received::Nothing,
    })
}

/// The answer to a ping, with the config that the client is to follow from now on.
pub(super) fn pong(config: &ClientConfig) -> Vec<u8> {
    Frame::pong(SERVICE_ID, config.to_vec()).encode()
}

/// The config of clients that are to come back in a moment, spread over a second, since the server stops.
pub(super) fn come_back_soon(config: &ClientConfig) -> ClientConfig {
    ClientConfig {
        reconnect_count: -1,
        reconnect_interval: config.reconnect_interval.min(2),
        reconnect_nonce: config.reconnect_nonce.min(1),
        ping_interval: config.ping_interval,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(payload: &[u8]) -> Vec<u8> {
        let mut frame = Frame::event(SERVICE_ID, "m1", "t1", 7, b"{}").remove(0);
        frame.headers.push(("biz_rt".to_owned(), "3".to_owned()));
        frame.payload = Some(payload.to_vec());
        frame.encode()
    }

    fn received(code: Option<u16>, payload: &[u8]) -> Result<Received, BadFrame> {
        let ack = Ack { code, payload: payload.to_vec() };
        Ok(Received::Ack { message_id: "m1".to_owned(), ack })
    }

    #[test]
    fn pings_and_acks_are_understood() {
        assert_eq!(read(&Frame::ping(1).encode()), Ok(Received::Ping));
        for (payload, code) in [
            (&br#"{"code": 200}"#[..], Some(200)),
            (br#"{"code":500,"headers":null,"data":null}"#, Some(500)),
            (b"no json", None),
            (b"", None),
        ] {
            assert_eq!(read(&ack(payload)), received(code, payload));
        }
    }

    #[test]
    fn other_frames_are_passed_over() {
        let pong = Frame::pong(1, Vec::new());
        let nameless = Frame { method: METHOD_DATA, ..Frame::default() };
        let unknown = Frame { method: 7, ..Frame::ping(1) };
        for frame in [pong, nameless, unknown] {
            assert_eq!(read(&frame.encode()), Ok(Received::Nothing));
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for message in [&b""[..], b"ping", &[0xff; 40], &ack(b"{}")[..30]] {
            assert!(read(message).is_err(), "{message:?}");
        }
    }

    #[test]
    fn a_pong_holds_the_whole_config() {
        let frame = Frame::decode(&pong(&ClientConfig::default())).unwrap();
        assert_eq!((frame.method, frame.header("type")), (METHOD_CONTROL, Some("pong")));
        let config: ClientConfig = serde_json::from_slice(&frame.payload.unwrap()).unwrap();
        assert_eq!(config, ClientConfig::default());
        let soon = come_back_soon(&config);
        assert_eq!(
            (soon.reconnect_count, soon.reconnect_interval, soon.reconnect_nonce),
            (-1, 2, 1)
        );
        let quick = ClientConfig { reconnect_interval: 1, reconnect_nonce: 0, ..config };
        assert_eq!(come_back_soon(&quick), quick);
    }
}
