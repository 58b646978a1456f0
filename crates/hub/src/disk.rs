//! The room on the disks of the data folder and of the contents, and the reserve that is left to orders: below it
//! reports and files wait.

use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

/// The reserve where nothing is set: a twentieth of the disk, 1 GiB at most.
const SHARE: u64 = 20;
const RESERVE_BYTES_MAX: u64 = 1 << 30;
/// And 32 MiB at least, for what the embedded database writes beside its rows; or a quarter of a very small disk.
const RESERVE_BYTES_MIN: u64 = 32 << 20;

/// The disks that fill when contents and orders are stored.
#[derive(Debug)]
pub struct Disk {
    places: Vec<PathBuf>,
    reserve_bytes: Option<u64>,
}

/// How much room there is on one disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that can still be written.
    pub free_bytes: u64,
    /// Bytes that are left to orders.
    pub reserve_bytes: u64,
}

impl Room {
    /// Bytes that contents may take; negative below the reserve.
    #[must_use]
    pub fn bytes(self) -> i64 {
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        signed(self.free_bytes) - signed(self.reserve_bytes)
    }

    /// Whether contents wait.
    #[must_use]
    pub fn is_short(self) -> bool {
        self.bytes() <= 0
    }
}

impl Disk {
    /// The disks of these folders, with a reserve of their own when none is given.
    pub fn of(places: Vec<PathBuf>, reserve_bytes: Option<u64>) -> Disk {
        Disk { places, reserve_bytes }
    }

    /// The room on the disk that has the least; none when there is no disk, or none can be asked.
    #[must_use]
    pub fn room(&self) -> Option<Room> {
        self.places.iter().filter_map(|index| self.room_at(index)).min_by_key(|room| room.bytes())
    }

    /// Bytes that contents may take now; negative below the reserve.
    pub fn room_bytes(&self) -> i64 {
        self.room().map_or(i64::MAX, Room::bytes)
    }

    fn room_at(&self, index: &Path) -> Option<Room> {
        let about = statvfs(index).ok()?;
        let total = about.f_blocks.saturating_mul(about.f_frsize);
        let free_bytes = about.f_bavail.saturating_mul(about.f_frsize);
        Some(Room { free_bytes, reserve_bytes: self.reserve_bytes.unwrap_or(reserve(total)) })
    }
}

fn reserve(total_bytes: u64) -> u64 {
    (total_bytes / SHARE).max(RESERVE_BYTES_MIN.min(total_bytes / 4)).min(RESERVE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_a_share_of_the_disk_within_bounds() {
        const MIB: u64 = 1 << 20;
        for (total, expected) in [
            (16 * MIB, 4 * MIB),
            (128 * MIB, 32 * MIB),
            (640 * MIB, 32 * MIB),
            (10_240 * MIB, 512 * MIB),
            (20_480 * MIB, 1_024 * MIB),
            (10 << 40, 1_024 * MIB),
            (0, 0),
        ] {
            assert_eq!(reserve(total), expected, "{total}");
        }
    }

    #[test]
    fn the_disk_with_the_least_room_counts_and_one_that_cannot_be_asked_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        assert_eq!(Disk::of(vec![gone.clone()], None).room(), None);
        assert_eq!(Disk::of(vec![gone.clone()], None).room_bytes(), i64::MAX);
        let here = Disk::of(vec![gone, folder.path().to_owned()], Some(u64::MAX)).room().unwrap();
        assert!(here.is_short() && here.free_bytes > 0);
        assert!(!Room { free_bytes: 11, reserve_bytes: 10 }.is_short());
        assert!(Room { free_bytes: 10, reserve_bytes: 10 }.is_short());
    }
}
