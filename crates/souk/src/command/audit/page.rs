//! The history of a plugin as a page for people: no script, nothing fetched, and nothing of what it tells is taken for markup.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use chrono::{DateTime, Utc};
use souk_app::history::Entry;
use souk_ledger::verify::{Problem, Verified};
use souk_ports::audit::Bundle;

use super::promise::Promise;

/// Size of the picture, and where its axis begins.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 120.0;
const LANE: f64 = 28.0;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1080px;padding:0 1rem;color:#1c2024;background:#fff}\
    h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%;font-size:13px}\
    th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #e3e6ea}\
    td.data{font-family:ui-monospace,monospace;word-break:break-word}.good{color:#18794e}.bad{color:#ce2c31}\
    pre{background:#f4f5f7;padding:1rem;overflow:auto;font-size:12px}svg text{font:12px system-ui,sans-serif;fill:#60646c}";

/// `text` in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The page.
pub fn page(
    name: &str,
    bundle: &Bundle,
    entries: &[Entry],
    verified: &Result<Verified, Problem>,
    not_yet: usize,
) -> String {
    let name = escaped(name);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Audit of {name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Audit of {name}</h1>\n\
         <p>Plugin {}, {} events in the signed ledger.</p>\n",
        escaped(&bundle.plugin),
        bundle.events.len()
    );
    match verified {
        Ok(verified) => {
            let promise = Promise { complete: false, not_yet: Some(not_yet) };
            let _ = writeln!(page, "<p class=\"good\"><strong>All of it holds.</strong></p>");
            list(&mut page, "Proven", &promise.proven(verified));
            list(&mut page, "Not proven", &promise.not_proven());
        }
        Err(problem) => {
            let _ = writeln!(
                page,
                "<p class=\"bad\"><strong>It does not hold.</strong> {}</p>",
                escaped(&problem.to_string())
            );
        }
    }
    if !entries.is_empty() {
        let _ = writeln!(page, "<h2>Timeline</h2>\n{}", picture(entries));
        table(&mut page, bundle, entries);
    }
    let _ = writeln!(
        page,
        "<h2>Signed by</h2>\n<pre>{}</pre>\n<pre>{}</pre>\n</body>\n</html>",
        escaped(&bundle.verifier_key),
        escaped(&bundle.checkpoint)
    );
    page
}

fn list(page: &mut String, title: &str, lines: &[String]) {
    let _ = writeln!(page, "<h2>{title}</h2>\n<ul>");
    for line in lines {
        let _ = writeln!(page, "<li>{}</li>", escaped(line));
    }
    let _ = writeln!(page, "</ul>");
}

fn table(page: &mut String, bundle: &Bundle, entries: &[Entry]) {
    let proven: BTreeSet<u64> = bundle.events.iter().map(|event| event.position).collect();
    let _ = writeln!(
        page,
        "<h2>Events</h2>\n<table>\n<tr><th>Position</th><th>When</th><th>What</th><th>Who</th><th>Stream</th><th>Data</th><th>Ledger</th></tr>"
    );
    for entry in entries {
        let mark = if proven.contains(&entry.position) { "<span class=\"good\">proven</span>" } else { "not yet" };
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} #{}</td><td class=\"data\">{}</td><td>{mark}</td></tr>",
            entry.position,
            entry.recorded_at.format("%Y-%m-%d %H:%M:%S"),
            escaped(&entry.event_type),
            escaped(entry.actor.role),
            escaped(&entry.stream),
            entry.version,
            escaped(&entry.data.to_string()),
        );
    }
    let _ = writeln!(page, "</table>");
}

