//! A catalogue that nobody wrote: vendors, plugins with validated versions, customers who install and review.
//!
//! Events are what the deciders would have recorded, and are appended through the log's port in the order in which they would
//! have been; going through HTTP would take an hour and leave the same log behind.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures::future::try_join_all;
use semver::Version;
use souk_domain::{
    event::DomainEvent,
    id::{CommandId, InstallationId, PluginId, ReviewId, UserId, ValidationId, VendorId},
    installation::{self, Checked},
    listing::{Complexity, Details, Kind, Pricing, Terms},
    name::PluginName,
    personal::Personal,
    plugin::{self, DecidedBy},
    reservation::{self, Holder},
    review::{self, Rating},
    stream::{Category, StreamId},
    user::{self, Role},
    validation::{self, Step, Thresholds, Verdict},
    vendor,
};
use souk_ports::{Actor, Appended, EventLog, Expected, Metadata, NewEvent, Vault};

use super::{
    random::{Sequence, Zipf},
    words::Words,
};
use crate::failure::Failure;

/// Plugins a vendor has.
const A_VENDOR: usize = 20;
/// Writers at once: enough for the log to gather them.
const WRITERS: usize = 128;
/// One in so many installations is followed by a review.
const REVIEWED: usize = 20;
const VERSION: Version = Version::new(1, 0, 0);
const KINDS: [(Kind, &str); 7] = [
    (Kind::Skill, "skill"),
    (Kind::Agent, "agent"),
    (Kind::Command, "command"),
    (Kind::Plugin, "plugin"),
    (Kind::McpServer, "mcp_server"),
    (Kind::Workflow, "workflow"),
    (Kind::Asset, "asset"),
];

/// A plugin of the catalogue, the most popular first.
#[derive(Clone)]
pub struct Listed {
    /// Which.
    pub id: PluginId,
    /// Whose.
    pub vendor: VendorId,
    /// Its unique name.
    pub name: String,
    /// Name to show.
    pub title: String,
    /// What sort of asset.
    pub kind: &'static str,
}

/// Writes catalogues.
#[derive(Clone)]
pub struct Writer {
    log: Arc<dyn EventLog>,
    vault: Arc<dyn Vault>,
    words: Arc<Words>,
}

impl Writer {
    /// Into `log`, personal fields sealed by `vault`.
    pub fn new(log: Arc<dyn EventLog>, vault: Arc<dyn Vault>) -> Self {
        Self { log, vault, words: Arc::new(Words::new()) }
    }

    /// Writes `plugins` plugins with their vendors, then installations and reviews until the log has `events` events.
    ///
    /// # Errors
    /// The log or the vault failed.
    pub async fn write(&self, plugins: usize, events: usize) -> Result<Vec<Listed>, Failure> {
        let shares = (0..WRITERS).map(|writer| {
            let this = self.clone();
            tokio::spawn(async move {
                let mut listed = Vec::new();
                for vendor in (writer..plugins.div_ceil(A_VENDOR)).step_by(WRITERS) {
                    let count = A_VENDOR.min(plugins - vendor * A_VENDOR);
                    listed.extend(this.vendor(vendor, count).await?);
                }
                Ok::<_, Failure>(listed)
            })
        });
        let mut listed = Vec::with_capacity(plugins);
        for share in try_join_all(shares).await.map_err(Failure::new)? {
            listed.extend(share?);
        }
        let listed = Arc::new(listed);
        let head = usize::try_from(self.log.head().await.map_err(Failure::new)?).map_err(Failure::new)?;
        self.customers(&listed, events.saturating_sub(head)).await?;
        Ok(Arc::unwrap_or_clone(listed))
    }

    /// A vendor with `count` plugins: 3 events of its own, and 8 for each: its name, its version, validation and approval.
    async fn vendor(&self, number: usize, count: usize) -> Result<Vec<Listed>, Failure> {
        let mut random = Sequence::new(1_000_003 * (number as u64 + 1));
        let (owner, vendor) = (UserId::new(random.uuid()), VendorId::new(random.uuid()));
        let by = Author { actor: Actor::user(owner, Role::Vendor), plugin: None, vendor: Some(vendor) };
        let registered = user::Event::Registered {
            user_id: owner,
            email: Personal::new(owner, format!("owner-{number}@example.org")),
            display_name: Personal::new(owner, format!("Owner {number}")),
        };
        let stream = StreamId::of(Category::User, owner);
        self.append(&mut random, stream, None, &[registered.into()], Author { vendor: None, ..by }).await?;
        let opened = vendor::Event::Registered {
            vendor_id: vendor,
            owner_id: owner,
            name: self.words.title(&mut random),
            slug: format!("vendor-{number}"),
        };
        let stream = StreamId::of(Category::Vendor, vendor);
        self.append(&mut random, stream, None, &[opened.into(), vendor::Event::Verified {}.into()], by).await?;
        let mut listed = Vec::with_capacity(count);
        for index in 0..count {
            listed.push(self.plugin(&mut random, number * A_VENDOR + index, by).await?);
        }
        Ok(listed)
    }

