//! What a proven history proves, and what it does not.

use souk_ledger::verify::Verified;

/// How it was checked.
pub struct Promise {
    /// All leaves of the tree were looked at.
    pub complete: bool,
    /// Events that are in no signed tree yet; none where that is not known.
    pub not_yet: Option<usize>,
}

impl Promise {
    /// What is proven.
    pub fn proven(&self, verified: &Verified) -> Vec<String> {
        let Verified { events, with_data, with_metadata, whole_streams, tree_size, .. } = verified;
        let mut lines = vec![
            format!(
                "Nothing was altered: position, stream, version, id, type and time of all {events} events are those that were signed."
            ),
            format!(
                "The data of {with_data} and the metadata of {with_metadata} of them are here, byte for byte as they were recorded; of the \
                 others only hashes are."
            ),
            format!(
                "No gap: {} streams that belong to the plugin alone are here from their first event on, version after version.",
                whole_streams.len()
            ),
        ];
        if self.complete {
            lines.push(format!(
                "None of these streams goes on in the tree of {tree_size} leaves: all of its leaves were looked at."
            ));
        }
        lines
    }

    /// What is not.
    pub fn not_proven(&self) -> Vec<String> {
        let mut lines = vec![
            "That nothing newer exists: what was recorded behind the signed tree is not here.".to_owned(),
            "That everyone was shown the same tree: hold its checkpoint against one that somebody else was shown."
                .to_owned(),
        ];
        if !self.complete {
            lines.push(
                "That none of these streams goes on before the tree ends: `souk audit verify --tiles URL` looks at all leaves.".to_owned(),
            );
        }
        lines.push(
            "That no other stream concerns the plugin: which one an event concerns is in what the tree has only a hash of.".to_owned(),
        );
        lines.push("That what was recorded was true.".to_owned());
        if let Some(not_yet) = self.not_yet.filter(|not_yet| *not_yet > 0) {
            lines.push(format!("Anything about {not_yet} events that are in no signed tree yet."));
        }
        lines
    }
}
