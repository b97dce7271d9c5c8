//! Which passwords are accepted.

const MIN_CHARS: usize = 8;
const MAX_CHARS: usize = 128;

/// Why a password is not accepted, in words for whoever chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Fewer than 8 characters.
    #[error("a password has at least {MIN_CHARS} characters")]
    TooShort,
    /// More than 128 characters.
    #[error("a password has at most {MAX_CHARS} characters")]
    TooLong,
    /// U+0000, which other software would cut the password at.
    #[error("a password has no NUL character")]
    Nul,
}

/// Whether `password` may be chosen: 8 to 128 characters of any kind but NUL.
///
/// # Errors
/// See [`PasswordRefused`].
pub fn check_password(password: &str) -> Result<(), PasswordRefused> {
    if password.contains('\0') {
        return Err(PasswordRefused::Nul);
    }
    match password.chars().take(MAX_CHARS + 1).count() {
        count if count < MIN_CHARS => Err(PasswordRefused::TooShort),
        count if count > MAX_CHARS => Err(PasswordRefused::TooLong),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{PasswordRefused, check_password};

    #[test]
    fn characters_are_counted_not_bytes() {
        for (password, expected) in [
            ("12345678".to_owned(), Ok(())),
            ("1234567".to_owned(), Err(PasswordRefused::TooShort)),
            (String::new(), Err(PasswordRefused::TooShort)),
            ("ü".repeat(8), Ok(())),
            ("ü".repeat(7), Err(PasswordRefused::TooShort)),
            ("🦀".repeat(128), Ok(())),
            ("🦀".repeat(129), Err(PasswordRefused::TooLong)),
            ("x".repeat(1_000_000), Err(PasswordRefused::TooLong)),
            ("long enough\0".to_owned(), Err(PasswordRefused::Nul)),
        ] {
            assert_eq!(check_password(&password), expected, "{} bytes", password.len());
        }
    }
}
