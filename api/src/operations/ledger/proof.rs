//! `GET /events/{position}/proof`

use axum::{Json, extract::State};
use data_encoding::BASE64;
use serde::Serialize;
use souk_app::{
    AppError,
    ledger::{self, EventProof, Opened},
};
use souk_ports::{LedgerError, Position};
use utoipa::ToSchema;

use crate::{
    Api,
    error::ApiError,
    extract::{Anyone, PathParams},
};

/// That an event is in the tree that was signed last. Bytes are base64.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InclusionProof {
    /// Its place in the log.
    position: Position,
    /// Its place in the tree, from 0.
    index: u64,
    /// Its leaf, the exact bytes: JSON as RFC 8785 writes it.
    leaf: String,
    /// Leaves of the tree.
    tree_size: u64,
    /// The signed head of the tree.
    checkpoint: String,
    /// Hashes in the order of RFC 6962, section 2.1.1.
    inclusion_proof: Vec<String>,
    #[serde(flatten)]
    opened: OpenedBytes,
}

/// What the leaf has hashes of, as far as the caller may see it: all of it for admins; for the plugin's vendor what is for vendors
/// alone.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenedBytes {
    /// The stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    /// Where the leaf has a pseudonym: it is the beginning of SHA-256 of this and the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_salt: Option<String>,
    /// The exact bytes of the event's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// The leaf's `data` is SHA-256 of this and the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_salt: Option<String>,
    /// The exact bytes of the event's metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    /// The leaf's `metadata` is SHA-256 of this and the metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_salt: Option<String>,
}

impl From<Opened> for OpenedBytes {
    fn from(opened: Opened) -> Self {
        let (stream, stream_salt) = opened.stream.unzip();
        let (data, data_salt) = opened.data.unzip();
        let (metadata, metadata_salt) = opened.metadata.unzip();
        Self {
            stream: stream.map(|stream| stream.to_string()),
            stream_salt: stream_salt.flatten().map(|salt| BASE64.encode(&salt)),
            data: data.map(|data| BASE64.encode(&data)),
            data_salt: data_salt.map(|salt| BASE64.encode(&salt)),
            metadata: metadata.map(|metadata| BASE64.encode(&metadata)),
            metadata_salt: metadata_salt.map(|salt| BASE64.encode(&salt)),
        }
    }
}

/// That an event is in the tree that was signed last, whoever asks; and for who may see it, what the leaf has hashes of, byte for
/// byte. Nothing here is checked by Souk: that is for who asks.
#[utoipa::path(get, path = "/events/{position}/proof", tag = "ledger",
    params(("position" = u64, Path, description = "Its place in the log")), security((), ("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "The proof", body = InclusionProof),
        (status = 404, description = "`not_found`: there is no such event; `not_yet_in_ledger`: it will be soon", body = Object)))]
pub async fn event_proof(
    State(api): State<Api>,
    Anyone(context): Anyone,
    PathParams(position): PathParams<Position>,
) -> Result<Json<InclusionProof>, ApiError> {
    let EventProof { checkpoint, inclusion, opened } = ledger::proof(&api.app, &context, position).await?;
    Ok(Json(InclusionProof {
        position: inclusion.position,
        index: inclusion.index,
        leaf: BASE64.encode(&inclusion.leaf),
        tree_size: checkpoint.size,
        checkpoint: checkpoint.note,
        inclusion_proof: inclusion.proof.iter().map(|hash| BASE64.encode(hash)).collect(),
        opened: opened.into(),
    }))
}

/// The ledger's errors as answers.
pub fn failed(error: LedgerError) -> ApiError {
    AppError::from(error).into()
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;
    use serde_json::{Value, json};

    use crate::testing::World;

    fn leaf(body: &Value) -> Value {
        serde_json::from_slice(&BASE64.decode(body["leaf"].as_str().unwrap().as_bytes()).unwrap()).unwrap()
    }

    fn opens(body: &Value, what: &str) -> bool {
        let salt = format!("{what}Salt");
        let bytes = |field: &str| BASE64.decode(body[field].as_str().unwrap().as_bytes()).unwrap();
        let salt: [u8; 32] = bytes(&salt).try_into().unwrap();
        souk_ledger::leaf::salted(&salt, &bytes(what)) == leaf(body)[what].as_str().unwrap()
    }

    #[tokio::test]
    async fn anyone_gets_the_leaf_and_who_may_see_it_the_bytes() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.plugin("log-reader").await;
        let customer = world.person("cleo").await;
        seller.person.patch("/plugins/log-reader", json!({"summary": "Reads."})).await;
        let events = world.memory.events();
        let position = |wanted: &str| events.iter().find(|event| event.event_type == wanted).unwrap().position;
        let path = format!("/events/{}/proof", position("plugin.described"));
        for (client, sees) in [
            (world.nobody(), false),
            ((*customer).clone(), false),
            ((*seller.person).clone(), true),
            ((*world.admin().await).clone(), true),
        ] {
            let answer = client.get(&path).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(leaf(&answer.body)["type"], "plugin.described");
            assert_eq!(answer.body.get("data").is_some(), sees, "{}", answer.text);
            assert!(!sees || (opens(&answer.body, "data") && opens(&answer.body, "metadata")));
        }
    }

    #[tokio::test]
    async fn a_person_is_told_to_admins_alone() {
        let world = World::new();
        let ada = world.person("ada").await;
        let events = world.memory.events();
        let registered = events.iter().find(|event| event.event_type == "user.registered").unwrap();
        let path = format!("/events/{}/proof", registered.position);
        for client in [world.nobody(), (*ada).clone()] {
            let answer = client.get(&path).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(!leaf(&answer.body).to_string().contains(&ada.id), "{}", answer.text);
            assert!(leaf(&answer.body)["stream"].as_str().unwrap().starts_with("user*"));
            for secret in ["stream", "streamSalt", "data", "dataSalt", "metadata", "metadataSalt"] {
                assert!(answer.body.get(secret).is_none(), "{secret}");
            }
        }
        let answer = world.admin().await.get(&path).await;
        assert_eq!(answer.body["stream"], format!("user-{}", ada.id));
        assert!(opens(&answer.body, "data") && opens(&answer.body, "metadata"));
    }

    #[tokio::test]
    async fn what_is_not_there_yet_is_told_from_what_is_not_there() {
        let world = World::new();
        world.person("ada").await;
        let events = world.memory.events().len() as u64;
        for position in
            ["0".to_owned(), (events + 1).to_string(), "x".to_owned(), "-1".to_owned(), u64::MAX.to_string()]
        {
            let answer = world.nobody().get(&format!("/events/{position}/proof")).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{position}");
        }
        world.ledger.stop_at(Some(1));
        let answer = world.nobody().get(&format!("/events/{events}/proof")).await;
        assert_eq!((answer.status, answer.code(), answer.header("retry-after")), (404, "not_yet_in_ledger", "1"));
    }
}
