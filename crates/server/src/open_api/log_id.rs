//! The log id of a request: in the answer's `X-Tt-Logid`, in `error.log_id`, and in the server's log.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::UnixMs;
use system::random;

/// 14 digits of the time (UTC, `yyyymmddHHMMSS`) and 20 upper-case hex digits. Source: contract, section 2.5.
pub(crate) fn log_id(now: UnixMs) -> String {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static REQUEST: AtomicU64 = AtomicU64::new(0);
    let process = PROCESS.get_or_init(|| u64::from_be_bytes(random::bytes::<8>()));
    let request = REQUEST.fetch_add(1, Ordering::Relaxed);
    let time = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    // 40 bits say the process, 40 bits count its requests.
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:010X}{:010X}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        process & 0xff_ffff_ffff,
        request & 0xff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_id_begins_with_the_time_and_never_repeats() {
        let ids = [log_id(UnixMs(1_709_164_799_999)), log_id(UnixMs(1_709_164_800_000))];
        assert_eq!(&ids[0][..14], "20240228235959");
        assert_eq!(&ids[1][..14], "20240229000000");
        assert_ne!(ids[0][14..], ids[1][14..]);
        assert_eq!(ids[0].len(), 34);
        assert!(ids[0][14..].bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
    }
}
