//! Walking the folders of a catalogue: bounded, in one order on every machine, and never out of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::catalogue::Source;

/// As many files as one walk yields.
const MOST: usize = 100_000;
const DEEPEST: usize = 32;

/// Every regular file under `folder` with its path from there (`/` between folders), sorted by it. Data of version control
/// systems and of file managers is left out; links to files inside `bounds` are read as those files.
///
/// # Errors
/// What cannot be read or packed, and why.
pub fn under(folder: &Path, bounds: &Path) -> Result<Vec<Source>, String> {
    without(folder, bounds, &mut |path, _| is_junk(path.rsplit('/').next().unwrap_or(path)))
}

/// The same, but for the files and folders that `leave_out` names: it is asked with the path and whether that is a folder.
///
/// # Errors
/// What cannot be read or packed, and why.
pub fn without(
    folder: &Path,
    bounds: &Path,
    leave_out: &mut dyn FnMut(&str, bool) -> bool,
) -> Result<Vec<Source>, String> {
    let mut walk = Walk { bounds, leave_out, found: Vec::new() };
    walk.enter(folder, "", 0)?;
    walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.found)
}

/// The name of a folder and the files under it that are `wanted`; of a file that is named itself, its folder's name and it.
///
/// # Errors
/// Why the path cannot be read.
pub fn named(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<(String, Vec<Source>), String> {
    let shown = path.display();
    let found = path.canonicalize().map_err(|error| format!("{shown}: {error}"))?;
    let (folder, sources) = if found.is_dir() {
        let sources = under(&found, &found).map_err(|reason| format!("{shown}: {reason}"))?;
        (found, sources)
    } else {
        let (Some(folder), Some(name)) = (found.parent(), found.file_name()) else {
            return Err(format!("{shown}: this file lies in no folder"));
        };
        let path = name.to_string_lossy().into_owned();
        (folder.to_owned(), vec![Source { path, from: found.clone() }])
    };
    let name = folder.file_name().map_or("catalogue".into(), |name| name.to_string_lossy().into_owned());
    Ok((name, sources.into_iter().filter(|source| wanted(&source.path)).collect()))
}

struct Walk<'a> {
    bounds: &'a Path,
    leave_out: &'a mut dyn FnMut(&str, bool) -> bool,
    found: Vec<Source>,
}

impl Walk<'_> {
    fn enter(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("{prefix}: folders are nested deeper than {DEEPEST}"));
        }
        let at = |error: io::Error| format!("{}: {error}", if prefix.is_empty() { "." } else { prefix });
        for entry in fs::read_dir(folder).map_err(at)? {
            let entry = entry.map_err(at)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(format!(
                    "{prefix}{}: the name of this file is no UTF-8",
                    entry.file_name().to_string_lossy()
                ));
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type().map_err(at)?;
            if (self.leave_out)(&path, kind.is_dir()) {
                continue;
            }
            if kind.is_dir() {
                self.enter(&entry.path(), &format!("{path}/"), depth + 1)?;
            } else {
                let from = if kind.is_symlink() { linked(&entry.path(), &path, self.bounds)? } else { entry.path() };
                // A pipe or a device has no end.
                if !fs::metadata(&from).map_err(at)?.is_file() {
                    return Err(format!("{path}: this is no regular file"));
                }
                self.found.push(Source { path, from });
            }
            if self.found.len() > MOST {
                return Err(format!("there are more than {MOST} files"));
            }
        }
        Ok(())
    }
}

fn is_junk(name: &str) -> bool {
    [".git", ".hg", ".svn", ".DS_Store", "Thumbs.db"].contains(&name)
}

fn linked(link: &Path, path: &str, bounds: &Path) -> Result<PathBuf, String> {
    let target = link.canonicalize().map_err(|error| format!("{path}: this link leads nowhere: {error}"))?;
    if target.starts_with(bounds) && target.is_file() {
        Ok(target)
    } else {
        Err(format!("{path}: this link does not lead to a file of the catalogue"))
    }
}

/// Reads a file as UTF-8 without a byte order mark.
///
/// # Errors
/// Why not; where it is no UTF-8, with line and column as `LINE:COLUMN: `.
pub fn text(path: &Path) -> Result<String, Problem> {
    let bytes = fs::read(path).map_err(|error| Problem { at: None, reason: error.to_string() })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Problem { at: Some((line, column)), reason: "the file is no UTF-8 text".to_owned() }
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// Parses JSON.
///
/// # Errors
/// What is wrong, and where.
pub fn json(text: &str) -> Result<serde_json::Value, Problem> {
    serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let reason = said.split(" at line ").next().unwrap_or(&said);
        // An empty file has no line for serde_json; for people it ends where it begins.
        let at = (error.line().max(1), error.column().max(1));
        Problem { at: Some(at), reason: format!("the file is no JSON: {reason}") }
    })
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, from 1.
    pub at: Option<(usize, usize)>,
    /// What.
    pub reason: String,
}

impl Problem {
    /// `file`, with line and column where there are any.
    pub fn place(&self, file: &str) -> String {
        match self.at {
            Some((line, column)) => format!("{file}:{line}:{column}"),
            None => file.to_owned(),
        }
    }
}
