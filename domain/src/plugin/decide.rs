//! What each command to a plugin leads to, and what refuses it.

use std::collections::BTreeMap;

use semver::Version;

use super::{Command, DecidedBy, Error, Event, Plugin, ReleaseStatus, State};
use crate::{decider::Decider, id::ValidationId, listing::Details, stream::Category};

/// Decides about plugins, on streams `plugin-`.
pub struct Plugins;

impl Decider for Plugins {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Plugin;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match state {
            State::Absent => match command {
                Command::Create { id, vendor, name, details, pricing, terms } => {
                    Ok(vec![Event::Created { plugin_id: id, vendor_id: vendor, name, details, pricing, terms }])
                }
                Command::Abandon => Ok(vec![Event::Abandoned {}]),
                _ => Err(Error::NotCreated),
            },
            State::Abandoned => match command {
                Command::Abandon => Ok(vec![]),
                _ => Err(Error::Abandoned),
            },
            State::Created(plugin) => Ok(decide_created(plugin, command)?.into_iter().collect()),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Created { plugin_id, vendor_id, name, details, pricing, terms }) => {
                State::Created(Box::new(Plugin {
                    id: *plugin_id,
                    vendor: *vendor_id,
                    name: name.clone(),
                    details: Details::clone(details),
                    pricing: pricing.clone(),
                    terms: terms.clone(),
                    versions: BTreeMap::new(),
                    suspended: None,
                    deprecated: None,
                }))
            }
            (State::Absent, Event::Abandoned {}) => State::Abandoned,
            (State::Created(mut plugin), event) => {
                plugin.apply(event);
                State::Created(plugin)
            }
            (state, _) => state,
        }
    }
}

fn decide_created(plugin: &Plugin, command: Command) -> Result<Option<Event>, Error> {
    let event = match command {
        Command::Create { id, vendor, .. } if (id, vendor) == (plugin.id, plugin.vendor) => return Ok(None),
        Command::Create { .. } => return Err(Error::AlreadyCreated),
        // It came to be after all, so its name stays reserved.
        Command::Abandon => return Ok(None),
        Command::Describe { details } if details.kind != plugin.details.kind => return Err(Error::KindChanged),
        Command::Describe { details } if *details == plugin.details => return Ok(None),
        Command::Describe { details } => Event::Described { details },
        Command::Price { pricing, terms } if pricing == plugin.pricing && terms == plugin.terms => return Ok(None),
        Command::Price { pricing, terms } => Event::Priced {
            pricing,
            terms,
            previous_pricing: plugin.pricing.clone(),
            previous_terms: plugin.terms.clone(),
        },
        Command::SubmitVersion { version, digest, size, manifest, signature, stripped, vendor_may_publish } => {
            if !may_submit(plugin, &version, &digest, vendor_may_publish)? {
                return Ok(None);
            }
            Event::VersionSubmitted { version, digest, size, manifest, signature, stripped }
        }
        Command::ApproveVersion { version, validation, confidence, by, overturns } => {
            return decide_approval(plugin, version, validation, confidence, by, overturns);
        }
        Command::RejectVersion { version, confidence, by, reason } => match plugin.release(&version)?.status {
            ReleaseStatus::Submitted => Event::VersionRejected { version, confidence, by, reason },
            ReleaseStatus::Rejected => return Ok(None),
            status => return Err(Error::WrongStatus { version, status, wanted: "rejected" }),
        },
        Command::YankVersion { version, reason } => match plugin.release(&version)?.status {
            ReleaseStatus::Approved => Event::VersionYanked { version, reason },
            ReleaseStatus::Yanked => return Ok(None),
            status => return Err(Error::WrongStatus { version, status, wanted: "yanked" }),
        },
        Command::RollBack { version, reason } => match plugin.release(&version)?.status {
            ReleaseStatus::Approved if plugin.latest() == Some(&version) => return Err(Error::AlreadyCurrent(version)),
            ReleaseStatus::Approved => Event::RolledBack { from_version: plugin.latest().cloned(), version, reason },
            status => return Err(Error::WrongStatus { version, status, wanted: "rolled back to" }),
        },
        Command::Suspend { .. } if plugin.suspended.is_some() => return Ok(None),
        Command::Suspend { reason } => Event::Suspended { reason },
        Command::Reinstate if plugin.suspended.is_none() => return Ok(None),
        Command::Reinstate => Event::Reinstated {},
        Command::Deprecate { message } if plugin.deprecated.as_ref() == Some(&message) => return Ok(None),
        Command::Deprecate { message } => Event::Deprecated { message },
        Command::Transfer { vendor } if vendor == plugin.vendor => return Ok(None),
        Command::Transfer { vendor } => Event::Transferred { from_vendor_id: plugin.vendor, to_vendor_id: vendor },
    };
    Ok(Some(event))
}

/// Whether the version is new; one that is there already with the same bytes is not.
fn may_submit(plugin: &Plugin, version: &Version, digest: &str, vendor_may_publish: bool) -> Result<bool, Error> {
    if let Some(known) = plugin.versions.get(version) {
        return if known.digest == digest { Ok(false) } else { Err(Error::DigestChanged(version.clone())) };
    }
    if !vendor_may_publish {
        return Err(Error::VendorMayNotPublish);
    }
    // By precedence, in which build metadata does not count: nobody could tell which of two such versions is newer.
    match plugin.versions.keys().max_by(|a, b| a.cmp_precedence(b)) {
        Some(greatest) if version.cmp_precedence(greatest).is_le() => {
            Err(Error::VersionNotIncreasing { submitted: version.clone(), greatest: greatest.clone() })
        }
        _ => Ok(true),
    }
}

fn decide_approval(
    plugin: &Plugin,
    version: Version,
    validation: ValidationId,
    confidence: Option<u8>,
    by: DecidedBy,
    overturns: bool,
) -> Result<Option<Event>, Error> {
    let release = plugin.release(&version)?;
    match release.status {
        ReleaseStatus::Approved => return Ok(None),
        ReleaseStatus::Submitted => {}
        ReleaseStatus::Rejected if overturns && by == DecidedBy::Moderator => {}
        status => return Err(Error::WrongStatus { version, status, wanted: "approved" }),
    }
    // Only a concluded validation has a confidence, and only a person may do without.
    let concluded = confidence.is_some() || by == DecidedBy::Moderator;
    if !concluded || validation != ValidationId::of(plugin.id, &version) {
        return Err(Error::NotValidated(version));
    }
    Ok(Some(Event::VersionApproved {
        digest: release.digest.clone(),
        validation_id: validation,
        confidence,
        by,
        previous_version: plugin.latest().cloned(),
        version,
    }))
}