/// A lane for each sort of stream, a mark for each event; those that fall together are one larger mark.
fn picture(entries: &[Entry]) -> String {
    let times = || entries.iter().map(|entry| entry.recorded_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return String::new() };
    let lanes: BTreeSet<&str> = entries.iter().map(lane).collect();
    let mut marks: BTreeMap<(usize, i64), (usize, &str)> = BTreeMap::new();
    for entry in entries {
        let row = lanes.iter().position(|name| *name == lane(entry)).unwrap_or_default();
        let mark = marks.entry((row, place(entry.recorded_at, first, last))).or_insert((0, &entry.event_type));
        mark.0 += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "few lanes")]
    let height = lanes.len() as f64 * LANE + 30.0;
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Events over time\" width=\"100%\">\n");
    for (row, name) in lanes.iter().enumerate() {
        let y = middle(row);
        let _ = writeln!(
            svg,
            "<text x=\"0\" y=\"{}\">{}</text><line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\" stroke=\"#e3e6ea\"/>",
            y + 4.0,
            escaped(name)
        );
    }
    for ((row, x), (count, event_type)) in &marks {
        let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        #[expect(clippy::cast_precision_loss, reason = "a radius")]
        let radius = (3.0 + (*count as f64).log2()).min(11.0);
        let _ = writeln!(
            svg,
            "<circle cx=\"{x}\" cy=\"{}\" r=\"{radius:.1}\" fill=\"#3e63dd\" fill-opacity=\"0.7\"><title>{}{more}</title></circle>",
            middle(*row),
            escaped(event_type)
        );
    }
    let day = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let _ = write!(
        svg,
        "<text x=\"{LEFT}\" y=\"{y}\">{}</text><text x=\"{WIDTH}\" y=\"{y}\" text-anchor=\"end\">{}</text>\n</svg>",
        day(first),
        day(last),
        y = height - 6.0
    );
    svg
}

fn lane(entry: &Entry) -> &str {
    entry.stream.split('-').next().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "few lanes")]
fn middle(row: usize) -> f64 {
    row as f64 * LANE + LANE / 2.0
}

/// Where on the axis `at` is, a whole pixel.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a pixel of a picture")]
fn place(at: DateTime<Utc>, first: DateTime<Utc>, last: DateTime<Utc>) -> i64 {
    let (span, since) = ((last - first).num_milliseconds().max(1) as f64, (at - first).num_milliseconds() as f64);
    (LEFT + 10.0 + since / span * (WIDTH - LEFT - 25.0)).round() as i64
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_app::history::PublicActor;

    use super::*;

    fn entry(position: u64, event_type: &str, data: serde_json::Value) -> Entry {
        Entry {
            position,
            event_type: event_type.to_owned(),
            recorded_at: DateTime::from_timestamp(1_800_000_000 + i64::try_from(position).unwrap() * 60, 0).unwrap(),
            actor: PublicActor { role: "customer", pseudonym: None, id: None },
            stream: format!("{}-1", event_type.split('.').next().unwrap()),
            version: 0,
            data,
        }
    }

    #[test]
    fn nothing_of_a_history_becomes_markup() {
        let evil = "<script>alert('1')</script>\"&";
        let entries = [entry(1, "plugin.created", json!({ "name": evil })), entry(2, evil, json!({}))];
        let bundle = Bundle {
            format: String::new(),
            plugin: evil.to_owned(),
            verifier_key: evil.to_owned(),
            checkpoint: evil.to_owned(),
            events: Vec::new(),
        };
        let problem = Problem { event: None, problem: evil.to_owned() };
        let text = page(evil, &bundle, &entries, &Err(problem), 0);
        assert!(!text.contains("<script") && !text.contains("alert('"), "{text}");
        assert!(text.contains("&lt;script&gt;"));
        assert_eq!(text.matches("<circle").count(), 2);
    }

    #[test]
    fn events_that_fall_together_are_one_mark() {
        let mut entries: Vec<Entry> = (0..500).map(|_| entry(1, "installation.installed", json!({}))).collect();
        entries.push(entry(100, "plugin.described", json!({})));
        let svg = picture(&entries);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("and 499 more"));
    }
}
