//! The limits of long connections.

use std::time::Duration;

use contract::endpoint::ClientConfig;

/// Limits of long connections, and the settings that their clients get.
#[derive(Debug, Clone, Copy)]
pub struct LongConnectionLimits {
    /// Connections of one app, on all replicas together. Default 50.
    pub connections_per_app: u32,
    /// Connections of one process. Default 20,000.
    pub connections_max: usize,
    /// How clients ping and come back. Default: as the platform does.
    pub client: ClientConfig,
    /// Time for the ack of an event. Default 3 s.
    pub ack: Duration,
    /// How often a client is asked by a websocket ping whether it is there, whatever comes from it. Default 30 s.
    pub ping_period: Duration,
    /// Silence after which a client is gone. Default 75 s.
    pub silence: Duration,
    /// Time in which a client takes what is sent to it, or closes. Default 5 s.
    pub write_stall: Duration,
}

impl Default for LongConnectionLimits {
    fn default() -> LongConnectionLimits {
        LongConnectionLimits {
            connections_per_app: 50,
            connections_max: 20_000,
            client: ClientConfig::default(),
            ack: Duration::from_secs(3),
            ping_period: Duration::from_secs(30),
            silence: Duration::from_secs(75),
            write_stall: Duration::from_secs(5),
        }
    }
}
