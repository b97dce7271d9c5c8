//! The directory of artifacts.

use std::{
    fs::{DirBuilder, File},
    io::{self, Read},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::{
    digest_of,
    draft::{self, Draft},
};

const DRAFTS: &str = "drafts";
/// How often a draft is written: each process that opens the directory may take one in the moment before it is locked, so there are more
/// attempts than processes ever begin at once.
const ATTEMPTS: usize = 100;

#[derive(Debug)]
pub(crate) struct Place {
    directory: PathBuf,
    drafts: PathBuf,
}

impl Place {
    pub(crate) fn open(directory: PathBuf) -> io::Result<Self> {
        let drafts = directory.join(DRAFTS);
        DirBuilder::new().recursive(true).mode(0o700).create(&drafts)?;
        sync(&directory)?;
        draft::clean(&drafts)?;
        Ok(Self { directory, drafts })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keeps `bytes`, whose digest is `digest`, durably. A file that has the name but other bytes is replaced.
    pub(crate) fn keep(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let (folder, path) = self.path(digest);
        let mut attempts = ATTEMPTS;
        while self.read(digest)?.is_none_or(|kept| digest_of(&kept) != digest) {
            make_folder(&folder)?;
            attempts -= 1;
            match Draft::write(&self.drafts, bytes)?.rename(&path) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound && attempts > 0 => {}
                Err(error) => return Err(error),
            }
        }
        // Also when the file was there: whoever renamed it may not have come this far yet.
        sync(&folder)?;
        sync(&self.directory)
    }

    /// The bytes of the file of `digest`, unchecked.
    pub(crate) fn read(&self, digest: &str) -> io::Result<Option<Vec<u8>>> {
        let Some((mut file, _)) = self.open_file(digest)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// The file of `digest` and its size.
    pub(crate) fn open_file(&self, digest: &str) -> io::Result<Option<(File, u64)>> {
        let file = match File::open(self.path(digest).1) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let known = file.metadata()?;
        // A directory can be opened, and has a size.
        if !known.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{digest} is no file")));
        }
        Ok(Some((file, known.len())))
    }

    fn path(&self, digest: &str) -> (PathBuf, PathBuf) {
        let (first, rest) = digest.split_at(2);
        let folder = self.directory.join(first);
        let path = folder.join(rest);
        (folder, path)
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names in `directory` durable.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
