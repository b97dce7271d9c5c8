//! Checking the history of a plugin with its proofs, without asking anybody.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Serialize;
use souk_domain::stream::Category;
use souk_ports::{
    audit::{AuditedEvent, Bundle, FORMAT, OpenedPart, Part, UnreadBundle, belongs_to_one_plugin},
    ledger::SignedCheckpoint,
};
use tlog_tiles::{Hash, check_record, record_hash};

use crate::{
    leaf::{Leaf, salted},
    note::VerifierKey,
};

/// Which event something is wrong with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// Which one of the document, from 1.
    pub number: usize,
    /// Its place in the log, as its leaf says, or else the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
}

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The event that is wrong; none when it is the document around the events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Named>,
    /// A sentence.
    pub problem: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(Named { number, position, id, event_type }) = &self.event else {
            return f.write_str(&self.problem);
        };
        write!(f, "event {number}")?;
        if let Some(position) = position {
            write!(f, " (position {position}")?;
            if let (Some(event_type), Some(id)) = (event_type, id) {
                write!(f, ", {event_type}, id {id}")?;
            }
            f.write_str(")")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Whose history.
    pub plugin: String,
    /// The name of the log.
    pub origin: String,
    /// Leaves of the tree.
    pub tree_size: u64,
    /// Its root, hex.
    pub root: String,
    /// Events that are in it.
    pub events: usize,
    /// How many of them have their data here, byte for byte.
    pub with_data: usize,
    /// The same of metadata.
    pub with_metadata: usize,
    /// Streams that are here from their first event on without a gap, and how many events each has.
    pub whole_streams: BTreeMap<String, u64>,
    /// Streams of which only what concerns the plugin is here.
    pub parts_of_streams: BTreeMap<String, u64>,
}

fn about(problem: impl Into<String>) -> Problem {
    Problem { event: None, problem: problem.into() }
}

/// Checks a document against the key of who should have signed it.
///
/// # Errors
/// What does not hold, with the event that it is about.
pub fn verify(text: &str, key: &VerifierKey) -> Result<Verified, Problem> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let unread: UnreadBundle = serde_json::from_str(text).map_err(|error| broken(text, &error))?;
    if unread.format != FORMAT {
        return Err(about(format!("the format is {:?}, and not {FORMAT:?}", unread.format)));
    }
    let mut events = Vec::with_capacity(unread.events.len());
    for (place, raw) in unread.events.iter().enumerate() {
        events.push(read(place + 1, raw.get())?);
    }
    // What says the same in other bytes was written by somebody else.
    let written = serde_json::to_string(&unread).map_err(|error| about(error.to_string()))?;
    if written != text {
        return Err(about("the document around the events is not written as Souk writes it: it was changed"));
    }
    if unread.verifier_key != key.to_string() {
        return Err(about(format!("it names the key {}, and not {key}", unread.verifier_key)));
    }
    let head = key.open(&unread.checkpoint).map_err(|error| about(error.to_string()))?;
    check(&unread.plugin, key.name(), &head, &events)
}

/// How the JSON of an event begins; nothing in one looks like that.
const EVENT: &str = "{\"position\":";

/// Why a text is no document: by the first event in it that is none.
fn broken(text: &str, error: &serde_json::Error) -> Problem {
    for (place, rest) in text.split(EVENT).skip(1).enumerate() {
        let rest = rest.strip_suffix(',').or_else(|| rest.strip_suffix("]}")).unwrap_or(rest);
        if let Err(problem) = read(place + 1, &format!("{EVENT}{rest}")) {
            return problem;
        }
    }
    about(format!("it is no document of a history: {error}"))
}

/// One event with its leaf, read and known to be written as Souk writes it.
struct Read {
    event: AuditedEvent,
    leaf: Leaf,
    bytes: Vec<u8>,
    named: Named,
}

impl Read {
    fn wrong(&self, problem: impl Into<String>) -> Problem {
        Problem { event: Some(self.named.clone()), problem: problem.into() }
    }
}

fn read(number: usize, raw: &str) -> Result<Read, Problem> {
    let place = raw.strip_prefix(EVENT).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
    let mut named = Named { number, position: place, id: None, event_type: None };
    let wrong = |named: &Named, problem: String| Problem { event: Some(named.clone()), problem };
    let event: AuditedEvent =
        serde_json::from_str(raw).map_err(|error| wrong(&named, format!("it cannot be read: {error}")))?;
    let bytes = BASE64
        .decode(event.leaf.as_bytes())
        .map_err(|error| wrong(&named, format!("its leaf is no base64: {error}")))?;
    let leaf = Leaf::decode(&bytes)
        .ok_or_else(|| wrong(&named, "its leaf is not written as RFC 8785 has it: it was changed".to_owned()))?;
    named.position = Some(leaf.position.clone());
    named.id = Some(leaf.id.to_string());
    named.event_type = Some(leaf.event_type.clone());
    let written = serde_json::to_string(&event).map_err(|error| wrong(&named, error.to_string()))?;
    if written != raw {
        return Err(wrong(&named, "it is not written as Souk writes it: it was changed".to_owned()));
    }
    Ok(Read { event, leaf, bytes, named })
}

