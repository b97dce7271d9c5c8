//! Compiled code on disk.
//!
//! Compiled code runs as it is, so nothing is loaded that this Souk has not compiled: every file carries an HMAC under a key that lies beside the
//! files, in a directory that only Souk's own user can read. The name is the component's digest and a hash of everything in the engine that
//! compiled code depends on; the HMAC covers the name.

use std::{
    ffi::OsStr,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use souk_ports::Random;
use tempfile::NamedTempFile;
use wasmtime::{Engine, component::Component};

const TAG: usize = 32;

pub(crate) struct Disk {
    directory: PathBuf,
    key: [u8; 32],
    engine: String,
    size: u64,
}

impl Disk {
    /// Opens `directory`, which is made when it is not there.
    pub(crate) fn open(directory: PathBuf, size: u64, engine: &Engine, random: &dyn Random) -> io::Result<Self> {
        private(&directory)?;
        let key = key(&directory, random)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { directory, key, engine: format!("{:016x}", hasher.finish()), size })
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{}.cwasm", self.engine)
    }

    fn mac(&self, name: &str, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        Some(mac.chain_update(name).chain_update([0]).chain_update(code))
    }

    /// The compiled component of `digest`, if it is there and whole. A file that is not as it was written is removed.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let name = self.name(digest);
        let path = self.directory.join(&name);
        let bytes = fs::read(&path).ok()?;
        let component = bytes.split_at_checked(TAG).and_then(|(tag, code)| {
            self.mac(&name, code)?.verify_slice(tag).ok()?;
            trusted(engine, code)
        });
        if component.is_none() {
            tracing::warn!(file = name, "compiled code is damaged or of another engine: it is compiled anew");
            remove(&path);
        }
        component
    }

    /// Keeps `component`. Not being able to is no failure: it is compiled again.
    pub(crate) fn store(&self, digest: &str, component: &Component) {
        if let Err(error) = self.try_store(digest, component) {
            tracing::warn!(%error, "compiled code is not kept");
        }
    }

    fn try_store(&self, digest: &str, component: &Component) -> io::Result<()> {
        let name = self.name(digest);
        let code = component.serialize().map_err(io::Error::other)?;
        let tag = self.mac(&name, &code).ok_or(ErrorKind::InvalidInput)?.finalize().into_bytes();
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(&tag)?;
        file.write_all(&code)?;
        file.as_file().sync_data()?;
        file.persist(self.directory.join(name)).map_err(|error| error.error)?;
        self.shrink()
    }

    /// Removes what was written first until the rest fits.
    fn shrink(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if Path::new(&entry.file_name()).extension() == Some(OsStr::new("cwasm")) {
                let metadata = entry.metadata()?;
                files.push((metadata.modified()?, metadata.len(), entry.path()));
            }
        }
        files.sort();
        let mut size: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, length, path) in files {
            if size <= self.size {
                break;
            }
            remove(&path);
            size = size.saturating_sub(length);
        }
        Ok(())
    }
}

/// Another process may have been quicker, which is as well.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "compiled code cannot be removed");
    }
}

/// Loads compiled code whose HMAC was right.
#[expect(unsafe_code, reason = "wasmtime has no other way to take compiled code back")]
fn trusted(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: the bytes must be what `Component::serialize` gave, unchanged. The HMAC says that this Souk wrote them, and it writes nothing else.
    unsafe { Component::deserialize(engine, code) }.ok()
}

/// Makes a directory that only its owner can look into.
pub(crate) fn private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The key of `directory`, made by whoever comes first.
fn key(directory: &Path, random: &dyn Random) -> io::Result<[u8; 32]> {
    let path = directory.join("key");
    if !path.exists() {
        let mut key = [0; 32];
        random.fill(&mut key);
        // A temporary file can be read by its owner alone, and is moved only to where nothing is.
        let mut file = NamedTempFile::new_in(directory)?;
        file.write_all(&key)?;
        file.as_file().sync_data()?;
        if let Err(error) = file.persist_noclobber(&path)
            && error.error.kind() != ErrorKind::AlreadyExists
        {
            return Err(error.error);
        }
    }
    let key = fs::read(&path)?;
    key.try_into()
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "the key of the compiled code has another length"))
}
