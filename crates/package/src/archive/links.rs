//! Where links lead.

use std::collections::BTreeMap;

use souk_domain::validation::{Finding, Severity};

use super::critical;
use crate::finding::{finding, shown};

/// A link of an archive.
#[derive(Debug)]
pub(super) enum Link {
    /// Its target is relative to the folder that it lies in.
    Symbolic(Vec<u8>),
    /// Its target is a path from the top.
    Hard(Vec<u8>),
}

/// Judges every link: one that may lead out is critical, one that stays inside is noticed.
///
/// Targets are judged by their text alone, so a target that passes another link is refused too: where it ends depends on
/// that other link.
pub(super) fn judge(links: &BTreeMap<String, Link>) -> Vec<Finding> {
    links
        .iter()
        .map(|(path, link)| {
            let (target, parts) = match link {
                Link::Symbolic(target) => (target, resolved(path, target)),
                Link::Hard(target) => (target, resolved("", target)),
            };
            let shown_target = shown(target);
            match parts {
                Some(parts) if !passes_link(&parts, links) => finding(
                    "artifact.link",
                    Severity::Low,
                    Some(path),
                    format!("this is a link to `{shown_target}`; it is left out when the archive is read: ship a copy instead"),
                ),
                _ => critical(
                    "artifact.link_escapes",
                    Some(path),
                    format!("this link leads to `{shown_target}`, out of the archive or through another link; ship a copy instead"),
                ),
            }
        })
        .collect()
}

/// The parts of the path that a link at `path` leads to, if its text stays inside.
fn resolved(path: &str, target: &[u8]) -> Option<Vec<String>> {
    let target = std::str::from_utf8(target).ok()?;
    let drive = target.chars().nth(1) == Some(':');
    if target.is_empty() || target.starts_with('/') || drive || target.contains(['\\', '\0']) {
        return None;
    }
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    parts.pop();
    let mut descended = false;
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            "" => return None,
            ".." if descended => return None,
            ".." => {
                parts.pop()?;
            }
            part => {
                descended = true;
                parts.push(part.to_owned());
            }
        }
    }
    Some(parts)
}

fn passes_link(parts: &[String], links: &BTreeMap<String, Link>) -> bool {
    (1..parts.len()).any(|end| parts.get(..end).is_some_and(|head| links.contains_key(&head.join("/"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(links: &[(&str, &str)]) -> Vec<String> {
        let links =
            links.iter().map(|(path, to)| ((*path).to_owned(), Link::Symbolic(to.as_bytes().to_vec()))).collect();
        judge(&links).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn links_out_are_refused() {
        for (path, to) in [
            ("l", "../x"),
            ("l", "/etc/passwd"),
            ("a/l", "../../x"),
            ("l", "a/../../x"),
            ("l", "C:\\x"),
            ("l", ""),
            ("a/l", "b/../../../x"),
        ] {
            assert_eq!(rules(&[(path, to)]), ["artifact.link_escapes"], "{path} -> {to}");
        }
    }

    #[test]
    fn links_inside_are_noticed() {
        for (path, to) in [("l", "x"), ("a/l", "../x"), ("a/b/l", "../../c/d"), ("a/l", "./x")] {
            assert_eq!(rules(&[(path, to)]), ["artifact.link"], "{path} -> {to}");
        }
    }

    #[test]
    fn a_link_through_a_link_is_refused() {
        assert_eq!(rules(&[("d/l", ".."), ("x", "d/l/y")]), ["artifact.link", "artifact.link_escapes"]);
    }
}