fn check(plugin: &str, origin: &str, head: &SignedCheckpoint, events: &[Read]) -> Result<Verified, Problem> {
    let mut streams: BTreeMap<&str, Vec<&Read>> = BTreeMap::new();
    let (mut with_data, mut with_metadata, mut least) = (0, 0, 0);
    for read in events {
        if read.event.index < least {
            return Err(read.wrong("it is not in the order of the tree, or here twice"));
        }
        least = read.event.index + 1;
        in_tree(read, head)?;
        with_data += usize::from(opens(read, Part::Data, &read.leaf.data)?);
        with_metadata += usize::from(opens(read, Part::Metadata, &read.leaf.metadata)?);
        opens_stream(read)?;
        streams.entry(read.leaf.stream.as_str()).or_default().push(read);
    }
    if !streams.contains_key(format!("plugin-{plugin}").as_str()) {
        return Err(about(format!("there is no event of the stream plugin-{plugin}")));
    }
    let (mut whole_streams, mut parts_of_streams) = (BTreeMap::new(), BTreeMap::new());
    for (stream, events) in streams {
        let category = stream.split(['-', '*']).next().unwrap_or_default();
        let known = Category::ALL.into_iter().find(|known| known.as_str() == category);
        if known.is_some_and(belongs_to_one_plugin) {
            without_gap(stream, &events)?;
            whole_streams.insert(stream.to_owned(), events.len() as u64);
        } else {
            parts_of_streams.insert(stream.to_owned(), events.len() as u64);
        }
    }
    Ok(Verified {
        plugin: plugin.to_owned(),
        origin: origin.to_owned(),
        tree_size: head.size,
        root: hex::encode(head.root),
        events: events.len(),
        with_data,
        with_metadata,
        whole_streams,
        parts_of_streams,
    })
}

fn in_tree(read: &Read, head: &SignedCheckpoint) -> Result<(), Problem> {
    let AuditedEvent { position, index, inclusion_proof, .. } = &read.event;
    if read.leaf.index != index.to_string() {
        return Err(
            read.wrong(format!("its leaf says that it is leaf {}, and the document says {index}", read.leaf.index))
        );
    }
    if read.leaf.position != position.to_string() {
        return Err(
            read.wrong(format!("its leaf says that it is at {}, and the document says {position}", read.leaf.position))
        );
    }
    if *index >= head.size {
        return Err(read.wrong(format!("the signed tree has only {} leaves", head.size)));
    }
    let hash = |text: &String| Some(Hash(BASE64.decode(text.as_bytes()).ok()?.try_into().ok()?));
    let path: Option<Vec<Hash>> = inclusion_proof.iter().map(hash).collect();
    let path = path.ok_or_else(|| read.wrong("its proof is not made of hashes"))?;
    check_record(&path, head.size, Hash(head.root), *index, record_hash(&read.bytes))
        .map_err(|_| read.wrong("it is not in the signed tree: the leaf or its proof was changed"))
}

fn decoded(read: &Read, part: &OpenedPart, what: &str) -> Result<(Vec<u8>, [u8; 32]), Problem> {
    let bytes = BASE64.decode(part.bytes.as_bytes()).ok();
    let salt = BASE64.decode(part.salt.as_bytes()).ok().and_then(|salt| salt.try_into().ok());
    bytes.zip(salt).ok_or_else(|| read.wrong(format!("its {what} cannot be read")))
}

fn opens(read: &Read, part: Part, hash: &str) -> Result<bool, Problem> {
    let what = if part == Part::Data { "data" } else { "metadata" };
    let Some(opened) = read.event.opened.get(&part) else { return Ok(false) };
    let (bytes, salt) = decoded(read, opened, what)?;
    if salted(&salt, &bytes) == hash {
        Ok(true)
    } else {
        Err(read.wrong(format!("its {what} is not what was put into the ledger: it was changed")))
    }
}

