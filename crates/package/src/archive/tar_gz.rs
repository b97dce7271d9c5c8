//! Gzipped tar.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use souk_domain::validation::Finding;
use tar::EntryType;

use super::{
    Archive, Limits,
    collect::{Collector, Entry},
    critical,
    links::Link,
};
use crate::finding::shown;

/// Headers and padding that the entries may cost beside their contents.
const OVERHEAD: u64 = 1 << 20;
const BLOCK: u64 = 512;

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Archive, Vec<Finding>> {
    let unzipped = unzip(bytes, limits).map_err(|finding| vec![finding])?;
    let mut archive = tar::Archive::new(unzipped.as_slice());
    let mut collector = Collector::new(limits);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return Err(collector.fail(unreadable(&error))),
    };
    let mut count = 0_usize;
    for entry in entries {
        count += 1;
        if count > limits.entries {
            let message = format!("the archive has more than {} entries", limits.entries);
            return Err(collector.fail(critical("artifact.too_many_entries", None, message)));
        }
        if collector.is_hopeless() {
            break;
        }
        let taken = entry.map_err(|error| unreadable(&error)).and_then(|entry| take(entry, limits, &mut collector));
        if let Err(finding) = taken {
            return Err(collector.fail(finding));
        }
    }
    if archive.into_inner().iter().any(|byte| *byte != 0) {
        return Err(collector.fail(critical(
            "artifact.trailing_data",
            None,
            "there are bytes behind the end of the tar; pack it anew",
        )));
    }
    collector.finish()
}

/// Unzips everything, counting as it goes: what the header declares is not believed.
fn unzip(bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Finding> {
    let most = limits.unpacked + OVERHEAD + limits.entries as u64 * 2 * BLOCK;
    let mut decoder = GzDecoder::new(bytes);
    let mut out = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let read = decoder.read(&mut chunk).map_err(|error| unreadable(&error))?;
        if read == 0 {
            break;
        }
        out.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let size = out.len() as u64;
        if size > most || limits.exceeds_ratio(bytes.len() as u64, size) {
            let message = format!("the archive unpacks to more than {} bytes or {} times its size", most, limits.ratio);
            return Err(critical("artifact.zip_bomb", None, message));
        }
    }
    if !decoder.into_inner().is_empty() {
        let message = "there are bytes behind the end of the gzip stream; pack it anew";
        return Err(critical("artifact.trailing_data", None, message));
    }
    Ok(out)
}

fn take(mut entry: tar::Entry<'_, &[u8]>, limits: &Limits, collector: &mut Collector<'_>) -> Result<(), Finding> {
    let raw = entry.path_bytes().into_owned();
    // `tar -C folder .` starts every name with `./`, and lists the folder itself.
    let name = raw.strip_prefix(b"./").unwrap_or(&raw);
    let kind = entry.header().entry_type();
    if kind == EntryType::Directory && matches!(name, b"" | b".") {
        return Ok(());
    }
    let content = match kind {
        EntryType::Regular | EntryType::Continuous => {
            let place = shown(name);
            let declared = entry.size();
            collector.charge(&place, declared, declared)?;
            let mut contents = Vec::new();
            entry.by_ref().take(limits.file + 1).read_to_end(&mut contents).map_err(|error| unreadable(&error))?;
            if contents.len() as u64 != declared {
                let message = "the archive ends in the middle of this file; pack or send it again";
                return Err(critical("artifact.truncated", Some(&place), message));
            }
            Entry::File(contents)
        }
        EntryType::Directory => Entry::Directory,
        EntryType::Symlink => Entry::Link(Link::Symbolic(target(&entry))),
        EntryType::Link => {
            let target = target(&entry);
            Entry::Link(Link::Hard(target.strip_prefix(b"./").unwrap_or(&target).to_vec()))
        }
        // Written by `git archive`; says nothing of files.
        EntryType::XGlobalHeader => return Ok(()),
        _ => {
            let message = "this is a device, a pipe or another special file; ship regular files only";
            collector.note(critical("artifact.special_file", Some(&shown(name)), message));
            return Ok(());
        }
    };
    collector.add(name, content);
    Ok(())
}

fn target(entry: &tar::Entry<'_, &[u8]>) -> Vec<u8> {
    entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default()
}

fn unreadable(error: &io::Error) -> Finding {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        critical("artifact.truncated", None, "the archive ends too early; pack or send it again")
    } else {
        critical("artifact.malformed", None, format!("the archive cannot be read: {error}"))
    }
}
