//! Catalogues of others: read here, then given to the use cases as anyone's plugins are.
//!
//! Reading ([`claude`], [`n8n`]) knows files and nothing of Souk; applying knows Souk and nothing of files. The rules by
//! which names, versions and archives come about are in `docs/IMPORT.md`.

mod catalogue;
mod claude;
mod files;
mod n8n;
mod naming;

#[cfg(test)]
mod tests;