fn opens_stream(read: &Read) -> Result<(), Problem> {
    let Some(opened) = read.event.opened.get(&Part::Stream) else { return Ok(()) };
    let (bytes, salt) = decoded(read, opened, "stream")?;
    let name = String::from_utf8(bytes).ok().and_then(|name| name.parse().ok());
    match name {
        Some(name) if crate::leaf::stream_name(name, Some(&salt)) == read.leaf.stream => Ok(()),
        _ => Err(read.wrong("its stream is not the one that was put into the ledger: it was changed")),
    }
}

fn without_gap(stream: &str, events: &[&Read]) -> Result<(), Problem> {
    for (version, read) in events.iter().enumerate() {
        if read.leaf.version != version.to_string() {
            return Err(
                read.wrong(format!("version {version} of {stream} is missing: this one is {}", read.leaf.version))
            );
        }
    }
    Ok(())
}

/// The document as it is written.
///
/// # Errors
/// None that a document has.
pub fn write(bundle: &Bundle) -> Result<String, serde_json::Error> {
    serde_json::to_string(bundle)
}

/// Which of all leaves of the tree belong to streams that the document has whole, and are not in it: with these it is known
/// whether anything was left out at the end of a stream.
///
/// # Errors
/// The leaves are not those of the tree.
pub fn left_out(verified: &Verified, leaves: &[Vec<u8>]) -> Result<Vec<Leaf>, Problem> {
    let mut edge = crate::tree::Edge::default();
    edge.extend(leaves.iter().map(|leaf| record_hash(leaf)));
    let root = edge.root().map_err(|error| about(error.to_string()))?;
    if edge.size() != verified.tree_size || hex::encode(root.0) != verified.root {
        return Err(about("the leaves that are served do not give the signed root"));
    }
    let left_out = leaves.iter().filter_map(|leaf| Leaf::decode(leaf)).filter(|leaf| {
        let known = verified.whole_streams.get(&leaf.stream);
        known.is_some_and(|events| leaf.version.parse::<u64>().is_ok_and(|version| version >= *events))
    });
    Ok(left_out.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use souk_domain::stream::StreamId;
    use souk_ports::{EventLog, Expected, Filter, Ledger, NewEvent, ledger::Inclusion};
    use souk_testkit::{MemoryLog, SeededRandom};
    use uuid::Uuid;

    use super::*;
    use crate::MemoryLedger;

    const PLUGIN: u128 = 7;

    async fn append(log: &MemoryLog, category: Category, version: u64, number: u128) {
        let expected = if version == 0 { Expected::NoStream } else { Expected::Version(version - 1) };
        let event = NewEvent {
            id: Uuid::from_u128(number),
            event_type: format!("{}.happened", category.as_str()),
            schema_version: 1,
            data: format!("{{\"number\":{number}}}").into(),
            metadata: "{}".into(),
        };
        log.append(StreamId::new(category, Uuid::from_u128(PLUGIN)), expected, vec![event]).await.unwrap();
    }

    /// The history of a plugin of five events in three streams, beside one of somebody else's.
    async fn world() -> (Bundle, VerifierKey, Vec<Vec<u8>>) {
        let log = MemoryLog::default();
        append(&log, Category::Plugin, 0, 1).await;
        append(&log, Category::User, 0, 2).await;
        append(&log, Category::Plugin, 1, 3).await;
        append(&log, Category::Installation, 0, 4).await;
        append(&log, Category::Installation, 1, 5).await;
        append(&log, Category::Email, 0, 6).await;
        let ledger = MemoryLedger::over(Arc::new(log.clone()), &SeededRandom::new(1)).unwrap();
        let recorded = log.read_all(0, &Filter::default(), 10).await.unwrap();
        let proofs = ledger.prove(&[1, 2, 3, 4, 5]).await.unwrap();
        let all = ledger.prove(&[1, 2, 3, 4, 5, 6]).await.unwrap();
        let part =
            |bytes: &[u8], salt: [u8; 32]| OpenedPart { bytes: BASE64.encode(bytes), salt: BASE64.encode(&salt) };
        let event = |item: &Inclusion| {
            let event = &recorded[usize::try_from(item.index).unwrap()];
            let openings = ledger.openings(event);
            let mut opened = BTreeMap::from([
                (Part::Data, part(&event.data, openings.data)),
                (Part::Metadata, part(&event.metadata, openings.metadata)),
            ]);
            if let Some(salt) = openings.stream {
                opened.insert(Part::Stream, part(event.stream.to_string().as_bytes(), salt));
            }
            AuditedEvent {
                position: item.position,
                index: item.index,
                leaf: BASE64.encode(&item.leaf),
                inclusion_proof: item.proof.iter().map(|hash| BASE64.encode(hash)).collect(),
                opened,
            }
        };
        let bundle = Bundle {
            format: FORMAT.to_owned(),
            plugin: Uuid::from_u128(PLUGIN).to_string(),
            verifier_key: ledger.verifier_key().to_string(),
            checkpoint: proofs.checkpoint.note.clone(),
            events: proofs.items.iter().map(event).collect(),
        };
        (bundle, ledger.verifier_key().clone(), all.items.iter().map(|item| item.leaf.to_vec()).collect())
    }

    fn refused(bundle: &Bundle, key: &VerifierKey) -> Problem {
        verify(&write(bundle).unwrap(), key).unwrap_err()
    }

    #[tokio::test]
    async fn what_holds_is_told() {
        let (bundle, key, leaves) = world().await;
        let verified = verify(&format!("{}\n", write(&bundle).unwrap()), &key).unwrap();
        assert_eq!((verified.events, verified.with_data, verified.with_metadata, verified.tree_size), (5, 5, 5, 6));
        assert_eq!(verified.whole_streams.values().collect::<Vec<_>>(), [&2, &2]);
        assert_eq!(verified.parts_of_streams.values().collect::<Vec<_>>(), [&1]);
        assert_eq!(left_out(&verified, &leaves).unwrap(), []);
        assert!(left_out(&verified, &leaves[..5]).is_err());
    }

    /// Every byte of the document, changed by one bit.
    #[tokio::test]
    async fn one_byte_changed_is_refused_and_its_event_named() {
        let (bundle, key, _) = world().await;
        let text = write(&bundle).unwrap();
        let starts: Vec<usize> = text.match_indices(EVENT).map(|(at, _)| at).collect();
        let end = text.rfind("]}").unwrap();
        let mut named = 0;
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            let Err(problem) = verify(&changed, &key) else { panic!("byte {at} was changed: {changed}") };
            let inside = starts.iter().rposition(|start| *start + EVENT.len() <= at).filter(|_| at < end);
            // Where the beginning of an event is changed, it cannot be told from the end of the one before.
            let at_a_seam = starts.iter().any(|start| {
                (*start..*start + EVENT.len()).contains(&(at + 1)) || (*start..*start + EVENT.len()).contains(&at)
            });
            if let (Some(inside), false) = (inside, at_a_seam) {
                assert_eq!(problem.event.as_ref().map(|event| event.number), Some(inside + 1), "byte {at}: {problem}");
                named += 1;
            }
        }
        assert!(named > 1000, "{named}");
    }

    #[tokio::test]
    async fn what_was_left_out_put_in_or_moved_is_refused() {
        let (bundle, key, leaves) = world().await;
        let mut gap = bundle.clone();
        gap.events.remove(0);
        let problem = refused(&gap, &key);
        assert!(
            problem.to_string().contains("version 0 of plugin-") && problem.to_string().contains("position 3"),
            "{problem}"
        );

        let mut none = bundle.clone();
        none.events.clear();
        assert!(refused(&none, &key).problem.contains("no event of the stream plugin-"));

        let mut twice = bundle.clone();
        twice.events.insert(1, twice.events[0].clone());
        assert!(refused(&twice, &key).to_string().contains("here twice"));

        let mut moved = bundle.clone();
        moved.events.swap(0, 1);
        assert!(refused(&moved, &key).to_string().contains("order of the tree"));

        // The last of a stream is missing: the document alone cannot tell, all leaves can.
        let mut short = bundle.clone();
        short.events.pop();
        let verified = verify(&write(&short).unwrap(), &key).unwrap();
        let missing = left_out(&verified, &leaves).unwrap();
        assert_eq!(missing.iter().map(|leaf| leaf.position.as_str()).collect::<Vec<_>>(), ["5"]);
    }

    #[tokio::test]
    async fn bytes_of_another_event_and_another_key_are_refused() {
        let (bundle, key, _) = world().await;
        for part in [Part::Data, Part::Stream] {
            let mut other = bundle.clone();
            let from = other.events[3].opened[&part].clone();
            let place = if part == Part::Data { 2 } else { 1 };
            other.events[place].opened.insert(part, from);
            let problem = refused(&other, &key);
            assert_eq!(problem.event.as_ref().map(|event| event.number), Some(place + 1), "{problem}");
        }
        let other = crate::SigningKey::generate("souk.test", &SeededRandom::new(9)).unwrap();
        let mut forged = bundle.clone();
        forged.verifier_key = other.verifier().to_string();
        assert!(refused(&forged, other.verifier()).problem.contains("not signed by"));
        assert!(refused(&bundle, other.verifier()).problem.contains("it names the key"));
        let mut format = bundle;
        format.format = "souk-audit/2".to_owned();
        assert!(refused(&format, &key).problem.contains("souk-audit/2"));
    }
}
