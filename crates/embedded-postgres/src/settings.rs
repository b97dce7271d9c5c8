//! The server's settings, for a machine of two cores that also runs Souk.

use std::fs;
use std::path::Path;

/// What the cluster is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What was committed survives a power failure.
    Durable,
    /// For tests: lost with the machine, and quick.
    Throwaway,
}

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// The text of `souk.conf`, which `postgresql.conf` includes. It is written anew at every start.
pub(crate) fn render(profile: Profile, socket_directory: &Path, compression: &str) -> String {
    let memory = memory();
    let shared = shared_buffers(memory, profile) / MIB;
    let cache = (memory / 2).max(64 * MIB) / MIB;
    let maintenance = (memory / 16).clamp(16 * MIB, 256 * MIB) / MIB;
    // A Souk that serves opens up to 60, a rebuild beside it half as many, and those of one that was killed stay until the server notices.
    let connections = if profile == Profile::Throwaway { 300 } else { 200 };
    let socket = socket_directory.to_string_lossy();
    let mut text = format!(
        "# Written by Souk at every start. Put settings of your own into custom.conf beside this file.\n\
         listen_addresses = ''\n\
         unix_socket_directories = '{socket}'\n\
         unix_socket_permissions = 0700\n\
         port = 5432\n\
         max_connections = {connections}\n\
         shared_buffers = {shared}MB\n\
         effective_cache_size = {cache}MB\n\
         maintenance_work_mem = {maintenance}MB\n\
         work_mem = 8MB\n\
         random_page_cost = 1.1\n\
         jit = off\n\
         # Nobody replicates from this cluster, so bulk loads into new tables may skip the log.\n\
         wal_level = minimal\n\
         max_wal_senders = 0\n\
         wal_compression = {compression}\n\
         max_wal_size = 2GB\n\
         min_wal_size = 128MB\n\
         checkpoint_timeout = 15min\n\
         checkpoint_completion_target = 0.9\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         lc_messages = 'C'\n\
         # Neither statements nor values get into the log: they may be personal.\n\
         log_min_messages = warning\n\
         log_min_error_statement = panic\n\
         log_error_verbosity = terse\n\
         log_checkpoints = off\n\
         log_line_prefix = '%m [%p] '\n\
         # A file for each day of the week: a week of log is kept.\n\
         logging_collector = on\n\
         log_directory = '../log'\n\
         log_filename = 'postgres-%a.log'\n\
         log_rotation_age = 1d\n\
         log_rotation_size = 0\n\
         log_truncate_on_rotation = on\n"
    );
    text.push_str(match profile {
        Profile::Durable => "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n",
        Profile::Throwaway => "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n",
    });
    text
}

/// An eighth of the memory, at most 2 GiB: Souk's own memory and the file cache want the rest. Only what is used is taken, and
/// indexes with random keys that do not fit are read and written for every event.
fn shared_buffers(memory: u64, profile: Profile) -> u64 {
    let most = if profile == Profile::Durable { 2048 } else { 64 };
    (memory / 8).clamp(32 * MIB, most * MIB)
}

/// The bytes of memory that this process may use: the machine's or its container's.
fn memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    match (machine, container) {
        (Some(machine), Some(container)) => machine.min(container),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => 2 * GIB,
    }
}

fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_machines_get_small_buffers_and_large_ones_no_more_than_two_gib() {
        assert_eq!(shared_buffers(128 * MIB, Profile::Durable), 32 * MIB);
        assert_eq!(shared_buffers(GIB, Profile::Durable), 128 * MIB);
        assert_eq!(shared_buffers(64 * GIB, Profile::Durable), 2 * GIB);
    }

    #[test]
    fn the_total_is_read_from_meminfo() {
        assert_eq!(total("MemTotal:        2048 kB\nMemFree: 1 kB\n"), Some(2048 * 1024));
        assert_eq!(total("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn a_durable_cluster_never_trades_durability() {
        let text = render(Profile::Durable, Path::new("/run/x"), "on");
        assert!(text.contains("\nfsync = on\n") && text.contains("\nsynchronous_commit = on\n"));
        assert!(!text.contains("= off\nsynchronous"));
    }
}
