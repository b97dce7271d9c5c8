//! Signed heads: C2SP's `tlog-checkpoint` in a `signed-note`, and the keys that make and check them.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use data_encoding::BASE64;
use signed_note::{Note, Signer, StandardSigner, StandardVerifier, Verifier, VerifierList, is_key_name_valid, key_id};
use souk_ports::{Random, ledger::SignedCheckpoint};
use tlog_tiles::{Checkpoint, Hash};
use zeroize::{Zeroize, Zeroizing};

/// How a note names Ed25519.
const ED25519: u8 = 1;
/// More than any key's text; a longer file is something else.
const MAX_KEY_TEXT: u64 = 4096;

/// What is wrong with a key or a note.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// The text is no key that signs notes.
    #[error("a ledger's key reads PRIVATE+KEY+NAME+ID+BASE64, as a signed note's key is written")]
    NoKey,
    /// The text is no key that checks notes.
    #[error("a ledger's verifier key reads NAME+ID+BASE64: {0}")]
    NoVerifierKey(String),
    /// The name cannot be a log's.
    #[error("{0:?} is no name for a ledger: it may have no space and no +")]
    Name(String),
    /// Somebody but the owner may read or change the file.
    #[error("{path} has mode {mode:04o}, but only its owner may read or change it (chmod 600)")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read or made.
    #[error("the ledger's key at {path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The note is none, or no checkpoint is in it.
    #[error("the checkpoint is not as C2SP's tlog-checkpoint has it: {0}")]
    Malformed(String),
    /// It is not signed with the key.
    #[error("the checkpoint is not signed by {0}: {1}")]
    Signature(String, String),
    /// It is of another log.
    #[error("the checkpoint is of the ledger {found:?}, and not of {wanted:?}")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// Nothing could be signed.
    #[error("the checkpoint cannot be signed: {0}")]
    Signing(String),
}

/// A key that signs heads, and the name of the log. Never shown.
#[derive(Clone)]
pub struct SigningKey {
    signer: StandardSigner,
    verifier: VerifierKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

/// The text of a new key of the log `name`.
fn new_key(name: &str, random: &dyn Random) -> Result<Zeroizing<String>, NoteError> {
    if !is_key_name_valid(name) {
        return Err(NoteError::Name(name.to_owned()));
    }
    let mut seed = Zeroizing::new([0; 32]);
    random.fill(&mut *seed);
    let public = public_half(&seed);
    let mut secret = Zeroizing::new(vec![ED25519]);
    secret.extend_from_slice(&*seed);
    let encoded = Zeroizing::new(BASE64.encode(&secret));
    Ok(Zeroizing::new(format!("PRIVATE+KEY+{name}+{:08x}+{}", key_id(name, &public), *encoded)))
}

/// What notes know a secret's public half by.
fn public_half(seed: &[u8; 32]) -> Vec<u8> {
    let public = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes();
    [&[ED25519][..], &public].concat()
}

impl SigningKey {
    /// A new key of the log `name`.
    ///
    /// # Errors
    /// The name cannot be a log's.
    pub fn generate(name: &str, random: &dyn Random) -> Result<Self, NoteError> {
        Self::parse(&new_key(name, random)?)
    }

    /// Reads `PRIVATE+KEY+NAME+ID+BASE64`; white space around it is ignored.
    ///
    /// # Errors
    /// It is nothing such.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let text = text.trim();
        let signer = StandardSigner::new(text).map_err(|_| NoteError::NoKey)?;
        // Base64 may have a + of its own.
        let key = text.splitn(5, '+').nth(4).ok_or(NoteError::NoKey)?;
        let bytes = BASE64.decode(key.as_bytes()).ok();
        let bytes = Zeroizing::new(bytes.ok_or(NoteError::NoKey)?);
        let mut seed: [u8; 32] = bytes.get(1..).and_then(|seed| seed.try_into().ok()).ok_or(NoteError::NoKey)?;
        let public = public_half(&seed);
        seed.zeroize();
        let verifier = format!("{}+{:08x}+{}", signer.name(), signer.key_id(), BASE64.encode(&public));
        Ok(Self { verifier: VerifierKey::parse(&verifier)?, signer })
    }

    /// The key kept in the file at `path`; none when there is no file.
    ///
    /// # Errors
    /// It cannot be read, or others may read it.
    pub fn load(path: &Path) -> Result<Option<Self>, NoteError> {
        let failed = |source| NoteError::File { path: path.to_owned(), source };
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let found = file.metadata().map_err(failed)?;
        if found.mode() & 0o077 != 0 {
            return Err(NoteError::TooOpen { path: path.to_owned(), mode: found.mode() & 0o7777 });
        }
        let text = Zeroizing::new(io::read_to_string(io::Read::take(file, MAX_KEY_TEXT)).map_err(failed)?);
        Self::parse(&text).map(Some)
    }

