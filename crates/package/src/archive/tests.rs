use std::io::{Cursor, Write};

use ::zip::{ZipWriter, write::SimpleFileOptions};
use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::pack::pack;

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, contents) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(contents).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    pack(files.iter().map(|(name, contents)| ((*name).to_owned(), contents.to_vec()))).unwrap()
}

/// A gzipped tar of headers made by hand, so that they can lie.
fn tarred(entries: &[(&str, tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, kind, target, contents) in entries {
        let mut header = tar::Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(contents);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.extend_from_slice(&[0; 1024]);
    gzipped(&tar)
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn refused(bytes: &[u8]) -> Vec<String> {
    let findings = inspect(bytes, &Limits::default()).expect_err("this archive should be refused");
    assert!(findings.iter().any(|finding| finding.severity == Severity::Critical));
    findings.into_iter().map(|finding| finding.rule).collect()
}

fn noted(bytes: &[u8]) -> Vec<String> {
    let archive = inspect(bytes, &Limits::default()).expect("this archive should be taken");
    archive.findings().iter().map(|finding| finding.rule.clone()).collect()
}

const FILE: tar::EntryType = tar::EntryType::Regular;

#[test]
fn files_of_both_formats_are_read() {
    let files: &[(&str, &[u8])] = &[("x/a.md", b"hello"), ("x/b/c.json", b"{}")];
    let entries: Vec<_> = files.iter().map(|(name, contents)| (*name, FILE, "", *contents)).collect();
    for bytes in [zipped(files), packed(files), tarred(&entries)] {
        let archive = inspect(&bytes, &Limits::default()).unwrap();
        assert_eq!(archive.findings(), []);
        assert_eq!(archive.read("x/a.md"), Some(b"hello".as_slice()));
        assert_eq!(archive.only_folder(), Some("x"));
        assert_eq!(archive.unpacked(), 7);
        assert_eq!(
            archive.files()[0],
            File {
                path: "x/a.md".into(),
                size: 5,
                sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".into()
            }
        );
    }
}

#[test]
fn folders_are_no_files() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("a/", SimpleFileOptions::default()).unwrap();
    writer.start_file("a/b", SimpleFileOptions::default()).unwrap();
    let zip = writer.finish().unwrap().into_inner();
    let tar = tarred(&[
        ("./", tar::EntryType::Directory, "", b""),
        ("./a/", tar::EntryType::Directory, "", b""),
        ("./a/b", FILE, "", b""),
    ]);
    for bytes in [zip, tar] {
        let archive = inspect(&bytes, &Limits::default()).unwrap();
        assert_eq!(archive.files().len(), 1);
        assert_eq!(archive.files()[0].path, "a/b");
    }
    let empty = tarred(&[("a/", tar::EntryType::Directory, "", b"")]);
    assert_eq!(refused(&empty), ["artifact.empty"]);
}

#[test]
fn what_is_no_archive_is_refused() {
    for bytes in [b"".as_slice(), b"P", b"PK", b"hello world", b"\x1f", b"{\"a\":1}", &[0; 600]] {
        assert_eq!(refused(bytes), ["artifact.not_an_archive"], "{bytes:?}");
    }
    assert_eq!(refused(&packed(&[])), ["artifact.empty"]);
    assert_eq!(refused(&gzipped(b"hello, I am no tar")), ["artifact.malformed"]);
    assert_eq!(refused(&gzipped(&[7; 2048])), ["artifact.malformed"]);
}

#[test]
fn every_cut_is_noticed_and_none_panics() {
    let files: &[(&str, &[u8])] =
        &[("a", b"some contents that are long enough to be packed, packed, packed"), ("b", b"x")];
    for whole in [zipped(files), packed(files), tarred(&[("a", FILE, "", b"contents")])] {
        for end in 0..whole.len() {
            assert!(inspect(&whole[..end], &Limits::default()).is_err(), "cut at {end} of {}", whole.len());
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert_eq!(refused(&longer), ["artifact.trailing_data"]);
    }
}

#[test]
fn no_flipped_byte_panics() {
    let files: &[(&str, &[u8])] = &[("a", b"some contents that are long enough to be packed, packed"), ("b/c", b"x")];
    for whole in [
        zipped(files),
        packed(files),
        tarred(&[("a", FILE, "", b"contents"), ("l", tar::EntryType::Symlink, "a", b"")]),
    ] {
        for at in 0..whole.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let _ = inspect(&bytes, &Limits::default());
            }
        }
    }
}

#[test]
fn paths_that_leave_are_refused_in_both_formats() {
    for name in ["../x", "/x", "a/../../x", "C:/x", "a\\..\\x"] {
        assert_eq!(refused(&packed(&[(name, b"x")])), ["artifact.path_escapes"], "{name}");
        assert_eq!(refused(&tarred(&[(name, FILE, "", b"x")])), ["artifact.path_escapes"], "{name}");
    }
    assert_eq!(refused(&packed(&[("a\0b", b"x")])), ["artifact.name_unsafe"]);
}

#[test]
fn all_bad_names_are_told() {
    let bytes = packed(&[("../x", b""), ("/y", b""), ("ok", b""), ("a//b", b"")]);
    assert_eq!(refused(&bytes), ["artifact.path_escapes", "artifact.path_escapes", "artifact.name_unsafe"]);
}

#[test]
fn names_that_are_one_file_elsewhere_are_refused() {
    for pair in [["a.md", "A.md"], ["caf\u{e9}", "cafe\u{301}"], ["a", "a/b"], ["Dir/a", "dir/b"]] {
        assert_eq!(refused(&packed(&[(pair[0], b"1"), (pair[1], b"2")])), ["artifact.name_collides"], "{pair:?}");
    }
    let twice = tarred(&[("a", FILE, "", b"1"), ("a", FILE, "", b"2")]);
    assert_eq!(refused(&twice), ["artifact.duplicate_name"]);
    let mut zip = packed(&[("a1", b"1"), ("a2", b"2")]);
    for at in 0..zip.len() - 1 {
        if &zip[at..at + 2] == b"a2" {
            zip[at + 1] = b'1';
        }
    }
    assert_eq!(refused(&zip), ["artifact.duplicate_name"]);
}

#[test]
fn bombs_are_refused() {
    let blanks = vec![b' '; 30 << 20];
    assert_eq!(refused(&zipped(&[("bomb", &blanks)])), ["artifact.zip_bomb"]);
    assert_eq!(refused(&tarred(&[("bomb", FILE, "", &blanks)])), ["artifact.zip_bomb"]);
    let small = Limits { unpacked: 100, ..Limits::default() };
    let two = packed(&[("a", &[1; 60]), ("b", &[2; 60])]);
    assert_eq!(inspect(&two, &small).unwrap_err()[0].rule, "artifact.zip_bomb");
    let few = Limits { entries: 1, ..Limits::default() };
    assert_eq!(inspect(&two, &few).unwrap_err()[0].rule, "artifact.too_many_entries");
    let tiny = Limits { packed: 10, ..Limits::default() };
    assert_eq!(inspect(&two, &tiny).unwrap_err()[0].rule, "artifact.too_large");
}

/// Writes `value` over the 4 bytes at `offset` of the first header that begins with `signature`.
fn patched(mut bytes: Vec<u8>, signature: &[u8; 4], offset: usize, value: u32) -> Vec<u8> {
    let at = bytes.windows(4).position(|window| window == signature).unwrap() + offset;
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[test]
fn a_size_that_lies_is_a_bomb() {
    let blanks = vec![b' '; 100_000];
    let lying = patched(patched(zipped(&[("a", &blanks)]), b"PK\x01\x02", 24, 10), b"PK\x03\x04", 22, 10);
    assert_eq!(refused(&lying), ["artifact.zip_bomb"]);
    let boasting = patched(patched(zipped(&[("a", &blanks)]), b"PK\x01\x02", 24, 100_001), b"PK\x03\x04", 22, 100_001);
    assert_eq!(refused(&boasting), ["artifact.corrupt"]);
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let mut bytes = packed(&[("a", b"same"), ("a2", b"same")]);
    let end = bytes.len() - 22;
    let directory = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap()) as usize;
    // The second record of the directory points at the first entry, whose header has another name: two lies at once.
    let second = directory + 46 + 1;
    bytes[second + 42..second + 46].copy_from_slice(&0_u32.to_le_bytes());
    assert_eq!(refused(&bytes), ["artifact.ambiguous"]);

    let mut same = packed(&[("a1", b"same"), ("a2", b"same")]);
    let end = same.len() - 22;
    let directory = u32::from_le_bytes(same[end + 16..end + 20].try_into().unwrap()) as usize;
    let second = directory + 46 + 2;
    same[second + 42..second + 46].copy_from_slice(&0_u32.to_le_bytes());
    same[second + 46 + 1] = b'1';
    assert_eq!(refused(&same), ["artifact.overlap"]);
}

#[test]
fn bytes_of_nobody_are_noticed() {
    let mut bytes = packed(&[("a", b"1")]);
    let end = bytes.len() - 22;
    let directory = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap());
    bytes.splice(directory as usize..directory as usize, *b"hidden");
    let end = end + 6;
    bytes[end + 16..end + 20].copy_from_slice(&(directory + 6).to_le_bytes());
    assert_eq!(noted(&bytes), ["artifact.unclaimed_bytes"]);
}

