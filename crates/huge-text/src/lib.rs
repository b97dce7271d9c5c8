//! Moves the code of the running program onto huge pages.
//!
//! Souk has tens of megabytes of code, and what a request runs through lies all over them. In pages of 4 KiB that is more than a processor
//! keeps translations of; in pages of 2 MiB it is not. Linux makes no huge pages of what it maps from most file systems, so the code is copied
//! to memory that may have them, and that takes the place of the file's mapping. Nothing of it can be written afterwards, as before.
//!
//! Profilers and debuggers that look up symbols by the file of a mapping find none then.

use std::io;

/// Why code stays where it is. Nothing has changed then, and everything works as before.
#[derive(Debug, thiserror::Error)]
pub enum Unmoved {
    /// This system has no transparent huge pages, or allows none.
    #[error("this system has no transparent huge pages")]
    Unavailable,
    /// Other threads run already.
    #[error("other threads run already")]
    NotAlone,
    /// The code does not fill one huge page.
    #[error("there is less code than one huge page has room for")]
    Small,
    /// The system refused, as hardened ones do.
    #[error("the system refused: {0}")]
    Refused(#[from] io::Error),
}

/// Moves the code of this program onto huge pages; how many bytes that were. To be called before any other thread is started.
///
/// # Errors
/// See [`Unmoved`].
pub fn remap() -> Result<usize, Unmoved> {
    system::remap()
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod system {
    use super::Unmoved;

    pub fn remap() -> Result<usize, Unmoved> {
        Err(Unmoved::Unavailable)
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod system {
    use std::{fs, io, ops::Range, ptr};

    use rustix::mm::{
        Advice, MapFlags, MprotectFlags, MremapFlags, ProtFlags, madvise, mmap_anonymous, mprotect, mremap_fixed,
        munmap,
    };

    use super::Unmoved;

    /// Bytes of a huge page on this architecture.
    const HUGE: usize = 2 << 20;

    pub fn remap() -> Result<usize, Unmoved> {
        let modes = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
        if modes.map_or(true, |modes| modes.contains("[never]")) {
            return Err(Unmoved::Unavailable);
        }
        if fs::read_dir("/proc/self/task")?.count() != 1 {
            return Err(Unmoved::NotAlone);
        }
        let maps = fs::read_to_string("/proc/self/maps")?;
        let here = remap as fn() -> Result<usize, Unmoved> as usize;
        let code = maps.lines().filter_map(executable).find(|range| range.contains(&here)).ok_or(Unmoved::Small)?;
        let whole = code.start.next_multiple_of(HUGE)..code.end & !(HUGE - 1);
        if whole.is_empty() {
            return Err(Unmoved::Small);
        }
        replace(whole.clone())?;
        Ok(whole.len())
    }

    /// The addresses of a mapping that can be run and not written, from its line in `/proc/self/maps`.
    fn executable(line: &str) -> Option<Range<usize>> {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let address = |text| usize::from_str_radix(text, 16).ok();
        rest.starts_with("r-xp").then_some(address(start)?..address(end)?)
    }

    /// Puts a copy of `code` on huge pages in its place. `code` begins and ends at multiples of [`HUGE`] within one mapping of this
    /// program's code, and no other thread runs.
    #[expect(unsafe_code, reason = "mappings are addresses to the system")]
    fn replace(code: Range<usize>) -> io::Result<()> {
        let length = code.len();
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the system chooses where.
        let room = unsafe { mmap_anonymous(ptr::null_mut(), length + HUGE, protection, MapFlags::PRIVATE)? };
        let before = room.align_offset(HUGE);
        // SAFETY: `room` has a huge page more than `length`, so that its first multiple of `HUGE` is followed by `length` bytes within it.
        // Nobody else knows of `room`, and of the code nothing changes while it is copied: it cannot be written. What takes its place is
        // the same bytes, which nobody can write either, at the same addresses, and the system exchanges the mappings at once.
        let moved = unsafe {
            let copy = room.byte_add(before);
            madvise(copy, length, Advice::LinuxHugepage)
                .and_then(|()| {
                    ptr::copy_nonoverlapping(ptr::with_exposed_provenance::<u8>(code.start), copy.cast(), length);
                    mprotect(copy, length, MprotectFlags::READ | MprotectFlags::EXEC)
                })
                .and_then(|()| {
                    let place = ptr::with_exposed_provenance_mut(code.start);
                    mremap_fixed(copy, length, length, MremapFlags::MAYMOVE, place)
                })
        };
        // SAFETY: what is left of `room`, of which nobody knows: all of it, or what lies around the copy. It costs addresses only, so that
        // nothing is lost where it stays.
        unsafe {
            if moved.is_err() {
                let _ = munmap(room, length + HUGE);
            } else {
                let _ = munmap(room.byte_add(before + length), HUGE - before);
                if before > 0 {
                    let _ = munmap(room, before);
                }
            }
        }
        moved.map(drop).map_err(io::Error::from)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_what_can_be_run_is_code() {
            let line = "55e0c0400000-55e0c0e00000 r-xp 00400000 fe:00 42   /usr/bin/souk";
            assert_eq!(executable(line), Some(0x55e0_c040_0000..0x55e0_c0e0_0000));
            assert_eq!(executable("55e0c0400000-55e0c0e00000 r--p 00400000 fe:00 42   /usr/bin/souk"), None);
            assert_eq!(executable("nonsense"), None);
        }

        #[test]
        fn nothing_is_moved_below_other_threads() {
            // Tests have a thread of their own.
            assert!(matches!(remap(), Err(Unmoved::NotAlone | Unmoved::Unavailable)));
        }
    }
}
