//! House rules for manifests: what a schema allows and this house does not.

use serde_json::{Value, json};

use crate::kubernetes::text;

/// What is wrong with one object by itself.
pub fn of_object(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let kind = text(object, "/kind");
    if kind != "Namespace" && text(object, "/metadata/namespace") != "souk" {
        found.push("metadata.namespace: expected souk".to_owned());
    }
    if kind == "Secret" {
        found.push("secrets are made by their operators and are in no file".to_owned());
    }
    let Some(template) = object.pointer("/spec/template") else { return found };
    found.extend(pod(&template["spec"]));
    for container in containers(template) {
        let name = text(container, "/name");
        let mut faults = self::container(container);
        if kind == "Deployment" {
            faults.extend(probes(container));
        }
        found.extend(faults.into_iter().map(|fault| format!("container {name}: {fault}")));
    }
    if kind == "Deployment" && object.pointer("/spec/selector/matchLabels") != template.pointer("/metadata/labels") {
        found.push("spec.selector: expected the labels of its own pods".to_owned());
    }
    found
}

fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    let of = |key: &str| template["spec"][key].as_array().into_iter().flatten();
    of("initContainers").chain(of("containers"))
}

fn expect(value: &Value, wanted: &[(&str, Value)]) -> Vec<String> {
    let wrong = |(pointer, right): &&(&str, Value)| value.pointer(pointer) != Some(right);
    let say = |(pointer, right): &(&str, Value)| format!("{}: expected {right}", pointer[1..].replace('/', "."));
    wanted.iter().filter(wrong).map(say).collect()
}

fn pod(spec: &Value) -> Vec<String> {
    expect(
        spec,
        &[
            ("/automountServiceAccountToken", json!(false)),
            ("/securityContext/runAsNonRoot", json!(true)),
            ("/securityContext/seccompProfile/type", json!("RuntimeDefault")),
        ],
    )
}

fn container(container: &Value) -> Vec<String> {
    let mut found = expect(
        container,
        &[
            ("/securityContext/allowPrivilegeEscalation", json!(false)),
            ("/securityContext/readOnlyRootFilesystem", json!(true)),
            ("/securityContext/capabilities/drop", json!(["ALL"])),
        ],
    );
    for resource in ["cpu", "memory"] {
        for bound in ["requests", "limits"] {
            if container.pointer(&format!("/resources/{bound}/{resource}")).is_none() {
                found.push(format!("resources.{bound}.{resource}: missing"));
            }
        }
    }
    let image = text(container, "/image");
    if image
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .split_once(':')
        .is_none_or(|(_, tag)| tag.is_empty() || tag == "latest")
    {
        found.push(format!("image: {image:?}: expected a version, and not the latest"));
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = text(variable, "/name");
        let secret = ["KEK", "URL", "PASSWORD", "SECRET", "TOKEN"].iter().any(|word| name.contains(word));
        if secret && variable.pointer("/valueFrom/secretKeyRef").is_none() {
            found.push(format!("env {name}: expected a reference to a secret"));
        }
    }
    found
}

/// Every probe is there and asks a port that the container has.
fn probes(container: &Value) -> Vec<String> {
    let ports: Vec<&Value> = container["ports"].as_array().into_iter().flatten().map(|port| &port["name"]).collect();
    let mut found = Vec::new();
    for (probe, path) in [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")] {
        if text(container, &format!("/{probe}/httpGet/path")) != path {
            found.push(format!("{probe}: expected to ask {path}"));
        }
        if !ports.contains(&&container[probe]["httpGet"]["port"]) {
            found.push(format!("{probe}: asks a port that the container does not name"));
        }
    }
    found
}

/// What is wrong between objects.
pub fn of_all(objects: &[&Value]) -> Vec<String> {
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    let pods: Vec<&Value> =
        of_kind("Deployment").chain(of_kind("Job")).filter_map(|object| object.pointer("/spec/template")).collect();
    let mut found = Vec::new();
    for deployment in of_kind("Deployment") {
        let name = text(deployment, "/metadata/name");
        let labels = deployment.pointer("/spec/template/metadata/labels");
        if !of_kind("PodDisruptionBudget").any(|budget| budget.pointer("/spec/selector/matchLabels") == labels) {
            found.push(format!("Deployment {name}: no PodDisruptionBudget is for its pods"));
        }
        let scaled = of_kind("HorizontalPodAutoscaler").any(|scaler| text(scaler, "/spec/scaleTargetRef/name") == name);
        let several = deployment.pointer("/spec/replicas").and_then(Value::as_u64).is_some_and(|count| count >= 2);
        if scaled == deployment.pointer("/spec/replicas").is_some() || !(scaled || several) {
            found
                .push(format!("Deployment {name}: expected two replicas or more, or an autoscaler that says how many"));
        }
    }
    let denies = |policy: &&&Value| {
        policy.pointer("/spec/podSelector") == Some(&json!({}))
            && policy.pointer("/spec/policyTypes") == Some(&json!(["Ingress", "Egress"]))
            && policy.pointer("/spec/ingress").is_none()
            && policy.pointer("/spec/egress").is_none()
    };
    if of_kind("NetworkPolicy").filter(denies).count() != 1 {
        found.push("expected one NetworkPolicy that denies everything to every pod".to_owned());
    }
    for (kind, pointer) in [
        ("Service", "/spec/selector"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
    ] {
        for object in of_kind(kind) {
            let wanted = object.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
            let selects =
                |pod: &&&Value| wanted.iter().all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value));
            if pods.iter().filter(selects).count() == 0 {
                found.push(format!("{kind} {}: selects no pod", text(object, "/metadata/name")));
            }
        }
    }
    found.extend(references(objects, &pods));
    found
}

/// Claims and maps that pods name exist.
fn references(objects: &[&Value], pods: &[&Value]) -> Vec<String> {
    let exists = |kind: &str, name: &str| {
        objects.iter().any(|object| object["kind"] == kind && text(object, "/metadata/name") == name)
    };
    let mut found = Vec::new();
    let mut need = |kind: &str, name: &str| {
        if !name.is_empty() && !exists(kind, name) {
            found.push(format!("a pod names the {kind} {name:?}, which is nowhere"));
        }
    };
    for pod in pods {
        need("ServiceAccount", text(pod, "/spec/serviceAccountName"));
        for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
            need("PersistentVolumeClaim", text(volume, "/persistentVolumeClaim/claimName"));
        }
        for container in containers(pod) {
            for source in container["envFrom"].as_array().into_iter().flatten() {
                need("ConfigMap", text(source, "/configMapRef/name"));
            }
        }
    }
    found
}