    async fn plugin(&self, random: &mut Sequence, number: usize, by: Author) -> Result<Listed, Failure> {
        let id = PluginId::new(random.uuid());
        let vendor = by.vendor.unwrap_or_else(|| VendorId::new(random.uuid()));
        let by = Author { plugin: Some(id), ..by };
        let title = self.words.title(random);
        let name = format!("{}-{number}", title.to_lowercase().replace(' ', "-"));
        let key = PluginName::parse(&name).map_err(|error| Failure::new(format!("{name}: {error:?}")))?.key();
        let (kind, kind_name) = KINDS[random.below(KINDS.len())];
        let reserved = reservation::Event::NameReserved(Holder { holder_id: id.uuid() });
        self.append(random, StreamId::of_name(&key), None, &[reserved.into()], by).await?;

        let digest = format!("{:032x}{:032x}", random.uuid().as_u128(), random.uuid().as_u128());
        let stream = StreamId::of(Category::Plugin, id);
        let created = plugin::Event::Created {
            plugin_id: id,
            vendor_id: vendor,
            name: name.clone(),
            details: Box::new(self.details(random, title.clone(), kind)),
            pricing: Pricing::Free,
            terms: Terms::default(),
        };
        let submitted = plugin::Event::VersionSubmitted {
            version: VERSION,
            digest: digest.clone(),
            size: 2_000 + random.next() % 50_000,
            manifest: serde_json::json!({ "name": name, "version": "1.0.0", "kind": kind_name, "license": "MIT" }),
            signature: None,
            stripped: None,
        };
        self.append(random, stream, None, &[created.into(), submitted.into()], by).await?;
        let confidence = 90 + u8::try_from(random.below(11)).unwrap_or_default();
        self.validate(random, id, kind, confidence, &digest, Author { actor: Actor::SYSTEM, ..by }).await?;
        let approved = plugin::Event::VersionApproved {
            version: VERSION,
            digest,
            validation_id: ValidationId::of(id, &VERSION),
            confidence: Some(confidence),
            by: DecidedBy::Validation,
            previous_version: None,
        };
        self.append(random, stream, Some(1), &[approved.into()], Author { actor: Actor::SYSTEM, ..by }).await?;
        Ok(Listed { id, vendor, name, title, kind: kind_name })
    }

    async fn validate(
        &self,
        random: &mut Sequence,
        plugin: PluginId,
        kind: Kind,
        confidence: u8,
        digest: &str,
        by: Author,
    ) -> Result<(), Failure> {
        let id = ValidationId::of(plugin, &VERSION);
        let steps = ["manifest", "artifact"];
        let requested = validation::Event::Requested {
            validation_id: id,
            plugin_id: plugin,
            version: VERSION,
            digest: digest.to_owned(),
            kind,
            pipeline: steps.map(str::to_owned).to_vec(),
        };
        let mut events: Vec<DomainEvent> = vec![requested.into()];
        events.extend(steps.map(|name| {
            validation::Event::StepCompleted { version: VERSION, step: Step::from_findings(name, Vec::new()) }.into()
        }));
        events.push(
            validation::Event::Concluded {
                version: VERSION,
                confidence,
                verdict: Verdict::Approve,
                report: digest.to_owned(),
                thresholds: Thresholds::default(),
            }
            .into(),
        );
        self.append(random, StreamId::of(Category::Validation, id), None, &events, by).await
    }

    fn details(&self, random: &mut Sequence, title: String, kind: Kind) -> Details {
        Details {
            display_name: title,
            kind,
            summary: self.words.sentence(random, 14),
            description: (0..8).map(|_| self.words.sentence(random, 16)).collect::<Vec<_>>().join("\n\n"),
            category: self.words.category(random).to_owned(),
            tags: self.words.tags(random),
            license: "MIT".to_owned(),
            media: Vec::new(),
            complexity: Some(Complexity::Beginner),
            setup_minutes: Some(5),
            requirements: Vec::new(),
        }
    }

    /// Installations by customers, one in [`REVIEWED`] with a review, until there are `events` more.
    async fn customers(&self, listed: &Arc<Vec<Listed>>, events: usize) -> Result<(), Failure> {
        let popular = Arc::new(Zipf::new(listed.len()));
        let shares = (0..WRITERS).map(|writer| {
            let (this, listed, popular) = (self.clone(), Arc::clone(listed), Arc::clone(&popular));
            let share = events / WRITERS + usize::from(writer < events % WRITERS);
            tokio::spawn(async move { this.customer_share(&listed, &popular, writer, share).await })
        });
        for share in try_join_all(shares).await.map_err(Failure::new)? {
            share?;
        }
        Ok(())
    }