    /// The key kept in the file at `path`; a file with a new key of the log `name` (mode 0600) when there is none. A file that is
    /// there is never written. Of several processes that do this at once one makes the file.
    ///
    /// # Errors
    /// As [`SigningKey::load`], or the file cannot be made.
    pub fn load_or_create(path: &Path, name: &str, random: &dyn Random) -> Result<Self, NoteError> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let failed = |source| NoteError::File { path: path.to_owned(), source };
        create(path, &new_key(name, random)?, random).map_err(failed)?;
        Self::load(path)?.ok_or_else(|| failed(io::Error::from(io::ErrorKind::NotFound)))
    }

    /// What checks its signatures.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a head of the tree.
    ///
    /// # Errors
    /// None that a key has.
    pub fn sign(&self, size: u64, root: [u8; 32]) -> Result<SignedCheckpoint, NoteError> {
        let failed = |error: &dyn fmt::Display| NoteError::Signing(error.to_string());
        let head = Checkpoint::new(self.signer.name(), size, Hash(root), "").map_err(|error| failed(&error))?;
        let mut note = Note::new(&head.to_bytes(), &[]).map_err(|error| failed(&error))?;
        note.add_sigs(&[&self.signer]).map_err(|error| failed(&error))?;
        let note = String::from_utf8(note.to_bytes()).map_err(|error| failed(&error))?;
        Ok(SignedCheckpoint { size, root, note })
    }
}

/// Makes the file complete from its first moment; one that is there stays.
fn create(path: &Path, text: &str, random: &dyn Random) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let beside = path.with_extension(format!("new-{}", random.uuid()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let made =
        writeln!(file, "{text}").and_then(|()| file.sync_all()).and_then(|()| match fs::hard_link(&beside, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    let removed = fs::remove_file(&beside);
    made.and(removed)?;
    fs::File::open(folder)?.sync_all()
}

/// A key that checks heads, and the name of their log.
#[derive(Clone)]
pub struct VerifierKey {
    text: String,
    verifier: StandardVerifier,
}

impl VerifierKey {
    /// Reads `NAME+ID+BASE64`; white space around it is ignored.
    ///
    /// # Errors
    /// It is nothing such.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let text = text.trim();
        let verifier = StandardVerifier::new(text).map_err(|error| NoteError::NoVerifierKey(error.to_string()))?;
        Ok(Self { text: text.to_owned(), verifier })
    }

    /// The name of the log.
    #[must_use]
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The head in `note`, if this key signed it.
    ///
    /// # Errors
    /// It did not, or `note` is something else.
    pub fn open(&self, note: &str) -> Result<SignedCheckpoint, NoteError> {
        let parsed = Note::from_bytes(note.as_bytes()).map_err(|error| NoteError::Malformed(error.to_string()))?;
        let known = VerifierList::new(vec![Box::new(self.verifier.clone())]);
        parsed.verify(&known).map_err(|error| NoteError::Signature(self.text.clone(), error.to_string()))?;
        let head = Checkpoint::from_bytes(parsed.text()).map_err(|error| NoteError::Malformed(error.to_string()))?;
        if head.origin() != self.name() {
            return Err(NoteError::Origin { found: head.origin().to_owned(), wanted: self.name().to_owned() });
        }
        Ok(SignedCheckpoint { size: head.size(), root: head.hash().0, note: note.to_owned() })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use souk_testkit::SeededRandom;

    use super::*;

    fn key(seed: u64) -> SigningKey {
        SigningKey::parse(&new_key("souk.example/log", &SeededRandom::new(seed)).unwrap()).unwrap()
    }

    #[test]
    fn what_a_key_signs_only_its_other_half_opens() {
        // Base64 with and without a + of its own.
        for seed in 0..50 {
            let signed = key(seed).sign(7, [9; 32]).unwrap();
            assert!(signed.note.starts_with("souk.example/log\n7\nCQkJ"), "{}", signed.note);
            assert_eq!(key(seed).verifier().open(&signed.note).unwrap(), signed);
            assert!(matches!(key(seed + 1).verifier().open(&signed.note), Err(NoteError::Signature(..))));
            let altered = signed.note.replacen("\n7\n", "\n8\n", 1);
            assert!(matches!(key(seed).verifier().open(&altered), Err(NoteError::Signature(..))));
        }
        assert!(matches!(key(1).verifier().open("nothing"), Err(NoteError::Malformed(_))));
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let key = SigningKey::parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
            .unwrap();
        assert_eq!(key.verifier().to_string(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    }

    #[test]
    fn a_key_is_kept_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys").join("ledger");
        let made = SigningKey::load_or_create(&path, "souk.example", &SeededRandom::new(1)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        let again = SigningKey::load_or_create(&path, "other.example", &SeededRandom::new(2)).unwrap();
        assert_eq!(made.verifier().to_string(), again.verifier().to_string());
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        assert!(matches!(SigningKey::load(&path), Err(NoteError::TooOpen { mode: 0o640, .. })));
        assert!(matches!(new_key("a b", &SeededRandom::new(1)), Err(NoteError::Name(_))));
    }
}
