//! Reading `plugin.created`, whose details stand beside its other fields.

use serde::{Deserializer, de::MapAccess};

use crate::{
    beside::{self, Beside, once, required},
    id::{PluginId, VendorId},
    listing::{Details, Pricing, Terms},
};

/// The fields of the event, in its order.
type Created = (PluginId, VendorId, String, Box<Details>, Pricing, Terms);

#[derive(Default)]
struct Others {
    plugin_id: Option<PluginId>,
    vendor_id: Option<VendorId>,
    name: Option<String>,
    pricing: Option<Pricing>,
    terms: Option<Terms>,
}

impl Beside for Others {
    const NAMES: &'static [&'static str] = &["pluginId", "vendorId", "name", "pricing", "terms"];

    fn take<'de, M: MapAccess<'de>>(&mut self, place: usize, map: &mut M) -> Result<(), M::Error> {
        let name = Self::NAMES[place];
        match place {
            0 => once(&mut self.plugin_id, name, map),
            1 => once(&mut self.vendor_id, name, map),
            2 => once(&mut self.name, name, map),
            3 => once(&mut self.pricing, name, map),
            _ => once(&mut self.terms, name, map),
        }
    }
}

pub(super) fn created<'de, D: Deserializer<'de>>(document: D) -> Result<Created, D::Error> {
    let (others, details) = beside::read::<Others, _, D>(document)?;
    let Others { plugin_id, vendor_id, name, pricing, terms } = others;
    Ok((
        required(plugin_id, "pluginId")?,
        required(vendor_id, "vendorId")?,
        required(name, "name")?,
        details,
        required(pricing, "pricing")?,
        required(terms, "terms")?,
    ))
}
