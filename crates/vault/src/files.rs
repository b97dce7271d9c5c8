//! Persons' keys in a folder of their own, outside of every database and so of every backup of one.

use std::{
    fs, io,
    io::{Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use souk_domain::id::UserId;
use souk_ports::store::{StoreError, WrappedKeys};
use tokio::task::spawn_blocking;

/// More than any wrapped key.
const MAX_WRAPPED: u64 = 4_096;

/// [`WrappedKeys`] as files, one a person: `ab/abcdef01-…`. One that is empty, or nothing but zeros, is that of a key that was destroyed.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    folder: PathBuf,
}

impl KeyFiles {
    /// The keys in `folder`, which is made unless it is there. Only its owner can look into it.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self, subject: UserId) -> PathBuf {
        let name = subject.to_string();
        self.folder.join(&name[..2]).join(name)
    }

    async fn run<T: Send + 'static>(
        &self,
        subject: UserId,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let path = self.path(subject);
        let done =
            spawn_blocking(move || work(&path).map_err(|error| StoreError(format!("{}: {error}", path.display()))));
        done.await.map_err(|error| StoreError(error.to_string()))?
    }
}

#[async_trait]
impl WrappedKeys for KeyFiles {
    async fn get_or_insert(&self, subject: UserId, fresh: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let fresh = fresh.to_vec();
        self.run(subject, move |path| match read(path)? {
            Kept::Key(key) => Ok(Some(key)),
            Kept::Destroyed => Ok(None),
            Kept::Nothing => {
                create(path, &fresh)?;
                Ok(read(path)?.key())
            }
        })
        .await
    }

    async fn get(&self, subject: UserId) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(subject, |path| Ok(read(path)?.key())).await
    }

    async fn get_all(&self, subjects: &[UserId]) -> Result<Vec<(UserId, Vec<u8>)>, StoreError> {
        let mut found = Vec::with_capacity(subjects.len());
        for subject in subjects {
            found.extend(self.get(*subject).await?.map(|key| (*subject, key)));
        }
        Ok(found)
    }

    async fn destroy(&self, subject: UserId) -> Result<bool, StoreError> {
        self.run(subject, |path| {
            let existed = matches!(read(path)?, Kept::Key(_));
            // Nobody makes one in between: what is there is never replaced.
            create(path, &[])?;
            let mut file = fs::OpenOptions::new().write(true).open(path)?;
            let length = file.metadata()?.len();
            file.write_all(&vec![0; usize::try_from(length.min(MAX_WRAPPED)).unwrap_or_default()])?;
            file.sync_all()?;
            file.set_len(0)?;
            file.sync_all()?;
            Ok(existed)
        })
        .await
    }
}

enum Kept {
    Key(Vec<u8>),
    Destroyed,
    Nothing,
}

impl Kept {
    fn key(self) -> Option<Vec<u8>> {
        match self {
            Self::Key(key) => Some(key),
            Self::Destroyed | Self::Nothing => None,
        }
    }
}

fn read(path: &Path) -> io::Result<Kept> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::Nothing),
        Err(error) => return Err(error),
    };
    let mut key = Vec::new();
    file.take(MAX_WRAPPED).read_to_end(&mut key)?;
    Ok(if key.iter().all(|byte| *byte == 0) { Kept::Destroyed } else { Kept::Key(key) })
}

/// Makes the file unless there is one, complete from its first moment.
fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut draft = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(path) {
        Ok(_) => fs::File::open(folder)?.sync_all(),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::MetadataExt, sync::Arc};

    use souk_testkit::contract::wrapped_keys;
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn the_folder_keeps_the_contract() {
        let home = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyFiles::open(home.path().join("persons")).unwrap());
        wrapped_keys::all(async || Arc::clone(&keys) as wrapped_keys::Subject).await;
    }

    #[tokio::test]
    async fn what_was_destroyed_is_in_no_file() {
        let home = tempfile::tempdir().unwrap();
        let keys = KeyFiles::open(home.path().join("persons")).unwrap();
        keys.get_or_insert(user(1), b"the wrapped key").await.unwrap();
        let path = keys.path(user(1));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        // The same bytes on the disk, not others beside them.
        let inode = fs::metadata(&path).unwrap().ino();
        assert!(keys.destroy(user(1)).await.unwrap());
        let left = fs::metadata(&path).unwrap();
        assert_eq!((left.ino(), left.len()), (inode, 0));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "drafts were left");
        // A crash between the two steps leaves zeros.
        fs::write(&path, [0; 15]).unwrap();
        assert_eq!(keys.get_or_insert(user(1), b"another").await.unwrap(), None);
    }

    #[tokio::test]
    async fn keys_are_there_after_a_restart_and_a_folder_that_cannot_be_read_is_named() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("persons");
        KeyFiles::open(folder.clone()).unwrap().get_or_insert(user(1), b"key").await.unwrap();
        let again = KeyFiles::open(folder.clone()).unwrap();
        assert_eq!(again.get(user(1)).await.unwrap().as_deref(), Some(&b"key"[..]));
        fs::remove_dir_all(again.path(user(1)).parent().unwrap()).unwrap();
        fs::write(again.path(user(1)).parent().unwrap(), "a file").unwrap();
        let error = again.get_or_insert(user(1), b"key").await.unwrap_err().to_string();
        assert!(error.contains("persons"), "{error}");
    }
}
