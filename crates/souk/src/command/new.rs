//! `souk new`

mod templates;

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde_json::json;
use souk_domain::{
    listing::{Kind, is_license},
    name::PluginName,
};

use crate::{
    cli::{Language, NewOptions},
    failure::Failure,
    output::say,
};

/// Writes a project that validates as it is, once its component is built where it has one.
///
/// # Errors
/// The name, the license or the language do not fit, something is there already, or a file cannot be written.
pub fn run(options: &NewOptions, json: bool) -> Result<(), Failure> {
    let project = Project::of(options)?;
    let folder = options.dir.clone().unwrap_or_else(|| PathBuf::from(&options.name));
    let files = templates::files(&project);
    write(&folder, &files)?;
    if json {
        let paths: Vec<_> = files.iter().map(|(path, _)| path).collect();
        say(json!({ "folder": folder, "files": paths }).to_string());
        return Ok(());
    }
    say(format!("{} holds a new {}:", folder.display(), templates::what(project.kind)));
    for (path, _) in &files {
        say(format!("  {path}"));
    }
    say("Next:");
    say(format!("  cd {}", folder.display()));
    if project.language.is_some() {
        say("  sh build.sh");
    }
    say("  souk validate .");
    say("  souk publish . --create --url URL");
    Ok(())
}

/// What is begun.
struct Project {
    name: String,
    kind: Kind,
    language: Option<Language>,
    license: String,
}

impl Project {
    fn of(options: &NewOptions) -> Result<Self, Failure> {
        let name = &options.name;
        PluginName::parse(name).map_err(|invalid| Failure::new(format!("`{name}`: {invalid}")))?;
        if !is_license(&options.license) {
            let problem = "this is no SPDX license expression such as `MIT` or `Apache-2.0`, nor NOASSERTION";
            return Err(Failure::new(format!("--license {}: {problem}", options.license)));
        }
        let language = match (options.kind, options.language) {
            (Kind::McpServer | Kind::Workflow, Some(_)) => {
                let what = templates::what(options.kind);
                let problem = format!("--language: a {what} describes what runs elsewhere, and carries no component");
                return Err(Failure::new(problem));
            }
            (Kind::Asset, None) => Some(Language::Rust),
            (_, language) => language,
        };
        Ok(Self { name: name.clone(), kind: options.kind, language, license: options.license.clone() })
    }
}

/// Writes `files` into `folder`, which is not there yet or empty.
fn write(folder: &Path, files: &[(&'static str, String)]) -> Result<(), Failure> {
    let at = |path: &Path, problem: &dyn std::fmt::Display| Failure::new(format!("{}: {problem}", path.display()));
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(at(folder, &"there is something already; nothing is written over it"));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(at(folder, &error)),
    }
    for (path, contents) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| at(parent, &error))?;
        let made = OpenOptions::new().write(true).create_new(true).open(&path);
        made.and_then(|mut file| file.write_all(contents.as_bytes())).map_err(|error| at(&path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
