//! Where persons' keys are, and moving them there.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use souk_ports::store::WrappedKeys;
use souk_store_postgres::{KeyPlace, PersonKeys, PostgresStore};
use souk_vault::KeyFiles;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{config::Config, failure::Failure};

/// Connections to a database of keys; keys are remembered for a while.
const POOL: u32 = 4;

/// Persons' keys, of the configuration at home. Those that were in the database of `pool` before are moved, and nothing of them is left there.
///
/// # Errors
/// The place cannot be had, or is not the one where the keys are.
pub async fn open(config: &Config, store: &PostgresStore, pool: &PgPool) -> Result<Arc<dyn WrappedKeys>, Failure> {
    let known = store.key_place().await.map_err(Failure::new)?;
    let place = wanted(config, known)?;
    let here = PersonKeys::of(pool.clone());
    let keys: Arc<dyn WrappedKeys> = match (place, &config.keys.directory, &config.keys.database_url) {
        (KeyPlace::Directory, Some(folder), _) => files(folder)?,
        (KeyPlace::Database, _, Some(url)) => {
            let keys = database(url).await?;
            // Moving them would empty the very table that they are in.
            if known != Some(place) && keys.are_in(pool).await.map_err(Failure::new)? {
                return Err(Failure::new(
                    "keys.database_url names the database that everything else is in: name another one, or leave the key out to \
                     keep persons' keys there",
                ));
            }
            Arc::new(keys)
        }
        (KeyPlace::Files, ..) => files(&config.data_dir.join("keys").join("persons"))?,
        _ => Arc::new(here.clone()),
    };
    if known != Some(place) {
        if place != KeyPlace::Here {
            move_keys(&here, keys.as_ref()).await?;
        }
        store.set_key_place(place).await.map_err(Failure::new)?;
    }
    Ok(keys)
}

/// Where the configuration has them; where it does not say, where they are.
fn wanted(config: &Config, known: Option<KeyPlace>) -> Result<KeyPlace, Failure> {
    let said = match (&config.keys.directory, &config.keys.database_url) {
        (Some(_), _) => Some(KeyPlace::Directory),
        (None, Some(_)) => Some(KeyPlace::Database),
        (None, None) => None,
    };
    let elsewhere = |key: &str| {
        Failure::new(format!(
            "the keys of persons are not where this process would look: set {key} as the process did that moved them there. \
             Without them every personal text would count as erased"
        ))
    };
    match (said, known) {
        (Some(place), None | Some(KeyPlace::Here)) => Ok(place),
        (Some(place), Some(known)) if place == known => Ok(place),
        (None, Some(known @ (KeyPlace::Files | KeyPlace::Here))) => Ok(known),
        (None, None) if config.database_url.is_none() => Ok(KeyPlace::Files),
        (None, None) => Ok(KeyPlace::Here),
        (_, Some(KeyPlace::Directory)) => Err(elsewhere("keys.directory")),
        (_, Some(KeyPlace::Database)) => Err(elsewhere("keys.database_url")),
        (Some(_), Some(KeyPlace::Files)) => Err(Failure::new(
            "the keys of persons are files in keys/persons of the data directory: to keep them in another folder, move that one there \
             and set keys.directory to it with no process running; to a database they are not moved by themselves",
        )),
    }
}

fn files(folder: &Path) -> Result<Arc<dyn WrappedKeys>, Failure> {
    let keys = KeyFiles::open(folder.to_owned());
    keys.map(|keys| Arc::new(keys) as _)
        .map_err(|error| Failure::new(format!("the folder of persons' keys {}: {error}", folder.display())))
}

async fn database(url: &str) -> Result<PersonKeys, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(error).during("opening the database of persons' keys");
    let options = PgConnectOptions::from_str(url).map_err(|error| failed(&error))?;
    let pool = PgPoolOptions::new().max_connections(POOL).acquire_timeout(Duration::from_secs(3));
    let pool = pool.connect_with(options).await.map_err(|error| failed(&error))?;
    PersonKeys::open(pool).await.map_err(|error| failed(&error))
}

async fn move_keys(from: &PersonKeys, to: &dyn WrappedKeys) -> Result<(), Failure> {
    let failed = |error| Failure::new(error).during("moving persons' keys out of the database");
    let all = from.all().await.map_err(failed)?;
    if all.is_empty() {
        return Ok(());
    }
    let count = all.len();
    for (subject, wrapped) in all {
        match wrapped {
            Some(wrapped) => drop(to.get_or_insert(subject, &wrapped).await.map_err(failed)?),
            None => drop(to.destroy(subject).await.map_err(failed)?),
        }
    }
    from.clear().await.map_err(failed)?;
    tracing::info!(count, "moved the keys of persons out of the database, so that its backups do not carry them");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PersonKeyPlace;

    fn config(database: bool, directory: bool, keys: bool) -> Config {
        let url = || "postgres://x".to_owned();
        Config {
            database_url: database.then(url),
            keys: PersonKeyPlace { directory: directory.then(|| "/keys".into()), database_url: keys.then(url) },
            ..Config::default()
        }
    }

    #[test]
    fn keys_are_looked_for_where_they_are_and_nowhere_else() {
        use KeyPlace::{Database, Directory, Files, Here};
        for (config, known, place) in [
            (config(false, false, false), None, Some(Files)),
            (config(true, false, false), None, Some(Here)),
            // Somebody names the database of a Souk that has its own.
            (config(true, false, false), Some(Files), Some(Files)),
            (config(false, false, false), Some(Here), Some(Here)),
            (config(true, true, false), Some(Here), Some(Directory)),
            (config(true, false, true), None, Some(Database)),
            (config(true, false, true), Some(Database), Some(Database)),
            (config(true, false, false), Some(Database), None),
            (config(true, true, false), Some(Database), None),
            (config(false, false, false), Some(Directory), None),
            (config(false, true, false), Some(Files), None),
        ] {
            assert_eq!(wanted(&config, known).ok(), place, "{known:?} {:?}", config.keys);
        }
    }
}
