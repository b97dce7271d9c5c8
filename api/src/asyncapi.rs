//! The AsyncAPI document: public events, and the three ways in which they are told. Generated from the catalogue of their types.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use souk_app::public::{PublicType, TYPES, schema};

/// The AsyncAPI 3.0 document, pretty JSON with a line break at its end; `api/asyncapi.json` is this.
#[must_use]
pub fn asyncapi() -> String {
    shared_text().to_owned()
}

/// The document, made once.
pub fn shared_text() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| serde_json::to_string_pretty(&document()).unwrap_or_default() + "\n");
    &TEXT
}

fn document() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Public events of Souk",
            "version": "1.0.0",
            "description": "What happens on a Souk, for the systems of partners: as CloudEvents 1.0 over server-sent events, as webhooks \
                by Standard Webhooks 1.0, and as CloudEvents in binary mode on a topic of Apache Kafka. The same event has the same id \
                everywhere, and is told at least once. Within a version of a type fields are added, and nothing else changes.",
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "http": {
                "host": "{host}",
                "protocol": "https",
                "pathname": "/api/v1",
                "description": "The HTTP interface",
                "variables": { "host": { "default": "souk.example", "description": "Where this Souk is found" } },
                "security": [{ "$ref": "#/components/securitySchemes/partnerKey" }],
            },
            "kafka": {
                "host": "{brokers}",
                "protocol": "kafka",
                "description": "The operator's Apache Kafka, where the operator lets partners read it",
                "variables": { "brokers": { "default": "kafka.example:9092", "description": "Its brokers" } },
            },
        },
        "channels": {
            "stream": {
                "address": "/events/stream",
                "title": "Server-sent events",
                "description": "`id` is the position, `event` the type, `data` a CloudEvent. `Last-Event-ID` resumes behind an event.",
                "servers": [{ "$ref": "#/servers/http" }],
                "messages": messages(cloud_event_name),
            },
            "webhook": {
                "address": null,
                "title": "Webhooks",
                "description": "A POST to the address that a partner gave, signed by Standard Webhooks 1.0.",
                "messages": messages(webhook_name),
            },
            "kafka": {
                "address": "souk.public",
                "title": "The topic of Apache Kafka",
                "description": "CloudEvents in binary mode, in the order of the log within a plugin.",
                "servers": [{ "$ref": "#/servers/kafka" }],
                "messages": messages(kafka_name),
                "bindings": { "kafka": { "topic": "souk.public", "bindingVersion": "0.5.0" } },
            },
        },
        "operations": {
            "stream": {
                "action": "send",
                "title": "Tell a stream",
                "channel": { "$ref": "#/channels/stream" },
                "bindings": { "http": { "method": "GET", "bindingVersion": "0.3.0" } },
            },
            "webhook": {
                "action": "send",
                "title": "Call a webhook",
                "channel": { "$ref": "#/channels/webhook" },
                "bindings": { "http": { "method": "POST", "bindingVersion": "0.3.0" } },
            },
            "kafka": {
                "action": "send",
                "title": "Write to the topic",
                "channel": { "$ref": "#/channels/kafka" },
            },
        },
        "components": {
            "messages": all_messages(),
            "schemas": schemas(),
            "securitySchemes": {
                "partnerKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "souk_pk_…",
                    "description": "A key that the operator made for the partner",
                },
            },
        },
    })
}

fn cloud_event_name(public: &PublicType) -> String {
    public.full_name()
}

fn webhook_name(public: &PublicType) -> String {
    format!("{}.webhook", public.full_name())
}

fn kafka_name(public: &PublicType) -> String {
    format!("{}.kafka", public.full_name())
}

fn messages(name: fn(&PublicType) -> String) -> Value {
    let all = TYPES.iter().map(|public| {
        let name = name(public);
        let reference = json!({ "$ref": format!("#/components/messages/{name}") });
        (name, reference)
    });
    Value::Object(all.collect())
}

