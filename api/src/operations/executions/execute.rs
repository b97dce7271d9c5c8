//! `POST /plugins/{plugin}/execute`

use axum::{extract::State, http::StatusCode};
use semver::Version;
use serde::Deserialize;
use serde_json::{Value, json};
use souk_app::executions::{self, Execute, Executed};
use souk_domain::execution::{self, Failure, Fault, Mode};
use souk_ports::{Position, sandbox::SandboxError};
use utoipa::ToSchema;

use crate::{
    Api,
    answer::Written,
    error::ApiError,
    extract::{JsonBody, PathParams, SignedIn},
    operations::shared::{named, soon},
    wire::execution::Execution,
};

/// What to run, and with what.
#[derive(Deserialize, ToSchema)]
pub struct ExecuteBody {
    /// What the plugin is given, any JSON.
    #[schema(value_type = Object)]
    input: Value,
    /// Which version; the installed one when absent.
    #[schema(value_type = Option<String>, example = "1.0.0")]
    version: Option<Version>,
    /// `sync` waits for the answer; `async` answers at once, and `GET /plugins/{plugin}/status` tells what came of it.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "sync")]
    mode: Mode,
}

/// Runs a plugin that the caller has installed, in a sandbox.
///
/// It gets what its manifest declares and the operator grants, and nothing else. A plugin that fails is 422 `execution_failed`; `details`
/// say why and whose fault it is, and `pluginCode` is the plugin's own code where it failed by itself. When the fault is the plugin's,
/// `reliabilityImpact` says by how many points that moved its reliability.
#[utoipa::path(post, path = "/plugins/{plugin}/execute", tag = "executions", request_body = ExecuteBody,
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 200, description = "It answered", body = Execution),
        (status = 202, description = "It runs", body = Execution)))]
pub async fn execute_plugin(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(plugin): PathParams<String>,
    JsonBody(body): JsonBody<ExecuteBody>,
) -> Result<Written<Execution>, ApiError> {
    let asked = Execute { input: body.input, version: body.version, mode: body.mode };
    let done = executions::execute(&api.app, &who.context, &named(&api, &plugin), asked).await?;
    let position = done.position;
    if let Some(failure) = failure(&done.value) {
        let impact = impact(&api, &done.value.state, position).await;
        return Err(failure.with_reliability_impact(impact));
    }
    let running = matches!(*done.value.state, execution::State::Running(_));
    let body = Execution::try_from(done.value)?;
    Ok(if running { Written::accepted(position, body) } else { Written::ok(position, body) })
}

/// By how many points a failure that was recorded at `position` moved the plugin's reliability; none where it is not the plugin's.
/// It is told and decides nothing, so a read model that is slow only leaves it out.
async fn impact(api: &Api, state: &execution::State, position: Position) -> Option<i64> {
    let execution::State::Failed(execution, Failure { fault: Fault::Plugin, .. }) = state else { return None };
    api.reads.failure_impact(soon(position), execution.plugin_id.uuid()).await.ok().flatten()
}

