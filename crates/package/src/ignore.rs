//! What of an author's folder is no part of the package: what tools leave there, and what the author names.

/// Names that are left out wherever they are: data of version control systems, file managers, compilers and package managers, Souk's own
/// data, what belongs to a packed version (docs/SIGNING.md), and files that hold secrets.
const ALWAYS: [&str; 17] = [
    ".git/",
    ".hg/",
    ".svn/",
    ".DS_Store",
    "Thumbs.db",
    "target/",
    "node_modules/",
    "__pycache__/",
    ".venv/",
    "venv/",
    ".souk/",
    ".soukignore",
    ".env",
    "souk.key",
    "souk-keys.json",
    "*.zip.sig",
    "*.zip.release.json",
];

/// Which files and folders are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignore(Vec<Rule>);

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// A path or a name, in which `*` stands for any characters but `/`.
    pattern: String,
    /// Whether it is the whole path, and not a name at any depth.
    whole: bool,
    /// Whether it means folders only.
    folders: bool,
}

/// Why a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct Unreadable {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Default for Ignore {
    /// What is left out of every package.
    fn default() -> Self {
        Self(ALWAYS.into_iter().map(Rule::of).collect())
    }
}

impl Ignore {
    /// The same, and what `list` names: a pattern a line; `#` begins a comment, a slash at the end means folders, a slash before it a path from
    /// the top, and `*` any characters but a slash.
    ///
    /// # Errors
    /// [`Unreadable`] on the first line that means something else elsewhere: `!`, `**`, `?`, `[` and `\`.
    pub fn with(mut self, list: &str) -> Result<Self, Unreadable> {
        for (index, line) in list.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(problem) = problem_of(line) {
                return Err(Unreadable { line: index + 1, problem });
            }
            self.0.push(Rule::of(line));
        }
        Ok(self)
    }

    /// Whether `path` (`/` between folders) is left out. What is in a folder that is left out is not asked about.
    #[must_use]
    pub fn leaves_out(&self, path: &str, is_folder: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        self.0.iter().any(|rule| {
            let text = if rule.whole { path } else { name };
            (is_folder || !rule.folders) && matches(&rule.pattern, text)
        })
    }
}

impl Rule {
    fn of(line: &str) -> Self {
        let (rest, folders) = line.strip_suffix('/').map_or((line, false), |rest| (rest, true));
        Self { pattern: rest.trim_start_matches('/').to_owned(), whole: rest.contains('/'), folders }
    }
}

fn problem_of(line: &str) -> Option<&'static str> {
    if line.starts_with('!') {
        return Some("`!` takes nothing back here; name only what is left out");
    }
    if line.contains("**") {
        return Some("`**` is not understood; a name without a slash is left out at any depth");
    }
    if line.contains(['?', '[', '\\']) {
        return Some("`?`, `[` and `\\` are not understood; `*` stands for any characters but a slash");
    }
    line.trim_matches('/').is_empty().then_some("this names everything")
}

/// Whether `text` is `pattern`, folder by folder.
fn matches(pattern: &str, text: &str) -> bool {
    pattern.split('/').count() == text.split('/').count()
        && pattern.split('/').zip(text.split('/')).all(|(pattern, name)| matches_name(pattern, name))
}

/// Whether `name` is `pattern`, whose stars stand for anything. What lies between two stars is taken where it comes first, so that a list of a
/// stranger's cannot make this slow.
fn matches_name(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut left) = name.strip_prefix(head).and_then(|left| left.strip_suffix(tail)) else { return false };
    for part in middle.split('*') {
        let Some(at) = left.find(part) else { return false };
        left = left.get(at + part.len()..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_leave_behind_is_left_out_at_any_depth() {
        let ignore = Ignore::default();
        for (path, folder, out) in [
            ("target", true, true),
            ("a/node_modules", true, true),
            ("a/b/.git", true, true),
            (".env", false, true),
            ("keys/souk.key", false, true),
            ("target", false, false),
            ("targets", true, false),
            ("src/target.rs", false, false),
            (".env.example", false, false),
            ("SKILL.md", false, false),
        ] {
            assert_eq!(ignore.leaves_out(path, folder), out, "{path}");
        }
    }

    #[test]
    fn an_author_names_more() {
        let ignore = Ignore::default().with("# notes\n\n*.log\n/build/\ndocs/draft*.md\nprivate\n").unwrap();
        for (path, folder, out) in [
            ("a/b.log", false, true),
            ("build", true, true),
            ("build", false, false),
            ("a/build", true, false),
            ("docs/draft-1.md", false, true),
            ("docs/final.md", false, false),
            ("a/docs/draft.md", false, false),
            ("docs/drafts/a.md", false, false),
            ("a/private", true, true),
        ] {
            assert_eq!(ignore.leaves_out(path, folder), out, "{path}");
        }
    }

    #[test]
    fn stars_stand_for_anything_in_one_name() {
        for (pattern, path, same) in [
            ("*", "a", true),
            ("a*c", "abbc", true),
            ("a*c", "ab", false),
            ("a*a", "a", false),
            ("*b*d*", "abcde", true),
            ("*d*b*", "abcde", false),
            ("a*b", "a/b", false),
            ("*/b", "a/b", true),
            ("*/b", "b", false),
        ] {
            assert_eq!(matches(pattern, path), same, "{pattern} {path}");
        }
    }

    #[test]
    fn what_would_mean_something_else_elsewhere_is_refused() {
        for (list, line) in [("a\n!b", 2), ("a/**/b", 1), ("a?", 1), ("[a]", 1), ("/", 1)] {
            assert_eq!(Ignore::default().with(list).unwrap_err().line, line, "{list}");
        }
    }
}