#[test]
fn headers_that_disagree_are_refused() {
    let mut bytes = packed(&[("a", b"1")]);
    bytes[30] = b'b';
    assert_eq!(refused(&bytes), ["artifact.ambiguous"]);
    let whole = packed(&[("a", b"1")]);
    let mut two_ends = whole.clone();
    let size = whole.len();
    two_ends[size - 2..].copy_from_slice(&22_u16.to_le_bytes());
    two_ends.extend_from_slice(&whole[size - 22..]);
    assert_eq!(refused(&two_ends), ["artifact.ambiguous"]);
}

#[test]
fn encrypted_and_foreign_methods_are_refused() {
    let whole = packed(&[("a", b"1")]);
    let encrypted = patched(patched(whole.clone(), b"PK\x03\x04", 6, 0x0801), b"PK\x01\x02", 8, 0x0801);
    assert_eq!(refused(&encrypted), ["artifact.encrypted"]);
    let bzip = patched(patched(whole, b"PK\x03\x04", 8, 12), b"PK\x01\x02", 10, 12);
    assert_eq!(refused(&bzip), ["artifact.unsupported"]);
}

#[test]
fn links_of_a_zip_are_judged() {
    let link = |target: &str| {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("a/file", SimpleFileOptions::default()).unwrap();
        writer.add_symlink("a/link", target, SimpleFileOptions::default()).unwrap();
        writer.finish().unwrap().into_inner()
    };
    assert_eq!(noted(&link("file")), ["artifact.link"]);
    assert_eq!(noted(&link("../b")), ["artifact.link"]);
    assert_eq!(refused(&link("../../etc/passwd")), ["artifact.link_escapes"]);
    assert_eq!(refused(&link("/etc/passwd")), ["artifact.link_escapes"]);
    let archive = inspect(&link("file"), &Limits::default()).unwrap();
    assert_eq!(archive.read("a/link"), None, "links are not followed");
}

