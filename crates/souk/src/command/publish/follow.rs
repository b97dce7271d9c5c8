//! What becomes of a version that was handed in.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::Value;
use souk_package::shown;

use super::client::Client;
use crate::{failure::Failure, output::note, package::Package};

/// Between two looks, at first and at most: a marketplace counts requests.
const SOON: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(3);

/// Where a version stands.
pub struct Outcome {
    /// As the marketplace calls it, e.g. `approved`.
    pub status: String,
    /// 0 to 100, once it is known.
    pub confidence: Option<u64>,
    /// Its validation, once there is one; else null.
    pub validation: Value,
}

/// Follows the version until it is decided, or `wait` is over. What happens is told on the way.
///
/// # Errors
/// The marketplace does not answer.
pub async fn outcome(
    client: &Client,
    package: &Package,
    position: Option<u64>,
    wait: Duration,
) -> Result<Outcome, Failure> {
    let (plugin, version) = (&package.input.name, package.input.version.to_string());
    let (begun, mut pause, mut told) = (Instant::now(), SOON, 0);
    loop {
        let validations = client.get(&format!("/plugins/{plugin}/validation"), position).await?;
        let validations = validations.expect(StatusCode::OK, "reading the validation")?;
        let validation = of(validations.items(), &version);
        told = tell(&validation, told);
        let versions = client.get(&format!("/plugins/{plugin}/versions"), position).await?;
        let known = of(versions.expect(StatusCode::OK, "reading the versions")?.items(), &version);
        let status = known.get("status").and_then(Value::as_str).unwrap_or("submitted").to_owned();
        let confidence = known.get("confidence").and_then(Value::as_u64);
        if !matches!(status.as_str(), "submitted" | "validating") || begun.elapsed() >= wait {
            return Ok(Outcome { status: shown(status.as_bytes()), confidence, validation });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LATER);
    }
}

fn of<'a>(mut items: impl Iterator<Item = &'a Value>, version: &str) -> Value {
    items.find(|item| item.get("version").and_then(Value::as_str) == Some(version)).cloned().unwrap_or_default()
}

fn steps(validation: &Value) -> impl Iterator<Item = &Value> {
    validation.get("steps").and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, field: &str) -> String {
    value.get(field).and_then(Value::as_str).map(|text| shown(text.as_bytes())).unwrap_or_default()
}

/// Tells the steps beyond the first `told`; how many are told then.
fn tell(validation: &Value, told: usize) -> usize {
    for step in steps(validation).skip(told) {
        let penalty = step.get("penalty").and_then(Value::as_u64).unwrap_or_default();
        let costs = if penalty > 0 { format!(", costs {penalty}") } else { String::new() };
        note(format!("  {}: {}{costs}", text(step, "name"), text(step, "outcome")));
    }
    told.max(steps(validation).count())
}

/// The findings of a validation that cost something, a line each.
pub fn findings(validation: &Value) -> Vec<String> {
    let all = steps(validation).filter_map(|step| step.get("findings")?.as_array()).flatten();
    all.filter(|finding| text(finding, "severity") != "info")
        .map(|finding| {
            let line = finding.get("line").and_then(Value::as_u64).map(|line| format!(":{line}")).unwrap_or_default();
            let place = text(finding, "place");
            let place = if place.is_empty() { String::new() } else { format!("{place}{line}: ") };
            format!("  {:<8} {}: {place}{}", text(finding, "severity"), text(finding, "rule"), text(finding, "message"))
        })
        .collect()
}
