//! Older shapes of events, brought up to date as they are read. What the log holds is never rewritten.
//!
//! A shape that changes gets a higher version in [`EVENT_TYPES`](crate::event::EVENT_TYPES), an [`Upcast`] from the
//! version before in [`TABLE`], and one more example in `golden/`; the examples of older versions stay.

use serde_json::Value;

/// One step from a version of a shape to the next.
pub struct Upcast {
    /// Of events of this type.
    pub event_type: &'static str,
    /// From this version to the one after it.
    pub from: u16,
    /// The fields as the next version has them. Pure, and total over whatever that version ever wrote.
    pub apply: fn(Value) -> Value,
}

/// Every step there is.
pub const TABLE: &[Upcast] = &[
    // Before vendors could sign, no version was signed.
    Upcast {
        event_type: "plugin.version_submitted",
        from: 1,
        apply: |mut data| {
            if let Some(fields) = data.as_object_mut() {
                fields.insert("signature".to_owned(), Value::Null);
            }
            data
        },
    },
    // Before workflows were stripped, nothing was taken out of them.
    Upcast {
        event_type: "plugin.version_submitted",
        from: 2,
        apply: |mut data| {
            if let Some(fields) = data.as_object_mut() {
                fields.insert("stripped".to_owned(), Value::Null);
            }
            data
        },
    },
    // Before vendors could appeal, no verdict answered an appeal.
    Upcast {
        event_type: "validation.adjudicated",
        from: 1,
        apply: |mut data| {
            if let Some(fields) = data.as_object_mut() {
                fields.insert("onAppeal".to_owned(), Value::Bool(false));
            }
            data
        },
    },
];

/// Takes `data` from version `from` to version `to`, step by step.
///
/// # Errors
/// `table` lacks a step.
pub(crate) fn apply(table: &[Upcast], event_type: &str, from: u16, to: u16, data: Value) -> Result<Value, String> {
    (from..to).try_fold(data, |data, version| {
        table
            .iter()
            .find(|step| step.event_type == event_type && step.from == version)
            .map(|step| (step.apply)(data))
            .ok_or_else(|| format!("nothing leads from schema version {version} to the next"))
    })
}

#[cfg(test)]
mod tests;
