//! What the machine says: processor time, memory, the speed of its disk; and medians.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

/// Microseconds in a tick of `/proc/PID/stat`: Linux counts 100 a second for programs on every machine.
const TICK_US: u64 = 10_000;

/// The middle of several measurements, with the least and the greatest.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// None of no measurements.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Some(Spread { median, min, max })
    }
}

/// Processor time of a process so far, user and system, in microseconds.
pub(crate) fn cpu_us(pid: u32) -> anyhow::Result<u64> {
    Ok(times_us(pid)?[..2].iter().sum())
}

/// The processor time of all processes of this name and of their children that have ended; 0 when none runs here.
pub(crate) fn cpu_us_of_all(name: &str) -> u64 {
    let Ok(processes) = fs::read_dir("/proc") else { return 0 };
    let pids = processes.filter_map(|it| it.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|found| found.trim() == name)
    })
    .filter_map(|pid| Some(times_us(pid).ok()?.iter().sum::<u64>()))
    .sum()
}

/// A process's time as user and as system, and the same of its children that have ended.
fn times_us(pid: u32) -> anyhow::Result<[u64; 4]> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold blanks and brackets; what counts stands after its last bracket.
    let (_, fields) = stat.rsplit_once(')').context("expected a process's state")?;
    let mut times = [0; 4];
    for (time, field) in times.iter_mut().zip(fields.split_whitespace().skip(11)) {
        *time = field.parse::<u64>()? * TICK_US;
    }
    Ok(times)
}

/// Resident memory of a process, in MB of a million bytes.
pub(crate) fn rss_mb(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    Ok(kib.context("expected a process's memory")? * 1_024.0 / 1e6)
}

/// How many times a second 4 KiB are made durable in `folder`, over 0.3 s.
pub(crate) fn syncs_per_s(folder: &Path) -> anyhow::Result<f64> {
    const BLOCK: [u8; 4096] = [7; 4096];
    const BLOCKS: u64 = 256;
    let path = folder.join("sync-probe");
    let file = File::create(&path)?;
    for block in 0..BLOCKS {
        file.write_all_at(&BLOCK, block * BLOCK.len() as u64)?;
    }
    file.sync_all()?;
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < Duration::from_millis(300) {
        file.write_all_at(&BLOCK, (count % BLOCKS) * BLOCK.len() as u64)?;
        file.sync_data()?;
        count += 1;
    }
    let per_s = count as f64 / start.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(per_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_middle_the_least_and_the_greatest() {
        let spread = Spread::of([3.0, 1.0, f64::NAN, 10.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 10.0));
        assert!(Spread::of([]).is_none());
    }

    #[test]
    fn this_process_has_memory_and_times() {
        let pid = std::process::id();
        assert!(rss_mb(pid).unwrap() > 0.5);
        cpu_us(pid).unwrap();
    }
}
