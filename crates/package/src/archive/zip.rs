//! Zip.
//!
//! Read here and not by a library, because libraries are lenient: they pick one of two equal names, skip what lies between
//! entries and look for the directory in several places. A validator must refuse what another reader may read otherwise.

mod directory;

use std::io::Read;

use flate2::{Crc, bufread::DeflateDecoder};
use souk_domain::validation::{Finding, Severity};

use self::directory::{Method, Record};
use super::{
    Archive, Limits,
    collect::{Collector, Entry},
    critical,
    links::Link,
};
use crate::finding::{finding, shown};

const FILE_TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Archive, Vec<Finding>> {
    let directory = directory::read(bytes, limits).map_err(|finding| vec![finding])?;
    let mut collector = Collector::new(limits);
    if let Err(finding) = lie_side_by_side(&directory, &mut collector) {
        return Err(collector.fail(finding));
    }
    for record in &directory.records {
        if collector.is_hopeless() {
            break;
        }
        if let Err(finding) = take(bytes, record, &mut collector) {
            return Err(collector.fail(finding));
        }
    }
    collector.finish()
}

/// Entries that share bytes are how a small archive unpacks to terabytes; bytes that no entry claims hide something.
fn lie_side_by_side(directory: &directory::Directory, collector: &mut Collector<'_>) -> Result<(), Finding> {
    let mut spans: Vec<&Record> = directory.records.iter().collect();
    spans.sort_by_key(|record| record.start);
    let mut end = 0;
    let mut slack = 0;
    let ends = spans.iter().map(|record| (record.start, Some(*record))).chain([(directory.start, None)]);
    for (start, record) in ends {
        if start < end {
            let place = record.map(|record| shown(&record.name));
            let message = "this entry shares bytes with another one; pack the archive anew";
            return Err(critical("artifact.overlap", place.as_deref(), message));
        }
        if start - end > slack {
            collector.note(finding(
                "artifact.unclaimed_bytes",
                Severity::Medium,
                record.map(|record| shown(&record.name)).as_deref(),
                format!("{} bytes before this belong to no entry; pack the archive anew", start - end),
            ));
        }
        if let Some(record) = record {
            end = record.data.end;
            slack = record.descriptor;
        }
    }
    Ok(())
}

fn take(bytes: &[u8], record: &Record, collector: &mut Collector<'_>) -> Result<(), Finding> {
    let place = shown(&record.name);
    let mode = record.mode & FILE_TYPE;
    if !matches!(mode, 0 | REGULAR | FOLDER | SYMLINK) {
        let message = "this is a device, a pipe or another special file; ship regular files only";
        collector.note(critical("artifact.special_file", Some(&place), message));
        return Ok(());
    }
    if record.encrypted {
        let message = "this entry is encrypted; nobody could check it";
        collector.note(critical("artifact.encrypted", Some(&place), message));
        return Ok(());
    }
    let data = bytes.get(record.data.clone()).unwrap_or_default();
    collector.charge(&place, data.len() as u64, record.unpacked)?;
    let contents = match record.method {
        Method::Stored => data.to_vec(),
        Method::Deflated => inflate(data, record.unpacked, &place)?,
    };
    let mut crc = Crc::new();
    crc.update(&contents);
    if contents.len() as u64 != record.unpacked || crc.sum() != record.crc {
        let message = "the contents are not what the archive says (size or checksum); pack or send it again";
        return Err(critical("artifact.corrupt", Some(&place), message));
    }
    let entry = match mode {
        SYMLINK => Entry::Link(Link::Symbolic(contents)),
        FOLDER if contents.is_empty() => Entry::Directory,
        FOLDER => {
            let message = "this folder has contents of its own";
            return Err(critical("artifact.malformed", Some(&place), message));
        }
        _ => Entry::File(contents),
    };
    collector.add(&record.name, entry);
    Ok(())
}

/// Inflates at most one byte more than declared: what the archive says of its size is a promise, and a lie ends it.
fn inflate(data: &[u8], declared: u64, place: &str) -> Result<Vec<u8>, Finding> {
    let mut decoder = DeflateDecoder::new(data);
    let mut contents = Vec::new();
    decoder.by_ref().take(declared + 1).read_to_end(&mut contents).map_err(|error| {
        critical("artifact.corrupt", Some(place), format!("the contents cannot be unpacked: {error}"))
    })?;
    if contents.len() as u64 > declared {
        let message = format!("the file unpacks to more than the {declared} bytes that the archive declares");
        return Err(critical("artifact.zip_bomb", Some(place), message));
    }
    if decoder.total_in() != data.len() as u64 {
        let message = "there are bytes behind the packed contents of this entry";
        return Err(critical("artifact.trailing_data", Some(place), message));
    }
    Ok(contents)
}
