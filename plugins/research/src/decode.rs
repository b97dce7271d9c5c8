//! Bytes to text.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::Trouble;

/// As far into a page as its own word on its charset is looked for.
const LOOKED_AT: usize = 1_024;

/// The text of a page: by its byte order mark, else the charset that the server names, else the one that the page names, else UTF-8, and where
/// it is none, Windows-1252, as browsers do. What the charset does not know becomes U+FFFD.
pub(crate) fn text(body: &[u8], content_type: Option<&str>, is_html: bool) -> Result<String, Trouble> {
    let named = content_type.and_then(|header| parameter(header, "charset"));
    let known = match &named {
        Some(label) => {
            let found = Encoding::for_label(label.as_bytes());
            let unknown = || Trouble::new("unsupported_charset", format!("the charset `{label}` is not known"));
            Some(found.ok_or_else(unknown)?)
        }
        None if is_html => in_page(body),
        None => None,
    };
    let encoding = known.unwrap_or_else(|| if std::str::from_utf8(body).is_ok() { UTF_8 } else { WINDOWS_1252 });
    // A byte order mark counts more than what is said.
    Ok(encoding.decode(body).0.into_owned())
}

/// A parameter of a header such as `text/html; charset="utf-8"`.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (key.trim().eq_ignore_ascii_case(name) && !value.is_empty()).then(|| value.to_owned())
    })
}

/// `<meta charset=…>`, or the same within `content`.
fn in_page(body: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(body.get(..LOOKED_AT).unwrap_or(body)).to_ascii_lowercase();
    let (_, rest) = head.split_once("charset")?;
    let value = rest.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let label = value.split(['"', '\'', '>', ' ', '/', ';']).next()?;
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets_are_found() {
        for (body, header, expected) in [
            (&b"caf\xc3\xa9"[..], None, "café"),
            (b"caf\xe9", None, "café"),
            (b"caf\xe9", Some("text/html; charset=ISO-8859-1"), "café"),
            (b"<meta charset='shift_jis'>\x93\xfa\x96\x7b", None, "<meta charset='shift_jis'>日本"),
            (b"\xef\xbb\xbfa", Some("text/html; Charset=\"latin1\""), "a"),
            (b"caf\xe9", Some("text/html; charset=utf-8"), "caf\u{fffd}"),
        ] {
            assert_eq!(text(body, header, true).unwrap(), expected);
        }
        assert_eq!(text(b"", Some("text/html; charset=klingon"), true).unwrap_err().reason, "unsupported_charset");
    }
}
