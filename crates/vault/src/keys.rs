//! The key-encryption key: where it is kept, and what is derived from it.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use souk_ports::Random;
use zeroize::{Zeroize, Zeroizing};

/// More than any way to write 32 bytes; a longer file is something else.
const MAX_KEY_TEXT: u64 = 256;

/// Why there is no key-encryption key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is not 32 bytes in hexadecimal or base64.
    #[error("a key-encryption key is 32 bytes, written as 64 hexadecimal digits or in base64")]
    Malformed,
    /// The file does not hold a key.
    #[error("{path} does not hold a key-encryption key: 64 hexadecimal digits, or 32 bytes in base64")]
    MalformedFile {
        /// The file.
        path: PathBuf,
    },
    /// Somebody but the owner may read or change the file.
    #[error("{path} has mode {mode:04o}, but only its owner may read or change it (chmod 600)")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read or made.
    #[error("the key-encryption key at {path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// 32 secret bytes that every other secret of an installation descends from. Losing it loses all personal data.
#[derive(Clone)]
pub struct KeyEncryptionKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey([secret])")
    }
}

impl KeyEncryptionKey {
    /// The key made of `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key written in `text`: 64 hexadecimal digits, or base64 of either alphabet; white space around it is ignored.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = text.trim().as_bytes();
        let encodings: &[&data_encoding::Encoding] = match text.len() {
            64 => &[&HEXLOWER_PERMISSIVE],
            44 => &[&BASE64, &BASE64URL],
            43 => &[&BASE64_NOPAD, &BASE64URL_NOPAD],
            _ => &[],
        };
        for encoding in encodings {
            if let Ok(bytes) = encoding.decode(text).map(Zeroizing::new)
                && let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice())
            {
                return Ok(Self::from_bytes(key));
            }
        }
        Err(KeyError::Malformed)
    }

    /// The key kept in the file at `path`; nothing when there is no file.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn load(path: &Path) -> Result<Option<Self>, KeyError> {
        load(path)
    }

    /// The key kept in the file at `path`; a file with a new key (mode 0600) when there is none. Of several processes that
    /// do this at once one makes the file, complete from its first moment, and all get its key.
    ///
    /// # Errors
    /// See [`KeyError`]. A file that is there is never written.
    pub fn load_or_create(path: &Path, random: &dyn Random) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        if let Some(key) = load(path)? {
            return Ok(key);
        }
        create(path, random).map_err(failed)?;
        load(path)?.ok_or_else(|| failed(io::Error::from(io::ErrorKind::NotFound)))
    }

    /// Names the key without telling it: 8 bytes. Wrapped keys carry it, so that a wrong key-encryption key is recognized.
    #[must_use]
    pub fn id(&self) -> [u8; 8] {
        self.derive("souk/kek/id/1", "")
    }

    /// `N` bytes for `purpose` (a fixed text) and `detail`.
    pub(crate) fn derive<const N: usize>(&self, purpose: &str, detail: &str) -> [u8; N] {
        expand(&Hkdf::new(None, self.0.as_slice()), &[purpose.as_bytes(), &[0], detail.as_bytes()])
    }
}

/// HKDF-Expand.
pub(crate) fn expand<const N: usize>(key: &Hkdf<Sha256>, info: &[&[u8]]) -> [u8; N] {
    const { assert!(N <= 255 * 32, "HKDF-SHA256 gives no more") }
    let mut bytes = [0; N];
    match key.expand_multi_info(info, &mut bytes) {
        Ok(()) => bytes,
        Err(_) => unreachable!("the length is checked when this is compiled"),
    }
}

/// HMAC-SHA256 under a 32-byte key.
pub(crate) fn hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC itself pads a short key with zeros; padding it here makes the call that cannot fail applicable.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mac = Hmac::new(&block.into());
    block.zeroize();
    mac
}

/// HMAC-SHA256 of `message`.
pub(crate) fn hmac_of(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    hmac(key).chain_update(message).finalize().into_bytes().into()
}

fn load(path: &Path) -> Result<Option<KeyEncryptionKey>, KeyError> {
    let failed = |source| KeyError::File { path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyError::TooOpen { path: path.to_owned(), mode });
    }
    let malformed = || KeyError::MalformedFile { path: path.to_owned() };
    if !metadata.is_file() || metadata.len() > MAX_KEY_TEXT {
        return Err(malformed());
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_KEY_TEXT as usize));
    file.take(MAX_KEY_TEXT).read_to_end(&mut text).map_err(failed)?;
    let text = std::str::from_utf8(&text).map_err(|_| malformed())?;
    KeyEncryptionKey::from_text(text).map(Some).map_err(|_| malformed())
}

/// Makes the file at `path` unless there is one.
fn create(path: &Path, random: &dyn Random) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", random.uuid().simple()));
    let draft = directory.join(name);
    let linked = write_key(&draft, random).and_then(|()| {
        // A link, not a rename: it never replaces the key that another process has just made.
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            outcome => outcome,
        }
    });
    let removed = fs::remove_file(&draft);
    linked.and(removed)?;
    fs::File::open(directory)?.sync_all()
}

fn write_key(path: &Path, random: &dyn Random) -> io::Result<()> {
    let mut key = Zeroizing::new([0; 32]);
    random.fill(key.as_mut_slice());
    let mut text = Zeroizing::new(HEXLOWER.encode(key.as_slice()));
    text.push('\n');
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
