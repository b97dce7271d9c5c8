//! The manifests: each against the schema of its kind, all of them against each other.

use k8s_openapi::api::{
    apps::v1::Deployment,
    autoscaling::v2::HorizontalPodAutoscaler,
    batch::v1::Job,
    core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Secret, Service, ServiceAccount},
    networking::v1::{Ingress, NetworkPolicy},
    policy::v1::PodDisruptionBudget,
};
use serde_json::Value;

use crate::{rules, schema::Schema};

/// The schema of a kind; none for a kind that this check does not know.
fn schema(api_version: &str, kind: &str) -> Option<Schema> {
    Some(match (api_version, kind) {
        ("v1", "Namespace") => Schema::of::<Namespace>(),
        ("v1", "ServiceAccount") => Schema::of::<ServiceAccount>(),
        ("v1", "ConfigMap") => Schema::of::<ConfigMap>(),
        ("v1", "Secret") => Schema::of::<Secret>(),
        ("v1", "Service") => Schema::of::<Service>(),
        ("v1", "PersistentVolumeClaim") => Schema::of::<PersistentVolumeClaim>(),
        ("apps/v1", "Deployment") => Schema::of::<Deployment>(),
        ("batch/v1", "Job") => Schema::of::<Job>(),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => Schema::of::<HorizontalPodAutoscaler>(),
        ("policy/v1", "PodDisruptionBudget") => Schema::of::<PodDisruptionBudget>(),
        ("networking.k8s.io/v1", "NetworkPolicy") => Schema::of::<NetworkPolicy>(),
        ("networking.k8s.io/v1", "Ingress") => Schema::of::<Ingress>(),
        _ => return None,
    })
}

/// Everything that is wrong, one line each.
pub fn faults(manifests: &[(String, Value)]) -> Vec<String> {
    let mut found = Vec::new();
    let (lists, objects): (Vec<_>, Vec<_>) = manifests.iter().partition(|(_, value)| value["kind"] == "Kustomization");
    for (file, object) in &objects {
        let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
        let name = format!("{file}: {kind} {}", text(object, "/metadata/name"));
        match schema(version, kind) {
            Some(schema) => found.extend(schema.faults(object).into_iter().map(|fault| format!("{name}: {fault}"))),
            None => found.push(format!("{name}: {version:?} {kind:?} is no kind that this check has a schema of")),
        }
        found.extend(rules::of_object(object).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    let objects: Vec<&Value> = objects.iter().map(|(_, object)| object).collect();
    found.extend(rules::of_all(&objects));
    for (file, list) in lists {
        found.extend(listed(list, manifests).into_iter().map(|fault| format!("{file}: {fault}")));
    }
    found
}

/// A text at a pointer, empty when there is none.
pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `kustomization.yaml` names every file there is, and no other.
fn listed(list: &Value, manifests: &[(String, Value)]) -> Vec<String> {
    let named: Vec<&str> = list["resources"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut files: Vec<&str> = manifests.iter().map(|(file, _)| file.as_str()).collect();
    files.dedup();
    files.retain(|file| *file != "kustomization.yaml");
    let absent = named.iter().filter(|name| !files.contains(name)).map(|name| format!("{name} is not there"));
    let forgotten = files.iter().filter(|file| !named.contains(file)).map(|file| format!("{file} is not in resources"));
    absent.chain(forgotten).collect()
}
