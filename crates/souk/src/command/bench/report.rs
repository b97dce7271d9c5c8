//! What a run says: a table for people, JSON for scripts.

use std::fmt::Write as _;

use serde::Serialize;

use super::{
    Options,
    measure::{Budget, Row, Spread},
};

/// A run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Where it ran.
    pub machine: Machine,
    /// What ran.
    pub versions: Versions,
    /// How it was asked to run.
    pub options: Options,
    /// What came out.
    pub rows: Vec<Row>,
    /// What there is to measure and was not.
    pub skipped: Vec<Skipped>,
}

/// A measurement that was not taken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// Of what.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// A machine.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    cores: usize,
    processor: Option<String>,
    memory_mib: Option<u64>,
    system: String,
    kernel: Option<String>,
    /// Over the minute before the run: what else the machine was doing.
    load: Option<f64>,
}

/// What ran.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// Souk's.
    pub souk: &'static str,
    /// Whether it was built without optimization, so that nothing of this counts.
    pub debug_build: bool,
    /// PostgreSQL's.
    pub postgres: String,
    /// The compiler's.
    pub rustc: &'static str,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let after = |text: String, key: &str| {
            text.lines().find_map(|line| Some(line.strip_prefix(key)?.trim_start_matches([' ', '\t', ':']).to_owned()))
        };
        let memory = read("/proc/meminfo").and_then(|text| after(text, "MemTotal"));
        Self {
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            processor: read("/proc/cpuinfo").and_then(|text| after(text, "model name")),
            memory_mib: memory.and_then(|text| Some(text.strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
            load: read("/proc/loadavg").and_then(|text| text.split(' ').next()?.parse().ok()),
        }
    }
}

impl Report {
    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let Machine { cores, processor, memory_mib, system, kernel, load } = &self.machine;
        let memory = memory_mib.map_or_else(|| "unknown memory".to_owned(), |mib| format!("{mib} MiB"));
        let _ = writeln!(
            text,
            "{cores} cores ({}), {memory}, {system}, kernel {}. Souk {}{}, PostgreSQL {}, {}.",
            processor.as_deref().unwrap_or("unknown"),
            kernel.as_deref().unwrap_or("unknown"),
            self.versions.souk,
            if self.versions.debug_build { " (DEBUG BUILD: NOTHING OF THIS COUNTS)" } else { "" },
            self.versions.postgres,
            self.versions.rustc,
        );
        let Options { seconds, repetitions, plugins, events, .. } = &self.options;
        let _ = writeln!(
            text,
            "{plugins} plugins, {events} events; {repetitions} repetitions of {seconds} s: median (least to greatest). Load of \
             the machine in the minute before: {}.\n",
            load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.1}"))
        );
        text.push_str("| what | value | floor | ratio | budget | met |\n|---|---|---|---|---|---|\n");
        for row in &self.rows {
            let floor = match (&row.floor, &row.floor_name) {
                (Some(floor), Some(name)) => format!("{} {} ({name})", spread(*floor), row.unit),
                _ => "–".to_owned(),
            };
            let ratio = row.ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{} ×", spread(ratio)));
            let met = match (row.budget, row.met) {
                (Budget::None, _) => "–",
                (_, true) => "yes",
                (_, false) => "**no**",
            };
            let _ = writeln!(
                text,
                "| {} | {} {} | {floor} | {ratio} | {} | {met} |",
                row.name,
                spread(row.value),
                row.unit,
                budget(row.budget, row.unit)
            );
        }
        for row in &self.rows {
            if let Some(note) = &row.note {
                let _ = write!(text, "\n- {}: {note}", row.name);
            }
        }
        for Skipped { what, why } in &self.skipped {
            let _ = write!(text, "\n- **not measured**: {what}: {why}");
        }
        text
    }
}

fn spread(of: Spread) -> String {
    format!("{} ({} to {})", number(of.median), number(of.min), number(of.max))
}

fn budget(budget: Budget, unit: &str) -> String {
    match budget {
        Budget::AtLeastTimes(times) => format!("at least {times:.1} ×"),
        Budget::AtMostTimes(times) => format!("at most {times:.1} ×"),
        Budget::AtLeast(least) => format!("at least {} {unit}", number(least)),
        Budget::Under(most) => format!("under {} {unit}", number(most)),
        Budget::None => "–".to_owned(),
    }
}

/// Three digits that mean something; thousands apart.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    if value < 10.0 {
        return format!("{value:.2}");
    }
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_can_be_read() {
        let shown = [0.4567, 12.34, 123.4, 1_234.5, 1_234_567.0, f64::NAN].map(number);
        assert_eq!(shown, ["0.46", "12.3", "123", "1,234", "1,234,567", "unknown"]);
    }

    #[test]
    fn what_was_not_measured_is_said() {
        let report = Report {
            machine: Machine::this(),
            versions: Versions { souk: "0", debug_build: false, postgres: "0".to_owned(), rustc: "rustc" },
            options: Options {
                seconds: 1,
                repetitions: 1,
                plugins: 1,
                events: 1,
                only: Vec::new(),
                report: None,
                floor_server: false,
            },
            rows: Vec::new(),
            skipped: vec![Skipped { what: "lag through Kafka".to_owned(), why: "there is no broker".to_owned() }],
        };
        assert!(report.markdown().ends_with("- **not measured**: lag through Kafka: there is no broker"));
        assert_eq!(serde_json::to_value(&report).unwrap()["skipped"][0]["why"], "there is no broker");
    }

    #[test]
    fn a_budget_says_what_it_wants() {
        assert_eq!(budget(Budget::AtLeastTimes(2.0), "1/s"), "at least 2.0 ×");
        assert_eq!(budget(Budget::Under(512.0), "MiB"), "under 512 MiB");
    }
}
