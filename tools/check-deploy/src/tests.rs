//! The files of this repository are right, and each planted fault is found.

use std::path::Path;

use serde_json::{Value, json};

use crate::{check, compose, documents, kubernetes, manifests};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn ours() -> Vec<(String, Value)> {
    manifests(&root().join("deploy/kubernetes")).unwrap()
}

/// What is found when the object of this kind and name is changed by `plant`.
fn planted(kind: &str, name: &str, plant: impl Fn(&mut Value)) -> Vec<String> {
    let mut all = ours();
    let wanted = |(_, object): &&mut (String, Value)| object["kind"] == kind && object["metadata"]["name"] == name;
    let (_, object) = all.iter_mut().find(wanted).unwrap();
    plant(object);
    kubernetes::faults(&all)
}

fn set(pointer: &'static str, value: Value) -> impl Fn(&mut Value) {
    move |object| match object.pointer_mut(pointer) {
        Some(there) => *there = value.clone(),
        None => {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            object.pointer_mut(parent).unwrap()[name] = value.clone();
        }
    }
}

fn remove(pointer: &'static str) -> impl Fn(&mut Value) {
    move |object| {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    }
}

#[test]
fn ours_are_right() {
    let (faults, _) = check(root()).unwrap();
    assert_eq!(faults, Vec::<String>::new());
}

/// A change, and what must be said of it.
type Plant = (Box<dyn Fn(&mut Value)>, &'static str);

#[test]
fn every_planted_fault_of_a_deployment_is_found() {
    let plants: Vec<Plant> = vec![
        // The schema.
        (
            Box::new(set("/spec/template/spec/containers/0/resouces", json!({}))),
            "containers[0].resouces: unknown field",
        ),
        (Box::new(set("/spec/repicas", json!(2))), "spec.repicas: unknown field"),
        (Box::new(set("/spec/replicas", json!("two"))), "spec.replicas: \"two\": expected \"integer\""),
        (
            Box::new(set("/spec/replicas", json!(3_000_000_000_u32))),
            "spec.replicas: 3000000000: expected a number of 32",
        ),
        (Box::new(remove("/spec/selector")), "spec.selector: missing"),
        (Box::new(remove("/spec/template/spec/containers")), "spec.template.spec.containers: missing"),
        (Box::new(set("/spec/template/spec/containers/0/args", json!("relay"))), "args: \"relay\": expected \"array\""),
        (
            Box::new(set("/spec/template/spec/containers/0/readinessProbe/httpGet/port", json!(true))),
            "port: true: expected",
        ),
        (Box::new(set("/spec/template/metadata/labels/x", json!(1))), "labels.x: 1: expected \"string\""),
        (Box::new(set("/apiVersion", json!("apps/v1beta1"))), "is no kind"),
        // The house.
        (Box::new(set("/metadata/namespace", json!("default"))), "metadata.namespace: expected souk"),
        (Box::new(remove("/spec/template/spec/containers/0/livenessProbe")), "livenessProbe: expected to ask /health"),
        (Box::new(set("/spec/template/spec/containers/0/image", json!("souk:latest"))), "not the latest"),
        (Box::new(set("/spec/template/spec/containers/0/image", json!("host:5000/souk"))), "not the latest"),
        (
            Box::new(remove("/spec/template/spec/containers/0/resources/limits/memory")),
            "resources.limits.memory: missing",
        ),
        (Box::new(remove("/spec/template/spec/securityContext/runAsNonRoot")), "securityContext.runAsNonRoot"),
        (
            Box::new(set("/spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem", json!(false))),
            "securityContext.readOnlyRootFilesystem: expected true",
        ),
        (
            Box::new(set(
                "/spec/template/spec/containers/0/env/0",
                json!({"name": "DATABASE_URL", "value": "postgres://"}),
            )),
            "env DATABASE_URL: expected a reference to a secret",
        ),
        (Box::new(set("/spec/replicas", json!(1))), "expected two replicas or more"),
        (Box::new(set("/spec/template/metadata/labels/app.kubernetes.io~1component", json!("x"))), "its own pods"),
        (Box::new(set("/spec/template/spec/serviceAccountName", json!("other"))), "ServiceAccount \"other\""),
    ];
    for (plant, says) in plants {
        let found = planted("Deployment", "souk-relay", plant);
        assert!(found.iter().any(|fault| fault.contains(says)), "{says} is not among {found:#?}");
    }
}

#[test]
fn every_planted_fault_of_other_kinds_is_found() {
    let plants: Vec<(&str, &str, Plant)> = vec![
        ("Service", "souk", (Box::new(set("/spec/ports/0/port", json!("80"))), "port: \"80\": expected \"integer\"")),
        ("Service", "souk", (Box::new(set("/spec/selector", json!({"app": "x"}))), "Service souk: selects no pod")),
        ("PodDisruptionBudget", "souk-api", (Box::new(set("/spec/minAvailabel", json!(1))), "unknown field")),
        ("PodDisruptionBudget", "souk-api", (Box::new(remove("/spec/selector")), "no PodDisruptionBudget")),
        ("NetworkPolicy", "default-deny", (Box::new(set("/spec/egress", json!([{}]))), "denies everything")),
        ("NetworkPolicy", "api", (Box::new(set("/spec/policyType", json!([]))), "policyType: unknown field")),
        ("Job", "souk-migrate", (Box::new(remove("/spec/template")), "spec.template: missing")),
        ("HorizontalPodAutoscaler", "souk-api", (Box::new(remove("/spec/maxReplicas")), "maxReplicas: missing")),
        ("ConfigMap", "souk", (Box::new(set("/data/X", json!(6))), "data.X: 6: expected \"string\"")),
        ("PersistentVolumeClaim", "souk-artifacts", (Box::new(set("/metadata/name", json!("y"))), "which is nowhere")),
    ];
    for (kind, name, (plant, says)) in plants {
        let found = planted(kind, name, plant);
        assert!(found.iter().any(|fault| fault.contains(says)), "{kind} {name}: {says} is not among {found:#?}");
    }
    let mut more = ours();
    more.push((
        "forgotten.yaml".to_owned(),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}),
    ));
    assert!(kubernetes::faults(&more).iter().any(|fault| fault.contains("forgotten.yaml is not in resources")));
}

