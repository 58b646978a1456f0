//! File handles: how many this process may have, how many of them connections may take. Connections are accepted only
//! onto handles below a reserve (the kernel gives the lowest free number), so that database, fetches and children have
//! some. A want of handles is retried: it says nothing about a report or receiver.

use std::fs::File;
use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

/// The most handles that are asked for: the kernel's usual bound, `fs.nr_open`; some containers allow a billion.
const LIMIT_MAX: u64 = 1 << 20;
const RESERVE: u64 = 2_048;
const CONNECTIONS_MIN: u64 = 8;

/// Raises the soft limit to the hard one; gives what is in force. A process that may not do so works with what it has.
pub fn raise_limit() -> u64 {
    let mut limits = getrlimit(Resource::Nofile);
    let wanted = limits.maximum.unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
    if limits.current.is_some_and(|current| current < wanted) {
        limits.current = Some(wanted);
        if let Err(error) = setrlimit(Resource::Nofile, limits) {
            tracing::warn!(%error, "the limit on open files stays as it is");
        }
    }
    limit()
}

fn limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(LIMIT_MAX)
}

/// Connections may take handles below this number. Read anew each time: the limit can be changed from outside.
pub fn below_reserve(taken_at_start: u64) -> u64 {
    let limit = limit();
    let reserve = RESERVE.min(limit / 2);
    (limit - reserve).max(taken_at_start + CONNECTIONS_MIN)
}

/// Whether a failure is of this machine's own making: no handle, no memory or no process to be had at the moment, or a
/// child whose end somebody else took.
pub fn is_want(error: &io::Error) -> bool {
    let wants =
        [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::AGAIN, Errno::CHILD];
    Errno::from_io_error(error).is_some_and(|errno| wants.contains(&errno))
}

/// Whether no handle is free now: what some libraries do not say apart from "not found".
pub fn are_short() -> bool {
    File::open("/dev/null").is_err_and(|error| is_want(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_a_reserve_and_get_a_few_in_any_case() {
        assert!(raise_limit() >= 256, "the tests need some handles themselves");
        let limit = limit();
        assert_eq!(below_reserve(40), limit - RESERVE.min(limit / 2));
        assert_eq!(below_reserve(limit), limit + CONNECTIONS_MIN);
    }

    #[test]
    fn want_is_told_apart_from_what_others_do() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN] {
            assert!(is_want(&errno.into()), "{errno}");
        }
        for errno in [Errno::CONNREFUSED, Errno::NOENT, Errno::TIMEDOUT, Errno::PIPE] {
            assert!(!is_want(&errno.into()), "{errno}");
        }
        assert!(!is_want(&io::Error::other("no number")) && !are_short());
    }
}