    async fn customer_share(
        &self,
        listed: &[Listed],
        popular: &Zipf,
        writer: usize,
        events: usize,
    ) -> Result<(), Failure> {
        let mut random = Sequence::new(77_777_777 + writer as u64);
        // A customer is who a writer is for ten installations.
        let (mut user, mut had) = (UserId::new(random.uuid()), HashSet::new());
        let (mut written, mut installed) = (0, 0);
        while written < events {
            if had.len() == 10 {
                user = UserId::new(random.uuid());
                had.clear();
            }
            let plugin = &listed[popular.draw(&mut random)];
            if !had.insert(plugin.id) {
                // Small catalogues have few popular plugins: another customer may still want this one.
                user = UserId::new(random.uuid());
                had.clear();
                had.insert(plugin.id);
            }
            self.install(&mut random, user, plugin).await?;
            (written, installed) = (written + 1, installed + 1);
            if installed % REVIEWED == 0 && written < events {
                self.review(&mut random, user, plugin).await?;
                written += 1;
            }
        }
        Ok(())
    }

    /// `user` installs `plugin` for the first time. Gives the event's position.
    ///
    /// # Errors
    /// The log failed, or the installation exists.
    pub async fn install(&self, random: &mut Sequence, user: UserId, plugin: &Listed) -> Result<u64, Failure> {
        let installed = installation::Event::Installed {
            user_id: user,
            plugin_id: plugin.id,
            vendor_id: plugin.vendor,
            version: VERSION,
            license_id: None,
            first: true,
            checked: Checked { plugin_version: 2, license_version: None },
        };
        let stream = StreamId::of(Category::Installation, InstallationId::of(user, plugin.id));
        let by = Author::customer(user, plugin);
        self.append_at(random, stream, None, &[installed.into()], by).await
    }

    async fn review(&self, random: &mut Sequence, user: UserId, plugin: &Listed) -> Result<(), Failure> {
        let stars = 1 + u8::try_from(random.below(5)).unwrap_or_default();
        let submitted = review::Event::Submitted {
            user_id: user,
            plugin_id: plugin.id,
            vendor_id: plugin.vendor,
            rating: Rating::try_from(stars).map_err(|error| Failure::new(format!("{stars} stars: {error:?}")))?,
            title: Personal::new(user, self.words.title(random)),
            body: Personal::new(user, self.words.sentence(random, 30)),
            installed_version: VERSION,
        };
        let stream = StreamId::of(Category::Review, ReviewId::of(user, plugin.id));
        self.append(random, stream, None, &[submitted.into()], Author::customer(user, plugin)).await
    }

    async fn append(
        &self,
        random: &mut Sequence,
        stream: StreamId,
        after: Option<u64>,
        events: &[DomainEvent],
        by: Author,
    ) -> Result<(), Failure> {
        self.append_at(random, stream, after, events, by).await.map(drop)
    }

    /// Appends behind version `after` of `stream`; gives the position of the last event.
    async fn append_at(
        &self,
        random: &mut Sequence,
        stream: StreamId,
        after: Option<u64>,
        events: &[DomainEvent],
        by: Author,
    ) -> Result<u64, Failure> {
        let command = CommandId::new(random.uuid());
        let metadata = Metadata {
            actor: by.actor,
            command_id: command,
            correlation_id: command.uuid(),
            causation_id: command.uuid(),
            traceparent: None,
            plugin_id: by.plugin,
            vendor_id: by.vendor,
        };
        let metadata = Bytes::from(serde_json::to_vec(&metadata).map_err(Failure::new)?);
        let mut sealed = Vec::with_capacity(events.len());
        for event in events {
            let (id, encoded) = (random.uuid(), event.encode());
            let data = self.vault.seal(id, stream, encoded.data).await.map_err(Failure::new)?;
            sealed.push(NewEvent {
                id,
                event_type: encoded.event_type,
                schema_version: encoded.schema_version,
                data: serde_json::to_vec(&data).map_err(Failure::new)?.into(),
                metadata: metadata.clone(),
            });
        }
        let expected = after.map_or(Expected::NoStream, Expected::Version);
        match self.log.append(stream, expected, sealed).await.map_err(Failure::new)? {
            Appended::Ok { position, .. } => Ok(position),
            Appended::Conflict { actual } => Err(Failure::new(format!("stream {stream} is at {actual:?} already"))),
        }
    }
}

/// Who causes an event, and what it concerns.
#[derive(Clone, Copy)]
struct Author {
    actor: Actor,
    plugin: Option<PluginId>,
    vendor: Option<VendorId>,
}

impl Author {
    fn customer(user: UserId, plugin: &Listed) -> Self {
        Self { actor: Actor::user(user, Role::Customer), plugin: Some(plugin.id), vendor: Some(plugin.vendor) }
    }
}
