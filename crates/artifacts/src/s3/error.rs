//! What the store's failures mean. Its own words are not passed on: an answer to a wrong signature repeats the access key and
//! what was signed.

use std::error::Error as _;

use object_store::{
    Error,
    client::{HttpError, HttpErrorKind},
};

/// The longest reason that is passed on, characters.
const LONGEST: usize = 200;

/// What a failed request tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The HTTP status, of an answer.
    pub(super) status: Option<u16>,
    /// The code of S3, of an answer that has one: those to `HEAD` have no body, and so no code.
    pub(super) code: Option<String>,
    /// Whether the connection was there and broke off, so that the request may have been carried out.
    pub(super) broken: bool,
    /// Why there was no answer, or none that is understood.
    reason: String,
}

impl Refusal {
    pub(super) fn of(error: &Error) -> Self {
        let mut found = Self::default();
        let mut cause = error.source();
        while let Some(error) = cause {
            found.reason = error.to_string();
            found.code = found.code.take().or_else(|| code(&found.reason));
            found.status = found.status.or_else(|| status(&found.reason));
            found.broken |=
                error.downcast_ref::<HttpError>().is_some_and(|error| error.kind() != HttpErrorKind::Connect);
            cause = error.source();
        }
        if found.reason.is_empty() {
            found.reason = error.to_string();
        }
        found
    }

    /// Whether it is about the whole store, though the status alone would be about one object.
    pub(super) fn no_bucket(&self) -> bool {
        self.code.as_deref() == Some("NoSuchBucket")
    }

    /// In words, without anything secret.
    pub(super) fn words(&self) -> String {
        match (self.code.as_deref(), self.status) {
            (Some("NoSuchBucket"), _) => "there is no such bucket (NoSuchBucket)".to_owned(),
            (Some(code @ ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "NotSignedUp")), _) => {
                format!("it does not know the access key, or the secret is another one ({code})")
            }
            (Some(code @ "AccessDenied"), _) => {
                format!("the access key may not do that; it needs to list the bucket, to read and to write ({code})")
            }
            (Some(code @ "RequestTimeTooSkewed"), _) => format!("this machine's clock is wrong ({code})"),
            (Some(code), Some(status)) => format!("it answered {status} ({code})"),
            (Some(code), None) => format!("it answered {code}"),
            (None, Some(status @ (401 | 403))) => format!("it refuses the access key (status {status})"),
            (None, Some(status)) => format!("it answered {status}"),
            (None, None) => self.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect(),
        }
    }
}

/// What stands in `<Code>` of an answer.
fn code(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    let right = !code.is_empty() && code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    right.then(|| code.to_owned())
}

/// The status of an answer; the library tells it in words only.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("non-2xx status code: ")?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Refusal {
        let source = Box::new(std::io::Error::other(text.to_owned()));
        Refusal::of(&Error::Generic { store: "S3", source })
    }

    #[test]
    fn an_answer_is_told_by_status_and_code_and_nothing_else() {
        let said = refusal(
            "Server returned non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
             <AWSAccessKeyId>the-access-key</AWSAccessKeyId></Error>",
        );
        assert_eq!((said.status, said.code.as_deref()), (Some(403), Some("SignatureDoesNotMatch")));
        assert!(!said.words().contains("the-access-key"), "{}", said.words());
        let said = refusal("Server returned non-2xx status code: 403 Forbidden: the-access-key");
        assert_eq!(said.words(), "it refuses the access key (status 403)");
        let said = refusal("Server returned non-2xx status code: 500 Internal Server Error: <Code>a b</Code>");
        assert_eq!(said.words(), "it answered 500");
    }

    #[test]
    fn without_an_answer_the_reason_is_one_short_line() {
        let said = refusal(&format!("no\nroute{}", "!".repeat(500))).words();
        assert!(said.starts_with("no route!") && said.len() == LONGEST, "{said}");
    }
}
