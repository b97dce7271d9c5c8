//! Which public events somebody wants, and may have.

use std::collections::BTreeSet;

use souk_domain::{
    id::{PluginId, VendorId},
    partner::{Scopes, matches},
};

use super::{
    PublicEvent,
    catalogue::{Audience, TYPES, find},
};

/// What somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Types and patterns of types, none for all that one may have.
    pub types: Vec<String>,
    /// Only what concerns this plugin,
    pub plugin: Option<PluginId>,
    /// and the vendor that it belongs to.
    pub plugin_vendor: Option<VendorId>,
    /// Only what concerns this vendor.
    pub vendor: Option<VendorId>,
}

/// Why somebody gets nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing fits this.
    UnknownType(String),
    /// The scope does not have this: `types`, `plugins` or `vendors`, and what of it.
    BeyondScope {
        /// Which part of the scope.
        part: &'static str,
        /// What is not in it.
        wanted: String,
    },
}

/// Which events pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    types: BTreeSet<&'static str>,
    plugin: Option<PluginId>,
    vendor: Option<VendorId>,
    scopes: Scopes,
}

/// What everybody may see: all that is on display.
#[must_use]
pub fn open_scopes() -> Scopes {
    let open = TYPES.iter().filter(|public| public.audience == Audience::Everyone);
    Scopes { types: open.map(|public| public.name.to_owned()).collect(), ..Scopes::default() }
}

/// Patterns as they are kept, without prefix and version; each fits at least one type that there is.
///
/// # Errors
/// The first one that does not.
pub fn parse_patterns<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<BTreeSet<String>, String> {
    texts.into_iter().map(|text| pattern(text).ok_or_else(|| text.to_owned())).collect()
}

fn pattern(text: &str) -> Option<String> {
    if let Some(public) = find(text) {
        return Some(public.name.to_owned());
    }
    let pattern = text.strip_prefix("souk.").unwrap_or(text);
    let fits = pattern.ends_with('*') && TYPES.iter().any(|public| matches(pattern, public.name));
    fits.then(|| pattern.to_owned())
}

impl Filter {
    /// What is asked for, if it is in `scopes`: each type that is named, and something of each pattern.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn new(asked: &Asked, scopes: &Scopes) -> Result<Self, Refusal> {
        let patterns = parse_patterns(asked.types.iter().map(String::as_str)).map_err(Refusal::UnknownType)?;
        let had: Vec<_> = TYPES.iter().map(|public| public.name).filter(|name| scopes.has_type(name)).collect();
        let beyond = |part, wanted: String| Err(Refusal::BeyondScope { part, wanted });
        // A pattern stands for what one may have of it, if that is anything.
        if let Some(nothing) = patterns.iter().find(|pattern| !had.iter().any(|name| matches(pattern, name))) {
            return beyond("types", nothing.clone());
        }
        let fits = |name: &&str| patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name));
        let types = had.into_iter().filter(fits).collect();
        if let Some(plugin) = asked.plugin
            && !scopes.has(Some(plugin), asked.plugin_vendor)
        {
            return beyond("plugins", plugin.to_string());
        }
        if let Some(vendor) = asked.vendor
            && !scopes.has(None, Some(vendor))
        {
            return beyond("vendors", vendor.to_string());
        }
        Ok(Self { types, plugin: asked.plugin, vendor: asked.vendor, scopes: scopes.clone() })
    }

    /// What of what is asked for is in `scopes`. What is unknown is nothing.
    #[must_use]
    pub fn within(asked: &Asked, scopes: &Scopes) -> Self {
        let fits = |name: &str| {
            asked.types.is_empty() || asked.types.iter().any(|asked| pattern(asked).is_some_and(|p| matches(&p, name)))
        };
        let types = TYPES.iter().map(|public| public.name).filter(|name| scopes.has_type(name) && fits(name));
        Self { types: types.collect(), plugin: asked.plugin, vendor: asked.vendor, scopes: scopes.clone() }
    }

    /// Whether `event` passes.
    #[must_use]
    pub fn passes(&self, event: &PublicEvent) -> bool {
        self.types.contains(event.public.name)
            && self.plugin.is_none_or(|plugin| event.plugin == Some(plugin))
            && self.vendor.is_none_or(|vendor| event.vendor == Some(vendor))
            && self.scopes.has(event.plugin, event.vendor)
    }
}
