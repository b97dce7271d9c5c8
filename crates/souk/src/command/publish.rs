//! `souk publish`

mod client;
mod follow;

use std::{path::Path, time::Duration};

use reqwest::{Method, StatusCode, multipart};
use serde_json::{Value, json};
use souk_domain::validation::Verdict;

use self::client::Client;
use super::{signing, validate::Desk};
use crate::{
    cli::PublishOptions,
    config::Config,
    failure::Failure,
    output::{note, say},
    package::{self, Package},
};

/// Exit codes of a verdict, the same as those of `souk validate`, and of waiting that was not long enough.
const DOUBTFUL: u8 = 2;
const REFUSED: u8 = 3;
const UNDECIDED: u8 = 4;

/// Hands a package in and follows what becomes of it. Handing the same archive in again changes nothing.
///
/// # Errors
/// With exit code 2 a human has to look, with 3 it is refused here or there, with 4 it is still being validated when waiting ends, and with 1 it
/// cannot be read, or the marketplace does not answer or does not take it.
pub async fn run(config: &Config, options: &PublishOptions, json: bool) -> Result<(), Failure> {
    let package = read(&options.path).await?;
    let token = options.token.as_deref().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| {
        Failure::new("who are you? Hand in an access token or an API key of the vendor (--token or SOUK_TOKEN)")
    })?;
    let client = Client::new(&options.url, token)?;
    let signature = options.key.as_deref().map(|key| signing::signature(key, &package.input.digest)).transpose()?;
    if !options.no_validate {
        check(config, options, &package).await?;
    }
    let created = listed(&client, options, &package).await?;
    let handed_in = hand_in(&client, &package, signature).await?;
    let wait = Duration::from_secs(options.wait);
    let outcome = follow::outcome(&client, &package, handed_in.position, wait).await?;
    report(&client, &package, &Told { created, known: handed_in.known, outcome: &outcome }, json);
    end(&outcome)
}

async fn read(path: &Path) -> Result<Package, Failure> {
    let (shown, path) = (path.display().to_string(), path.to_owned());
    let read = tokio::task::spawn_blocking(move || package::complete(&path)).await.map_err(Failure::new)?;
    read.map_err(|problem| Failure::new(format!("{shown}: {problem}")))
}

/// What a server would refuse is not handed in.
async fn check(config: &Config, options: &PublishOptions, package: &Package) -> Result<(), Failure> {
    let desk = Desk::open(config, &options.checks)?;
    let validated = desk.validate(&options.path, package).await?;
    if validated.verdict == Verdict::Approve {
        note(format!("checked here: confidence {} of 100", validated.confidence));
        return Ok(());
    }
    validated.lines(&options.path).iter().for_each(note);
    match validated.verdict {
        Verdict::Reject => {
            let problem = "it would be refused, so it is not handed in; --no-validate hands it in nevertheless";
            Err(Failure::new(problem).with_code(REFUSED))
        }
        _ => {
            note("a human will have to look at it");
            Ok(())
        }
    }
}

/// Makes sure that the plugin is listed; whether it was listed only now.
async fn listed(client: &Client, options: &PublishOptions, package: &Package) -> Result<bool, Failure> {
    let name = &package.input.name;
    let found = client.get(&format!("/plugins/{name}"), None).await?;
    if found.status != StatusCode::NOT_FOUND {
        let found = found.expect(StatusCode::OK, "looking for the plugin")?;
        let kind = json!(package.input.kind);
        if found.body.get("kind").is_some_and(|known| *known != kind) {
            let known = found.text("/kind");
            return Err(Failure::new(format!(
                "`{name}` is listed as another kind: {known}; a plugin stays what it is"
            )));
        }
        return Ok(false);
    }
    // An address that is none of a marketplace answers 404 as well.
    if found.text("/error/code").is_empty() {
        found.expect(StatusCode::OK, "looking for the plugin")?;
        return Ok(false);
    }
    if !options.create {
        return Err(Failure::new(format!(
            "no plugin `{name}` is listed at {}; --create lists it, as a free one",
            client.base()
        )));
    }
    let body = listing(&package.input.manifest, options.vendor.as_deref());
    let created = client.send(Method::POST, "/plugins", &|request| Ok(request.json(&body))).await?;
    created.expect(StatusCode::CREATED, "listing the plugin")?;
    note(format!("listed `{name}` as a free plugin"));
    Ok(true)
}

