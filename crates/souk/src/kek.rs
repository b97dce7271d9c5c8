//! The key-encryption key, and that it is the one that the database was begun with.

use std::path::{Path, PathBuf};

use souk_ports::Random;
use souk_store_postgres::PostgresStore;
use souk_vault::KeyEncryptionKey;

use crate::{
    config::{Config, ConfigError},
    failure::Failure,
};

/// The key that was set, else the one of the data directory; a new one only for a database that was begun with none. Any
/// other key would make all that is sealed unreadable and forget every e-mail address.
///
/// # Errors
/// The key is missing, unreadable, or not the one that the database was begun with.
pub async fn open(config: &Config, store: &PostgresStore, random: &dyn Random) -> Result<KeyEncryptionKey, Failure> {
    if let Some(problem) = config.missing_key() {
        return Err(Failure::new(ConfigError::Wrong(problem.to_owned())));
    }
    let begun_with = store.key_encryption_key().await.map_err(Failure::new)?;
    let path = key_file(&config.data_dir);
    let (key, from) = match &config.kek {
        Some(text) => (KeyEncryptionKey::from_text(text).map_err(Failure::new)?, "the configuration".to_owned()),
        None => (kept(&path, begun_with.is_some(), random)?, path.display().to_string()),
    };
    if store.begin_with_key(key.id()).await.map_err(Failure::new)? == key.id() {
        if let Some(data_dir) = config.data_dir.canonicalize().ok().as_deref().and_then(Path::to_str) {
            store.begin_with_data_dir(data_dir).await.map_err(Failure::new)?;
        }
        return Ok(key);
    }
    Err(Failure::new(format!(
        "the key-encryption key of {from} is not the one that this database was begun with: what is sealed in it cannot be \
         read with this key. Set SOUK_KEK to the right key, or bring back the file keys/kek of the data directory that \
         the database was begun from"
    )))
}

/// The data directory: the one that is named, or, where a database is named and no directory, the one that the database was
/// begun with, as long as its key is on this machine.
///
/// # Errors
/// The database cannot be reached.
pub async fn data_dir(config: &Config, store: &PostgresStore) -> Result<PathBuf, Failure> {
    let named = config.data_dir != Config::default().data_dir || config.database_url.is_none();
    if !named
        && !key_file(&config.data_dir).is_file()
        && let Some(known) = store.data_dir().await.map_err(Failure::new)?.map(PathBuf::from)
        && key_file(&known).is_file()
    {
        return Ok(known);
    }
    Ok(config.data_dir.clone())
}

fn key_file(data_dir: &Path) -> PathBuf {
    data_dir.join("keys").join("kek")
}

fn kept(path: &Path, begun: bool, random: &dyn Random) -> Result<KeyEncryptionKey, Failure> {
    if !begun {
        return KeyEncryptionKey::load_or_create(path, random).map_err(Failure::new);
    }
    KeyEncryptionKey::load(path).map_err(Failure::new)?.ok_or_else(|| {
        Failure::new(format!(
            "the key-encryption key {} is missing, and without it nothing that is sealed in the database can be read: bring \
             the file back, or set SOUK_KEK to the key. No new key is made, because there is data under the old one",
            path.display()
        ))
    })
}
