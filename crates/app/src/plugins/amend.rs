//! Changing what a listing says.

use souk_domain::{
    listing::{Complexity, Details, Kind, Media, Pricing, Terms},
    plugin::{Command, Plugin, Plugins},
    text::Problems,
};

use super::{PluginRef, created, owned, plugin_of};
use crate::{
    App, AppError, Context, Done,
    execute::{Call, Failure},
};

/// What to change of a plugin; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct Amend {
    /// Name to show.
    pub display_name: Option<String>,
    /// Refused when it differs: a kind never changes.
    pub kind: Option<Kind>,
    /// One paragraph.
    pub summary: Option<String>,
    /// Markdown.
    pub description: Option<String>,
    /// One category.
    pub category: Option<String>,
    /// All tags.
    pub tags: Option<Vec<String>>,
    /// SPDX expression.
    pub license: Option<String>,
    /// All media.
    pub media: Option<Vec<Media>>,
    /// `Some(None)` takes it away.
    pub complexity: Option<Option<Complexity>>,
    /// `Some(None)` takes it away.
    pub setup_minutes: Option<Option<u32>>,
    /// All requirements.
    pub requirements: Option<Vec<String>>,
    /// The price.
    pub pricing: Option<Pricing>,
    /// The terms.
    pub terms: Option<Terms>,
}

impl Amend {
    const fn describes(&self) -> bool {
        self.display_name.is_some()
            || self.kind.is_some()
            || self.summary.is_some()
            || self.description.is_some()
            || self.category.is_some()
            || self.tags.is_some()
            || self.license.is_some()
            || self.media.is_some()
            || self.complexity.is_some()
            || self.setup_minutes.is_some()
            || self.requirements.is_some()
    }

    const fn prices(&self) -> bool {
        self.pricing.is_some() || self.terms.is_some()
    }

    fn details(&self, now: &Details) -> Details {
        fn or<T: Clone>(wanted: &Option<T>, now: &T) -> T {
            wanted.as_ref().unwrap_or(now).clone()
        }
        Details {
            display_name: or(&self.display_name, &now.display_name),
            kind: or(&self.kind, &now.kind),
            summary: or(&self.summary, &now.summary),
            description: or(&self.description, &now.description),
            category: or(&self.category, &now.category),
            tags: or(&self.tags, &now.tags),
            license: or(&self.license, &now.license),
            media: or(&self.media, &now.media),
            complexity: or(&self.complexity, &now.complexity),
            setup_minutes: or(&self.setup_minutes, &now.setup_minutes),
            requirements: or(&self.requirements, &now.requirements),
        }
    }

    fn price(&self, now: &Plugin) -> (Pricing, Terms) {
        (self.pricing.as_ref().unwrap_or(&now.pricing).clone(), self.terms.as_ref().unwrap_or(&now.terms).clone())
    }

    /// Refuses all of it before any of it happens.
    fn check(&self, now: &Plugin) -> Result<(), AppError> {
        let mut problems = Problems::default();
        if self.kind.is_some_and(|kind| kind != now.details.kind) {
            problems.add("kind", "never changes");
        }
        if self.describes() {
            problems.keep(self.details(&now.details).checked());
        }
        let (pricing, terms) = self.price(now);
        problems.keep(pricing.checked());
        problems.keep(terms.checked());
        Ok(problems.finish(())?)
    }
}

/// Changes details, price or terms of a plugin; owner or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`.
pub async fn amend(app: &App, ctx: &Context, plugin: &PluginRef, input: Amend) -> Result<Done<Plugin>, AppError> {
    let owned = owned(app, ctx, plugin).await?;
    let now = owned.plugin()?;
    input.check(now)?;
    let mut done = Done { value: now.clone(), position: owned.fact.position, changed: false, wrote: None };
    if input.describes() {
        let described = app
            .decide::<Plugins>(owned.call()?, |state| {
                let details = input.details(&created(state)?.details).checked()?;
                Ok(Command::Describe { details: Box::new(details) })
            })
            .await
            .map_err(Failure::into_error)?;
        done = plugin_of(described)?;
    }
    if input.prices() {
        // A stream of its own command, since both write to the plugin's stream.
        let ctx = owned.ctx.step("price");
        let priced = app
            .decide::<Plugins>(Call { context: &ctx, ..owned.call()? }, |state| {
                let (pricing, terms) = input.price(created(state)?);
                Ok(Command::Price { pricing, terms })
            })
            .await
            .map_err(Failure::into_error)?;
        done = plugin_of(priced)?.after(done);
    }
    Ok(done)
}