/// What the listing says at first: what the manifest says.
fn listing(manifest: &Value, vendor: Option<&str>) -> Value {
    let said = |field: &str, otherwise: &str| {
        manifest
            .get(field)
            .filter(|value| !value.is_null())
            .or_else(|| manifest.get(otherwise))
            .cloned()
            .unwrap_or_default()
    };
    let category = manifest.get("category").filter(|category| !category.is_null()).cloned();
    let tags = manifest.get("tags").filter(|tags| !tags.is_null()).cloned();
    let mut listing = json!({
        "name": said("name", "name"),
        "displayName": said("displayName", "name"),
        "kind": said("kind", "kind"),
        "summary": said("summary", "summary"),
        "description": said("description", "summary"),
        "category": category.unwrap_or_else(|| "other".into()),
        "tags": tags.unwrap_or_else(|| json!([])),
        "license": said("license", "license"),
        "pricing": {"model": "free"},
    });
    if let (Some(listing), Some(vendor)) = (listing.as_object_mut(), vendor) {
        listing.insert("vendor".to_owned(), vendor.into());
    }
    listing
}

/// A version that the marketplace has.
struct HandedIn {
    /// Whether it had this very archive before.
    known: bool,
    /// Where it is in the log, if it was handed in now.
    position: Option<u64>,
}

async fn hand_in(client: &Client, package: &Package, signature: Option<String>) -> Result<HandedIn, Failure> {
    let input = &package.input;
    let path = format!("/plugins/{}/versions", input.name);
    let version = input.version.to_string();
    let versions = client.get(&path, None).await?;
    // A plugin that was listed just now may not be readable yet; whoever submits is told the truth anyway.
    if versions.status != StatusCode::NOT_FOUND {
        let versions = versions.expect(StatusCode::OK, "reading the versions")?;
        let same = versions.items().find(|known| known.get("version").and_then(Value::as_str) == Some(&version));
        let same = same.filter(|known| known.get("digest").and_then(Value::as_str) == Some(&input.digest));
        if let Some(known) = same {
            note(format!("{} {version} was handed in before, with the same contents", input.name));
            if signature.is_some() && known.get("signed") == Some(&Value::Bool(false)) {
                note("it was handed in unsigned, and stays so");
            }
            return Ok(HandedIn { known: true, position: None });
        }
    }
    let manifest = input.manifest.to_string();
    let answer = client
        .send(Method::POST, &path, &|request| {
            let json = multipart::Part::text(manifest.clone()).mime_str("application/json").map_err(Failure::new)?;
            let artifact = multipart::Part::bytes(input.archive.to_vec()).file_name("artifact.zip");
            let form = multipart::Form::new().part("manifest", json).part("artifact", artifact);
            Ok(request.multipart(match &signature {
                Some(signature) => form.text("signature", signature.clone()),
                None => form,
            }))
        })
        .await?
        .expect(StatusCode::ACCEPTED, &format!("handing in {version}"))?;
    let signed = if signature.is_some() { ", signed" } else { "" };
    note(format!("handed in {} {version}: {} bytes{signed}, {}", input.name, input.size, input.digest));
    Ok(HandedIn { known: false, position: answer.position })
}

/// What is told at the end.
struct Told<'a> {
    created: bool,
    known: bool,
    outcome: &'a follow::Outcome,
}

fn report(client: &Client, package: &Package, told: &Told<'_>, json: bool) {
    let (input, outcome) = (&package.input, told.outcome);
    if json {
        let line = json!({
            "url": client.base(),
            "plugin": input.name,
            "version": input.version,
            "digest": input.digest,
            "size": input.size,
            "created": told.created,
            "handedInBefore": told.known,
            "status": outcome.status,
            "confidence": outcome.confidence,
            "validation": outcome.validation,
        });
        say(line.to_string());
        return;
    }
    follow::findings(&outcome.validation).iter().for_each(say);
    let confidence = outcome.confidence.map(|points| format!(", confidence {points} of 100")).unwrap_or_default();
    let before = if told.known { ", handed in before" } else { "" };
    say(format!("{} {}: {}{confidence}{before}", input.name, input.version, outcome.status.replace('_', " ")));
}

fn end(outcome: &follow::Outcome) -> Result<(), Failure> {
    match outcome.status.as_str() {
        "approved" => Ok(()),
        "needs_review" => Err(Failure::new("a human has to look at it").with_code(DOUBTFUL)),
        "rejected" => Err(Failure::new("it is refused").with_code(REFUSED)),
        "yanked" => {
            Err(Failure::new("it was approved and taken back: raise `version` in souk.json").with_code(REFUSED))
        }
        _ => Err(Failure::new("it is still being validated; the same command goes on waiting").with_code(UNDECIDED)),
    }
}

#[cfg(test)]
mod tests;
