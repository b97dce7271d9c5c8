//! The directory at the end of a zip, checked against the header before each entry.

use std::ops::Range;

use souk_domain::validation::Finding;

use super::super::{Limits, critical};
use crate::finding::shown;

const END: [u8; 4] = *b"PK\x05\x06";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const END_64: [u8; 4] = *b"PK\x06\x06";
const END_SIZE: usize = 22;
const CENTRAL_SIZE: usize = 46;
const LOCAL_SIZE: usize = 30;
/// The record and the locator that some writers put before the end although nothing is that large.
const END_64_SIZE: usize = 56 + 20;
const UNKNOWN_32: u32 = u32::MAX;
const UNKNOWN_16: u16 = u16::MAX;
/// A descriptor behind the contents: signature, checksum and two sizes of 8 bytes at most.
const DESCRIPTOR: usize = 24;

pub(super) struct Directory {
    /// Where it begins.
    pub start: usize,
    pub records: Vec<Record>,
}

pub(super) struct Record {
    pub name: Vec<u8>,
    pub method: Method,
    pub encrypted: bool,
    pub crc: u32,
    pub unpacked: u64,
    /// Unix mode, 0 where the writer had none.
    pub mode: u32,
    /// Where its local header begins.
    pub start: usize,
    /// Where its packed contents lie.
    pub data: Range<usize>,
    /// Bytes that may follow the contents.
    pub descriptor: usize,
}

pub(super) enum Method {
    Stored,
    Deflated,
}

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Directory, Finding> {
    let end = find_end(bytes)?;
    let field = |at: usize| u16_at(bytes, end + at).ok_or_else(truncated);
    let wide = |at: usize| u32_at(bytes, end + at).ok_or_else(truncated);
    let (disk, directory_disk, here, total) = (field(4)?, field(6)?, field(8)?, field(10)?);
    let (size, start) = (wide(12)?, wide(16)?);
    if disk != 0 || directory_disk != 0 || here != total {
        return Err(malformed(None, "the archive is split over several files; pack it as one"));
    }
    if total == UNKNOWN_16 || size == UNKNOWN_32 || start == UNKNOWN_32 {
        let message = "the archive is in the zip64 format, which nothing of this size needs; pack it as a plain zip";
        return Err(critical("artifact.unsupported", None, message));
    }
    if usize::from(total) > limits.entries {
        let message = format!("the archive has {total} entries; at most {} are taken", limits.entries);
        return Err(critical("artifact.too_many_entries", None, message));
    }
    let (size, start) = (size as usize, start as usize);
    let stop = start.checked_add(size).filter(|stop| *stop <= end).ok_or_else(truncated)?;
    let padded = end - stop == END_64_SIZE && bytes.get(stop..).is_some_and(|rest| rest.starts_with(&END_64));
    if stop != end && !padded {
        return Err(malformed(None, "the directory of the archive is not where it says; pack it anew"));
    }
    let mut records = Vec::with_capacity(usize::from(total));
    let mut at = start;
    for _ in 0..total {
        let (record, next) = central(bytes, at, stop, start)?;
        records.push(record);
        at = next;
    }
    if at != stop {
        return Err(malformed(None, "the directory of the archive holds more than it says; pack it anew"));
    }
    Ok(Directory { start, records })
}

/// The one record that ends the archive: readers that look from the end and from its place must find the same.
fn find_end(bytes: &[u8]) -> Result<usize, Finding> {
    let last = bytes.len().checked_sub(END_SIZE).ok_or_else(truncated)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    let mut nearest = None;
    let mut exact = Vec::new();
    for at in (first..=last).rev() {
        if bytes.get(at..at + 4) != Some(END.as_slice()) {
            continue;
        }
        let comment = usize::from(u16_at(bytes, at + 20).unwrap_or_default());
        nearest.get_or_insert(at);
        if at + END_SIZE + comment == bytes.len() {
            exact.push(at);
        }
    }
    match (nearest, exact.as_slice()) {
        (None, _) => Err(truncated()),
        (Some(nearest), [only]) if nearest == *only => Ok(nearest),
        (Some(nearest), []) => {
            let comment = usize::from(u16_at(bytes, nearest + 20).unwrap_or_default());
            if nearest + END_SIZE + comment < bytes.len() {
                let message = "there are bytes behind the end of the archive; pack it anew";
                Err(critical("artifact.trailing_data", None, message))
            } else {
                Err(truncated())
            }
        }
        _ => {
            let message = "the archive has two ends, and readers would disagree which one counts; pack it anew";
            Err(critical("artifact.ambiguous", None, message))
        }
    }
}