/// What a failed execution is answered with.
fn failure(executed: &Executed) -> Option<ApiError> {
    let execution::State::Failed(_, failure) = &*executed.state else { return None };
    let problem = executed.problem.as_ref().map_or_else(|| failure.code.clone(), ToString::to_string);
    let plugin_code = match &executed.problem {
        Some(SandboxError::Plugin { code, .. }) => Some(code),
        _ => None,
    };
    let details = json!({
        "executionId": executed.id,
        "reason": failure.code,
        "pluginCode": plugin_code,
        "fault": failure.fault,
        "durationMs": failure.usage.duration_ms,
        "usage": { "memoryBytes": failure.usage.memory_bytes, "cpuMs": failure.usage.cpu_ms },
    });
    let error = match failure.fault {
        Fault::Plugin | Fault::Caller => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "execution_failed", format!("it did not answer: {problem}"))
        }
        Fault::Platform => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "execution_failed",
            format!("it could not be run: {problem}; ask again"),
        )
        .retry_after(2),
    };
    Some(error.with_details(details))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use souk_ports::sandbox::SandboxError;

    use crate::testing::World;

    #[tokio::test]
    async fn who_installed_it_runs_it() {
        let world = World::new();
        world.seller("acme").await.runnable("adder", "1.0.0").await;
        let ada = world.person("ada").await;
        let path = "/plugins/adder/execute";
        let refused = ada.post(path, json!({"input": {"n": 1}})).await;
        assert_eq!((refused.status, refused.code()), (403, "not_entitled"), "{}", refused.body);
        assert_eq!(world.nobody().post(path, json!({"input": 1})).await.status, 401);
        ada.post("/plugins/adder/install", json!({})).await;
        let answer = ada.post(path, json!({"input": {"n": 1}})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!((&answer.body["output"], &answer.body["status"]), (&json!({"n": 1}), &json!("succeeded")));
        assert_eq!(answer.body["usage"], json!({"memoryBytes": 65_536, "cpuMs": 3}));
        assert_eq!((&answer.body["durationMs"], &answer.body["version"]), (&json!(5), &json!("1.0.0")));
        assert!(answer.body["executionId"].is_string());
        assert_eq!((world.count("execution.started"), world.count("execution.succeeded")), (1, 1));
        let stored: Vec<_> = world.memory.events().into_iter().map(|event| event.data).collect();
        assert!(!stored.iter().any(|data| data.windows(7).any(|part| part == b"{\"n\":1}")), "inputs are no events");
    }

    #[tokio::test]
    async fn a_repeated_request_runs_once() {
        let world = World::new();
        world.seller("acme").await.runnable("adder", "1.0.0").await;
        let ada = world.person("ada").await;
        ada.post("/plugins/adder/install", json!({})).await;
        let keyed = ada.header("idempotency-key", "one");
        let first = keyed.post("/plugins/adder/execute", json!({"input": 1})).await;
        let again = keyed.post("/plugins/adder/execute", json!({"input": 1})).await;
        assert_eq!((first.status, &first.body), (again.status, &again.body));
        assert_eq!(world.sandbox.runs(), 1);
    }

    #[tokio::test]
    async fn failures_say_whose_fault_they_are() {
        let world = World::new();
        world.seller("acme").await.runnable("adder", "1.0.0").await;
        let ada = world.person("ada").await;
        ada.post("/plugins/adder/install", json!({})).await;
        let failed = |code: &str| SandboxError::Plugin { code: code.to_owned(), message: "no number".to_owned() };
        for (error, status, reason, own, fault) in [
            (SandboxError::TimeExceeded, 422, "time_exceeded", None, "plugin"),
            (failed("invalid_input"), 422, "plugin_failed", Some("invalid_input"), "caller"),
            (failed("out_of_luck"), 422, "plugin_failed", Some("out_of_luck"), "plugin"),
            (SandboxError::QueueFull, 503, "queue_full", None, "platform"),
        ] {
            world.sandbox.answer(move |_| Err(error.clone()));
            let answer = ada.post("/plugins/adder/execute", json!({"input": 1})).await;
            assert_eq!((answer.status, answer.code()), (status, "execution_failed"), "{}", answer.body);
            let details = &answer.body["error"]["details"];
            assert_eq!((&details["reason"], &details["fault"]), (&json!(reason), &json!(fault)));
            assert_eq!(details["pluginCode"], json!(own));
            assert!(details["executionId"].is_string());
            // The stand-in for the read model says that any failure costs two points.
            let impact = if fault == "plugin" { json!(-2) } else { json!(null) };
            assert_eq!(answer.body["error"]["reliabilityImpact"], impact, "{}", answer.body);
        }
        assert_eq!(world.count("execution.failed"), 4);
    }

    #[tokio::test]
    async fn what_cannot_run_is_refused() {
        let world = World::new();
        let seller = world.seller("acme").await;
        seller.runnable("adder", "1.0.0").await;
        seller.published("text", "1.0.0").await;
        let ada = world.person("ada").await;
        for plugin in ["adder", "text"] {
            ada.post(&format!("/plugins/{plugin}/install"), json!({})).await;
        }
        for (plugin, body, status, code) in [
            ("unknown", json!({"input": 1}), 404, "not_found"),
            ("text", json!({"input": 1}), 409, "conflict"),
            ("adder", json!({"input": 1, "version": "9.0.0"}), 404, "not_found"),
            ("adder", json!({"input": 1, "version": "one"}), 422, "validation_failed"),
            ("adder", json!({"input": 1, "mode": "later"}), 422, "validation_failed"),
            ("adder", json!({}), 422, "validation_failed"),
        ] {
            let answer = ada.post(&format!("/plugins/{plugin}/execute"), body).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{plugin}: {}", answer.body);
        }
        assert_eq!(world.sandbox.runs(), 0);
    }
}
