//! Rules of the steps `manifest` and `artifact`: what a package is.

use souk_domain::validation::Severity::{Critical, High, Info, Low, Medium};

use super::{
    Owasp::{Ast01, Ast02, Ast03, Ast04, Ast06, Ast07, Ast08, Ast09, Ast10},
    Rule, entry,
};

/// What the manifest says.
pub(super) static MANIFEST: &[Rule] = &[
    entry(
        "manifest.schema",
        Critical,
        Some(Ast04),
        [
            "A field of the manifest is missing or has another form than the schema wants.",
            "Write the field as docs/VALIDATION.md and the message say.",
            "{\"name\": 1}",
        ],
    ),
    entry(
        "manifest.too_large",
        Critical,
        Some(Ast04),
        [
            "The manifest has more than 64 KiB.",
            "Keep long texts in the archive.",
            "\"description\": \"… 70,000 characters …\"",
        ],
    ),
    entry(
        "manifest.version_not_semver",
        Critical,
        Some(Ast07),
        ["The version is no semantic version.", "Write three numbers such as `1.4.2`.", "\"version\": \"1.4\""],
    ),
    entry(
        "manifest.license_not_spdx",
        Critical,
        Some(Ast09),
        ["The license is no SPDX expression.", "Write an SPDX expression or NOASSERTION.", "\"license\": \"apache2\""],
    ),
    entry(
        "manifest.license_unknown",
        Info,
        Some(Ast09),
        [
            "No license is stated, so nobody may rely on having one.",
            "State an SPDX expression.",
            "\"license\": \"NOASSERTION\"",
        ],
    ),
    entry(
        "manifest.name_mismatch",
        Critical,
        Some(Ast04),
        ["The manifest is of another plugin.", "Hand in the manifest of this plugin.", "\"name\": \"other-plugin\""],
    ),
    entry(
        "manifest.kind_mismatch",
        Critical,
        Some(Ast04),
        [
            "The manifest names another kind than the listing.",
            "Use the kind that the plugin was listed with.",
            "\"kind\": \"agent\" for a skill",
        ],
    ),
    entry(
        "manifest.version_mismatch",
        Critical,
        Some(Ast07),
        [
            "The manifest is of another version than the one handed in.",
            "Raise the version in the manifest as well.",
            "\"version\": \"1.0.0\" handed in as 1.0.1",
        ],
    ),
    entry(
        "manifest.address_not_https",
        Low,
        Some(Ast04),
        ["A web address is no https address.", "Use https.", "\"homepage\": \"http://example.com\""],
    ),
    entry(
        "manifest.capability_unbounded",
        Medium,
        Some(Ast03),
        [
            "A capability is asked for without a bound, such as every host.",
            "Name the hosts, folders and secrets that are needed.",
            "\"network\": [\"*\"]",
        ],
    ),
    entry(
        "manifest.capability_private",
        High,
        Some(Ast06),
        [
            "A private or link-local address is asked for, where clouds keep credentials.",
            "Ask for public hosts by name only.",
            "\"network\": [\"169.254.169.254\"]",
        ],
    ),
    entry(
        "manifest.sample_duplicate",
        Low,
        None,
        [
            "Two samples have the same name.",
            "Give each sample a name of its own.",
            "\"samples\": [{\"name\": \"a\"}, {\"name\": \"a\"}]",
        ],
    ),
];

