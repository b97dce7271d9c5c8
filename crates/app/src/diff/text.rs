//! What changed in a text, line by line.

use std::fmt::Write;

use imara_diff::{Algorithm, Diff, Hunk, InternedInput, Token};

/// Lines around a change.
const CONTEXT: u32 = 3;

/// The unified diff of two texts, without names of files; none when it has more than `most` bytes.
pub(super) fn unified(from: &str, to: &str, most: usize) -> Option<String> {
    let input = InternedInput::new(from, to);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let hunks: Vec<Hunk> = diff.hunks().collect();
    let mut out = String::new();
    for group in hunks.chunk_by(|one, next| next.before.start - one.before.end <= 2 * CONTEXT) {
        write_group(&mut out, &input, group);
        if out.len() > most {
            return None;
        }
    }
    Some(out)
}

/// Writes changes that lie so near to each other that they share lines around them.
fn write_group(out: &mut String, input: &InternedInput<&str>, group: &[Hunk]) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let ahead = first.before.start.min(CONTEXT);
    let behind = (length(&input.before) - last.before.end).min(CONTEXT);
    let (start, end) = (first.before.start - ahead, last.before.end + behind);
    let (start_after, end_after) = (first.after.start - ahead, last.after.end + behind);
    let (before, after) = (range(start, end), range(start_after, end_after));
    // Writing into a String does not fail.
    let _ = writeln!(out, "@@ -{before} +{after} @@");
    let mut lines = |sign: char, tokens: &[Token], from: u32, to: u32| {
        for token in tokens.get(from as usize..to as usize).unwrap_or_default() {
            write_line(out, sign, input.interner[*token]);
        }
    };
    let mut at = start;
    for hunk in group {
        lines(' ', &input.before, at, hunk.before.start);
        lines('-', &input.before, hunk.before.start, hunk.before.end);
        lines('+', &input.after, hunk.after.start, hunk.after.end);
        at = hunk.before.end;
    }
    lines(' ', &input.before, at, end);
}

fn write_line(out: &mut String, sign: char, line: &str) {
    out.push(sign);
    out.push_str(line);
    if !line.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
}

/// First line, from 1, and how many; of no lines the one before them.
fn range(start: u32, end: u32) -> String {
    format!("{},{}", if start == end { start } else { start + 1 }, end - start)
}

/// Texts are far shorter than 4 thousand million lines.
fn length(tokens: &[Token]) -> u32 {
    u32::try_from(tokens.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(numbers: impl IntoIterator<Item = u32>) -> String {
        numbers.into_iter().map(|number| format!("{number}\n")).collect()
    }

    fn told(from: &str, to: &str) -> String {
        unified(from, to, 10_000).unwrap()
    }

    #[test]
    fn a_change_stands_among_the_lines_around_it() {
        let to = lines(1..=10).replace("6\n", "six\n");
        assert_eq!(told(&lines(1..=10), &to), "@@ -3,7 +3,7 @@\n 3\n 4\n 5\n-6\n+six\n 7\n 8\n 9\n");
    }

    #[test]
    fn changes_far_from_each_other_have_headers_of_their_own() {
        let from = lines(1..=30);
        let to = from.replace("\n5\n", "\n").replace("\n25\n", "\n25\nnew\n");
        let expected =
            "@@ -2,7 +2,6 @@\n 2\n 3\n 4\n-5\n 6\n 7\n 8\n@@ -23,6 +22,7 @@\n 23\n 24\n 25\n+new\n 26\n 27\n 28\n";
        assert_eq!(told(&from, &to), expected);
        let near = from.replace("\n5\n", "\nfive\n").replace("\n11\n", "\neleven\n");
        assert_eq!(told(&from, &near).matches("@@ -").count(), 1);
    }

    #[test]
    fn what_is_new_or_gone_as_a_whole_begins_at_no_line() {
        assert_eq!(told("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert_eq!(told("a\n", ""), "@@ -1,1 +0,0 @@\n-a\n");
        assert_eq!(told("a\n", "a\n"), "");
    }

    #[test]
    fn a_missing_newline_at_the_end_is_told() {
        assert_eq!(told("a\nb", "a\nb\n"), "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
    }

    #[test]
    fn a_diff_is_whole_or_not_there() {
        assert_eq!(unified("a\n", "b\n", 21), None);
        assert_eq!(unified("a\n", "b\n", 22).map(|diff| diff.len()), Some(22));
    }
}