#[test]
fn every_planted_fault_of_the_compose_file_is_found() {
    let text = std::fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let ours = documents(&text).unwrap().remove(0);
    let plants: Vec<Plant> = vec![
        (Box::new(set("/services/api/comand", json!([]))), "services.api.comand: unknown key"),
        (Box::new(set("/services/api/read_only", json!("yes"))), "read_only: \"yes\": expected true or false"),
        (Box::new(set("/services/api/environment/SOUK_X", json!(6))), "expected names and texts"),
        (Box::new(set("/services/api/environment/SOUK_KEK", json!("00"))), "environment.SOUK_KEK: expected ${"),
        (Box::new(set("/services/api/depends_on/nobody", json!({}))), "depends_on.nobody: there is no such service"),
        (
            Box::new(set("/services/api/depends_on/postgres/condition", json!("healthy"))),
            "expected one of service_started",
        ),
        (Box::new(remove("/services/postgres/healthcheck")), "can never be healthy"),
        (Box::new(set("/services/migrate/restart", json!("always"))), "never completes"),
        (Box::new(remove("/volumes/souk-data")), "souk-data is not declared"),
        (Box::new(set("/services/kafka/image", json!("apache/kafka"))), "expected a version"),
        (Box::new(set("/services/api/ports", json!(["8080:8080"]))), "published on 127.0.0.1"),
        (Box::new(set("/services/api/healthcheck/interval", json!("10"))), "expected a time"),
        (Box::new(set("/services/relay/cap_drop", json!([]))), "cap_drop"),
        (Box::new(set("/services/api/working_dir", json!("${HERE}"))), "${HERE}: expected a default"),
    ];
    for (plant, says) in plants {
        let mut changed = ours.clone();
        plant(&mut changed);
        let found = compose::faults(&changed);
        assert!(found.iter().any(|fault| fault.contains(says)), "{says} is not among {found:#?}");
    }
}

#[test]
fn a_key_that_is_given_twice_is_refused() {
    assert!(documents("a: 1\na: 2\n").is_err());
}
