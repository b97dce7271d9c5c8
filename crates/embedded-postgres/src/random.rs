use crate::error::Error;

/// `bytes` random bytes, in lower-case hexadecimal.
#[allow(
    clippy::disallowed_methods,
    reason = "passwords and names of private directories must be unguessable; no event or test ever depends on them"
)]
pub(crate) fn hex(bytes: usize) -> Result<String, Error> {
    let mut buffer = vec![0_u8; bytes];
    getrandom::fill(&mut buffer).map_err(|error| Error::Random(error.to_string()))?;
    Ok(hex::encode(buffer))
}