fn all_messages() -> Value {
    let mut all = Map::new();
    for public in TYPES {
        let name = public.full_name();
        let event = json!({ "allOf": [
            { "$ref": "#/components/schemas/CloudEvent" },
            { "type": "object", "properties": {
                "type": { "const": name }, "data": { "$ref": format!("#/components/schemas/{name}") },
            } },
        ] });
        let message = json!({ "name": name, "title": public.summary, "contentType": "application/cloudevents+json", "payload": event });
        let webhook = json!({
            "name": name,
            "title": public.summary,
            "contentType": "application/json",
            "headers": { "$ref": "#/components/schemas/WebhookHeaders" },
            "payload": event,
        });
        let kafka = json!({
            "name": name,
            "title": public.summary,
            "contentType": "application/json",
            "headers": { "allOf": [
                { "$ref": "#/components/schemas/KafkaHeaders" },
                { "type": "object", "properties": { "ce_type": { "const": name } } },
            ] },
            "payload": { "$ref": format!("#/components/schemas/{name}") },
            "bindings": { "kafka": {
                "key": { "type": "string", "description": "The plugin, else the vendor" }, "bindingVersion": "0.5.0",
            } },
        });
        all.insert(cloud_event_name(public), message);
        all.insert(webhook_name(public), webhook);
        all.insert(kafka_name(public), kafka);
    }
    Value::Object(all)
}

fn schemas() -> Value {
    let mut all: Map<String, Value> = TYPES
        .iter()
        .map(|public| {
            let mut schema = schema(public, "");
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("$schema");
                schema.remove("$id");
            }
            (public.full_name(), schema)
        })
        .collect();
    let text = || json!({ "type": "string" });
    let uuid = || json!({ "type": "string", "format": "uuid" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let attributes = json!({
        "specversion": { "type": "string", "const": "1.0" },
        "id": uuid(),
        "source": { "type": "string", "format": "uri-reference" },
        "type": text(),
        "subject": text(),
        "time": time(),
        "timestamp": time(),
        "datacontenttype": { "type": "string", "const": "application/json" },
        "dataschema": { "type": "string", "format": "uri-reference" },
        "sequence": { "type": "string", "pattern": "^[0-9]+$", "description": "The position in the log" },
        "partitionkey": text(),
        "pluginid": uuid(),
        "vendorid": uuid(),
        "data": { "type": "object" },
    });
    all.insert(
        "CloudEvent".to_owned(),
        json!({
            "type": "object",
            "required": ["specversion", "id", "source", "type", "subject", "time", "timestamp", "sequence", "data"],
            "properties": attributes,
        }),
    );
    all.insert(
        "WebhookHeaders".to_owned(),
        json!({
            "type": "object",
            "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
            "properties": {
                "webhook-id": { "type": "string", "format": "uuid", "description": "The event's id, the same at every attempt" },
                "webhook-timestamp": { "type": "string", "description": "Seconds since 1970, of this attempt" },
                "webhook-signature": { "type": "string", "description": "`v1,` and base64; two of them while a secret is changed" },
            },
        }),
    );
    all.insert(
        "KafkaHeaders".to_owned(),
        json!({
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_sequence", "content-type"],
            "properties": {
                "ce_specversion": { "type": "string", "const": "1.0" },
                "ce_id": uuid(),
                "ce_source": text(),
                "ce_type": text(),
                "ce_time": time(),
                "ce_subject": text(),
                "ce_sequence": text(),
                "ce_dataschema": text(),
                "ce_partitionkey": text(),
                "ce_pluginid": uuid(),
                "ce_vendorid": uuid(),
                "content-type": { "type": "string", "const": "application/json" },
            },
        }),
    );
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn the_committed_document_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/asyncapi.json");
        if std::env::var_os("UPDATE_ASYNCAPI").is_some() {
            std::fs::write(path, asyncapi()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == asyncapi(), "api/asyncapi.json is stale: UPDATE_ASYNCAPI=1 writes it anew");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn check(root: &Value, value: &Value) {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(root.pointer(pointer).is_some(), "{reference}");
            }
            match value {
                Value::Object(fields) => fields.values().for_each(|value| check(root, value)),
                Value::Array(items) => items.iter().for_each(|value| check(root, value)),
                _ => {}
            }
        }
        check(&document(), &document());
    }

    #[tokio::test]
    async fn it_is_served() {
        let answer = World::new().nobody().get("/asyncapi.json").await;
        assert_eq!((answer.status, answer.body["asyncapi"].as_str()), (200, Some("3.0.0")));
    }
}
