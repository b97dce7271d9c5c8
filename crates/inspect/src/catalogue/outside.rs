//! Rules of the steps that ask others: who signed, what a scanner knows, what a run shows.

use souk_domain::validation::Severity::{Critical, High, Info, Low};

use super::{
    Owasp::{Ast01, Ast02, Ast04, Ast08},
    Rule, entry,
};

/// Who signed.
pub(super) static SIGNATURE: &[Rule] = &[
    entry(
        "signature.unsigned",
        Info,
        Some(Ast02),
        [
            "The version is not signed by its vendor, which has no key to sign with.",
            "Register a key and sign with it: docs/SIGNING.md shows how.",
            "no part `signature` in what was handed in",
        ],
    ),
    entry(
        "signature.missing",
        Low,
        Some(Ast02),
        [
            "The version is not signed, although its vendor has keys to sign with.",
            "Sign what you hand in, so that nobody can hand in something in your name with a stolen token.",
            "a version without a signature, of a vendor that has a live key",
        ],
    ),
    entry(
        "signature.invalid",
        Critical,
        Some(Ast02),
        [
            "The signature is not one over this archive by the key that it names.",
            "Sign the very archive that you hand in, with `souk sign`.",
            "a signature over another build of the same version",
        ],
    ),
    entry(
        "signature.key_not_valid",
        Critical,
        Some(Ast02),
        [
            "The key was not one with which the vendor signed when the version was handed in.",
            "Sign with a key that is registered and not revoked.",
            "a key that was revoked a moment before",
        ],
    ),
    entry(
        "signature.key_revoked",
        High,
        Some(Ast02),
        [
            "The key was revoked after the version was handed in and before it was validated.",
            "Hand the next version in with a key that nobody else has; a human looks at this one.",
            "a key that was lost on the day of the release",
        ],
    ),
];

/// What a scanner of malware knows.
pub(super) static MALWARE: &[Rule] = &[
    entry(
        "malware.found",
        Critical,
        Some(Ast01),
        [
            "A scanner knows this as malware.",
            "Find out how it came into the package. Should the scanner be wrong, tell those who make it.",
            "Win.Test.EICAR_HDB-1 in tools/setup.exe",
        ],
    ),
    entry(
        "malware.not_scanned",
        High,
        Some(Ast08),
        [
            "A scanner of malware is asked, and did not look at all of this because it is too large.",
            "Ship less, or in smaller files; operators may let the scanner take more.",
            "a file of 40 MiB, and a scanner that takes 25",
        ],
    ),
];

/// What running the samples shows.
pub(super) static EXECUTION: &[Rule] = &[
    entry(
        "execution.not_loaded",
        High,
        None,
        [
            "The component that the manifest names cannot be run.",
            "Build a component for the world `souk:plugin`, and declare what it imports.",
            "\"entry\": \"plugin.wasm\", which is a core module",
        ],
    ),
    entry(
        "execution.sample_failed",
        High,
        None,
        [
            "A sample's run came to nothing.",
            "Run the sample by yourself: repair the plugin or the sample, or declare what it needs.",
            "it traps, or takes longer than it declares",
        ],
    ),
    entry(
        "execution.sample_differs",
        High,
        Some(Ast04),
        [
            "A sample's output is not what the manifest says.",
            "Correct what is expected, or what is done.",
            "\"expected\": {\"words\": 3}, and it answers {\"words\": 2}",
        ],
    ),
];
