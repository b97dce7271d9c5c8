//! What a person or a script reads: results on stdout, everything else on stderr.

use std::io::{self, IsTerminal, Write};

/// Writes a line to stdout. A reader that went away (`| head`) is no error.
pub fn say(line: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{}", line.as_ref()));
    drop(out.flush());
}

/// Writes a line to stderr.
pub fn note(line: impl AsRef<str>) {
    drop(writeln!(io::stderr().lock(), "{}", line.as_ref()));
}

/// `text` without what a terminal would obey.
pub fn clean(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}")
}

/// Whether a person watches.
pub fn on_terminal() -> bool {
    io::stderr().is_terminal()
}