#[test]
fn links_and_devices_of_a_tar_are_judged() {
    use tar::EntryType;
    let with = |kind, target| tarred(&[("f", FILE, "", b"x"), ("d/l", kind, target, b"")]);
    assert_eq!(noted(&with(EntryType::Symlink, "../f")), ["artifact.link"]);
    assert_eq!(noted(&with(EntryType::Link, "f")), ["artifact.link"]);
    assert_eq!(refused(&with(EntryType::Symlink, "../../f")), ["artifact.link_escapes"]);
    assert_eq!(refused(&with(EntryType::Link, "../f")), ["artifact.link_escapes"]);
    assert_eq!(refused(&with(EntryType::Link, "/etc/shadow")), ["artifact.link_escapes"]);
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo] {
        assert_eq!(refused(&with(kind, "")), ["artifact.special_file"]);
    }
    let through = tarred(&[("l", EntryType::Symlink, "d", b""), ("l/x", FILE, "", b"x")]);
    assert_eq!(refused(&through), ["artifact.name_collides", "artifact.link"]);
}

#[test]
fn leftovers_are_noticed_but_do_not_hide_the_one_folder() {
    let bytes = packed(&[("x/a", b"1"), ("__MACOSX/x/a", b""), (".DS_Store", b"")]);
    assert_eq!(noted(&bytes), ["artifact.leftover"]);
    assert_eq!(inspect(&bytes, &Limits::default()).unwrap().only_folder(), Some("x"));
    assert_eq!(noted(&packed(&[("a", b"1"), (".git/config", b"")])), ["artifact.version_control"]);
}

proptest::proptest! {
    #[test]
    fn whatever_the_bytes_reading_ends(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400), zip in proptest::bool::ANY) {
        let mut whole = if zip { b"PK\x03\x04".to_vec() } else { vec![0x1f, 0x8b, 8, 0] };
        whole.extend(bytes);
        proptest::prop_assert!(inspect(&whole, &Limits::default()).is_err());
    }

    #[test]
    fn what_is_packed_is_what_is_read(files in proptest::collection::btree_map("[a-z]{1,8}", proptest::collection::vec(proptest::num::u8::ANY, 0..100), 1..8)) {
        let bytes = pack(files.clone()).unwrap();
        let archive = inspect(&bytes, &Limits::default()).unwrap();
        for (path, contents) in &files {
            proptest::prop_assert_eq!(archive.read(path), Some(contents.as_slice()));
        }
        proptest::prop_assert_eq!(archive.files().len(), files.len());
    }
}