fn central(bytes: &[u8], at: usize, stop: usize, directory: usize) -> Result<(Record, usize), Finding> {
    let header = bytes.get(at..stop).and_then(|rest| rest.get(..CENTRAL_SIZE)).ok_or_else(truncated)?;
    if !header.starts_with(&CENTRAL) {
        return Err(malformed(None, "the directory of the archive is damaged; pack it anew"));
    }
    let narrow = |at: usize| u16_at(header, at).unwrap_or_default();
    let wide = |at: usize| u32_at(header, at).unwrap_or_default();
    let (flags, method, crc) = (narrow(8), narrow(10), wide(16));
    let (packed, unpacked) = (wide(20), wide(24));
    let (name_size, extra_size, comment_size) =
        (usize::from(narrow(28)), usize::from(narrow(30)), usize::from(narrow(32)));
    let name_at = at + CENTRAL_SIZE;
    let next = name_at + name_size + extra_size + comment_size;
    if next > stop {
        return Err(truncated());
    }
    let name = bytes.get(name_at..name_at + name_size).ok_or_else(truncated)?.to_vec();
    let place = shown(&name);
    let extra = bytes.get(name_at + name_size..name_at + name_size + extra_size).unwrap_or_default();
    if renames(extra, &name) {
        let message = "the entry has a second name, and readers would disagree which one counts; pack it anew";
        return Err(critical("artifact.ambiguous", Some(&place), message));
    }
    if packed == UNKNOWN_32 || unpacked == UNKNOWN_32 || wide(42) == UNKNOWN_32 {
        let message = "this entry is in the zip64 format; pack it as a plain zip";
        return Err(critical("artifact.unsupported", Some(&place), message));
    }
    let method = match method {
        0 if packed == unpacked => Method::Stored,
        0 => return Err(malformed(Some(&place), "a stored entry has two sizes")),
        8 => Method::Deflated,
        other => {
            let message = format!("compression method {other} is not read; use deflate or none");
            return Err(critical("artifact.unsupported", Some(&place), message));
        }
    };
    let start = wide(42) as usize;
    let data =
        local(bytes, start, directory, &Declared { name: &name, flags, method: narrow(10), crc, packed, unpacked })?;
    let record = Record {
        method,
        // Bits 0, 6 and 13: encrypted, strongly encrypted, directory masked.
        encrypted: flags & 0b0010_0000_0100_0001 != 0,
        crc,
        unpacked: u64::from(unpacked),
        mode: wide(38) >> 16,
        start,
        data,
        descriptor: if flags & 8 == 0 { 0 } else { DESCRIPTOR },
        name,
    };
    Ok((record, next))
}

/// What the directory says of an entry.
struct Declared<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    unpacked: u32,
}

/// Where the contents lie. What the header before them says must be what the directory says: a reader may trust either.
fn local(bytes: &[u8], start: usize, directory: usize, declared: &Declared<'_>) -> Result<Range<usize>, Finding> {
    let place = shown(declared.name);
    let header = bytes.get(start..start.saturating_add(LOCAL_SIZE)).ok_or_else(truncated)?;
    if !header.starts_with(&LOCAL) {
        return Err(malformed(Some(&place), "the entry is not where the directory says; pack the archive anew"));
    }
    let narrow = |at: usize| u16_at(header, at).unwrap_or_default();
    let wide = |at: usize| u32_at(header, at).unwrap_or_default();
    let name_at = start + LOCAL_SIZE;
    let data_at = name_at + usize::from(narrow(26)) + usize::from(narrow(28));
    let data = data_at..data_at + declared.packed as usize;
    if data.end > directory {
        return Err(truncated());
    }
    let name = bytes.get(name_at..name_at + usize::from(narrow(26))).unwrap_or_default();
    let sizes_follow = declared.flags & 8 != 0;
    let agrees = |said: u32, declared: u32| said == declared || (sizes_follow && said == 0) || said == UNKNOWN_32;
    let same = name == declared.name
        && narrow(8) == declared.method
        && narrow(6) & 0b1001 == declared.flags & 0b1001
        && agrees(wide(14), declared.crc)
        && agrees(wide(18), declared.packed)
        && agrees(wide(22), declared.unpacked);
    if !same {
        let message = "the entry and the directory of the archive say different things of it; pack it anew";
        return Err(critical("artifact.ambiguous", Some(&place), message));
    }
    Ok(data)
}

/// Whether an extra field of the kind `0x7075` gives the entry another name.
fn renames(mut extra: &[u8], name: &[u8]) -> bool {
    const UNICODE_PATH: u16 = 0x7075;
    while let (Some(id), Some(size)) = (u16_at(extra, 0), u16_at(extra, 2)) {
        let body = extra.get(4..4 + usize::from(size)).unwrap_or_default();
        if id == UNICODE_PATH && body.get(5..).unwrap_or_default() != name {
            return true;
        }
        extra = extra.get(4 + usize::from(size)..).unwrap_or_default();
    }
    false
}

fn truncated() -> Finding {
    critical("artifact.truncated", None, "the archive ends too early; pack or send it again")
}

fn malformed(place: Option<&str>, message: &str) -> Finding {
    critical("artifact.malformed", place, message)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
