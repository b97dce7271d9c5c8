//! `souk pack`

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::{
    cli::PackOptions,
    failure::Failure,
    output::say,
    package::{self, packed_name},
};

/// Writes the archive of a package. One of the same name is replaced: the same files make the same bytes.
///
/// # Errors
/// The package cannot be read or is not complete, or the archive cannot be written.
pub fn run(options: &PackOptions, json: bool) -> Result<(), Failure> {
    let packed = pack(&options.path, options.output.as_deref())?;
    if json {
        let Packed { file, size, digest, left_out } = packed;
        say(json!({ "file": file, "size": size, "digest": digest, "leftOut": left_out }).to_string());
    } else {
        say(format!("{}  {} bytes  {}", packed.file.display(), packed.size, packed.digest));
    }
    Ok(())
}

struct Packed {
    file: PathBuf,
    size: u64,
    digest: String,
    left_out: Vec<String>,
}

fn pack(path: &Path, output: Option<&Path>) -> Result<Packed, Failure> {
    let at = |path: &Path, problem: String| Failure::new(format!("{}: {problem}", path.display()));
    if !path.is_dir() {
        return Err(at(path, "this is no folder".to_owned()));
    }
    let package = package::complete(path).map_err(|problem| at(path, problem))?;
    let input = package.input;
    let file = output.map_or_else(|| packed_name(&input.name, &input.version.to_string()).into(), Path::to_owned);
    if output.is_some() && is_within(&file, path) {
        return Err(at(
            &file,
            "this lies in the package, and would be part of it the next time; write it elsewhere".to_owned(),
        ));
    }
    std::fs::write(&file, &input.archive).map_err(|error| at(&file, error.to_string()))?;
    Ok(Packed { file, size: input.size, digest: input.digest, left_out: package.left_out })
}

/// Whether a file that may not be there yet lies in `folder`.
fn is_within(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    matches!((parent.canonicalize(), folder.canonicalize()), (Ok(parent), Ok(folder)) if parent.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn skill(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("souk.json"), manifest).unwrap();
        fs::write(folder.path().join("SKILL.md"), "---\nname: demo\ndescription: x\n---\n").unwrap();
        folder
    }

    const GOOD: &str = r#"{"name":"demo","version":"1.0.0","kind":"skill","summary":"x","license":"MIT"}"#;

    #[test]
    fn the_same_files_make_the_same_bytes_whatever_lies_beside_them() {
        let (one, other, out) = (skill(GOOD), skill(GOOD), tempfile::tempdir().unwrap());
        fs::create_dir_all(other.path().join("node_modules/x")).unwrap();
        fs::write(other.path().join("node_modules/x/y.js"), "z").unwrap();
        fs::write(other.path().join("demo-0.9.0.zip"), "an earlier one").unwrap();
        let first = pack(one.path(), Some(&out.path().join("a.zip"))).unwrap();
        let second = pack(other.path(), Some(&out.path().join("b.zip"))).unwrap();
        assert_eq!(first.digest, second.digest);
        assert_eq!(fs::read(first.file).unwrap(), fs::read(second.file).unwrap());
        assert_eq!(second.left_out, ["demo-0.9.0.zip", "node_modules/"]);
    }

    #[test]
    fn what_is_not_complete_is_not_packed() {
        let entry = GOOD.replace('}', r#","entry":"plugin.wasm","build":"sh build.sh"}"#);
        for (manifest, told) in [
            (entry.as_str(), "`plugin.wasm`, the entry that souk.json names, is not there; build it: sh build.sh"),
            ("{", "souk.json: "),
            ("{}", "`version` is missing"),
        ] {
            let folder = skill(manifest);
            let problem =
                pack(folder.path(), Some(Path::new("there/is/no/such/folder.zip"))).err().unwrap().to_string();
            assert!(problem.contains(told), "{problem}");
        }
        let folder = skill(GOOD);
        fs::remove_file(folder.path().join("souk.json")).unwrap();
        assert!(pack(folder.path(), None).err().unwrap().to_string().contains("souk new"));
        assert!(pack(&folder.path().join("SKILL.md"), None).is_err());
    }

    #[test]
    fn an_archive_does_not_become_part_of_itself() {
        let folder = skill(GOOD);
        let problem = pack(folder.path(), Some(&folder.path().join("mine.zip"))).err().unwrap().to_string();
        assert!(problem.contains("elsewhere"), "{problem}");
        assert!(!folder.path().join("mine.zip").exists());
    }
}