/// What the archive is.
pub(super) static ARTIFACT: &[Rule] = &[
    entry(
        "artifact.size_mismatch",
        Critical,
        Some(Ast02),
        [
            "The archive has another size than the one that was recorded.",
            "Hand the version in again.",
            "10 bytes instead of 12",
        ],
    ),
    entry(
        "artifact.digest_mismatch",
        Critical,
        Some(Ast02),
        [
            "The archive is another one than was recorded.",
            "Hand the version in again.",
            "SHA-256 e3b0… instead of 9f86…",
        ],
    ),
    entry(
        "artifact.too_large",
        Critical,
        None,
        ["The archive is larger than is taken.", "Leave out what is not needed.", "60 MiB"],
    ),
    entry(
        "artifact.not_an_archive",
        Critical,
        None,
        ["The bytes are neither a zip nor a gzipped tar.", "Pack the files as one of the two.", "a PDF"],
    ),
    entry(
        "artifact.too_many_entries",
        Critical,
        None,
        ["The archive has more entries than are read.", "Ship fewer files.", "20,000 files"],
    ),
    entry(
        "artifact.zip_bomb",
        Critical,
        Some(Ast01),
        [
            "The archive unpacks to far more than its size.",
            "Ship the files themselves, in a sensible size.",
            "42 KiB that unpack to 4 GiB",
        ],
    ),
    entry(
        "artifact.path_escapes",
        Critical,
        Some(Ast01),
        [
            "A path leads out of the folder it is unpacked to.",
            "Use paths relative to the top of the archive.",
            "../../etc/passwd",
        ],
    ),
    entry(
        "artifact.path_too_deep",
        Critical,
        None,
        ["A path has more folders within folders than are taken.", "Flatten the folders.", "a/b/c/… 40 levels"],
    ),
    entry(
        "artifact.path_too_long",
        Critical,
        None,
        ["A path is longer than file systems take.", "Shorten the names.", "a path of 2,000 bytes"],
    ),
    entry(
        "artifact.name_unsafe",
        Critical,
        Some(Ast01),
        [
            "A name has characters that change how it is shown or read.",
            "Use letters, digits and plain punctuation.",
            "invoice\\u202efdp.sh",
        ],
    ),
    entry(
        "artifact.name_not_portable",
        Low,
        Some(Ast10),
        ["A name does not work on every system.", "Avoid reserved names and characters.", "aux.md"],
    ),
    entry(
        "artifact.name_collides",
        Critical,
        Some(Ast10),
        ["Two names are one on many systems.", "Rename one of them.", "Readme.md and README.md"],
    ),
    entry(
        "artifact.duplicate_name",
        Critical,
        Some(Ast01),
        [
            "The archive has one name twice, so that readers may see different files.",
            "Pack each file once.",
            "SKILL.md twice",
        ],
    ),
    entry(
        "artifact.special_file",
        Critical,
        Some(Ast01),
        ["An entry is a device, a pipe or a socket.", "Ship files only.", "a character device"],
    ),
    entry(
        "artifact.link",
        Low,
        Some(Ast10),
        ["The archive has links, which not every client unpacks.", "Ship the file itself.", "a -> b"],
    ),
    entry(
        "artifact.link_escapes",
        Critical,
        Some(Ast01),
        ["A link leads out of the archive.", "Ship the file itself.", "keys -> /etc/shadow"],
    ),
    entry(
        "artifact.encrypted",
        Critical,
        Some(Ast08),
        ["An entry is encrypted, so nobody can look into it.", "Ship it unencrypted.", "a zip with a password"],
    ),
    entry(
        "artifact.unsupported",
        Critical,
        Some(Ast08),
        [
            "The archive uses a feature that is not read here.",
            "Pack it with deflate or stored entries.",
            "LZMA in a zip",
        ],
    ),
    entry(
        "artifact.ambiguous",
        Critical,
        Some(Ast08),
        [
            "Two readers could understand the archive differently.",
            "Pack it anew with a common tool.",
            "two central directories",
        ],
    ),
    entry(
        "artifact.corrupt",
        Critical,
        None,
        ["An entry's bytes do not match its checksum.", "Pack it anew.", "CRC 0 instead of 9"],
    ),
    entry(
        "artifact.malformed",
        Critical,
        None,
        ["The archive's structure is broken.", "Pack it anew.", "a folder with contents"],
    ),
    entry(
        "artifact.overlap",
        Critical,
        Some(Ast01),
        ["Entries share bytes, as bombs do.", "Pack it anew.", "two entries at offset 0"],
    ),
    entry(
        "artifact.trailing_data",
        Critical,
        Some(Ast08),
        ["There are bytes behind the end of the archive.", "Pack it anew.", "a script appended to a zip"],
    ),
    entry("artifact.truncated", Critical, None, ["The archive ends too early.", "Upload it again.", "half a zip"]),
    entry(
        "artifact.unclaimed_bytes",
        Critical,
        Some(Ast08),
        ["There are bytes between entries that belong to none.", "Pack it anew.", "bytes before the first entry"],
    ),
    entry("artifact.empty", Critical, None, ["The archive holds no file.", "Pack the files.", "an empty zip"]),
    entry(
        "artifact.leftover",
        Info,
        None,
        ["Files of the packing system are shipped along.", "Leave such files out.", ".DS_Store"],
    ),
    entry(
        "artifact.version_control",
        Medium,
        Some(Ast04),
        ["Version control data is shipped along, with its whole history.", "Leave the folder out.", ".git/config"],
    ),
    entry(
        "artifact.entry_missing",
        High,
        Some(Ast04),
        ["The manifest's `entry` is not in the archive.", "Name a file that is there.", "\"entry\": \"main.wasm\""],
    ),
];
