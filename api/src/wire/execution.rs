//! Executions.

use serde::Serialize;
use serde_json::value::RawValue;
use souk_app::executions;
use souk_domain::execution::{self, State};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;

/// What a run took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Most memory at any time, bytes.
    pub memory_bytes: u64,
    /// Time on a processor, ms.
    pub cpu_ms: u64,
}

/// Why an execution failed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionError {
    /// Stable, snake case.
    #[schema(example = "time_exceeded")]
    pub code: String,
    /// Whose fault it is: `plugin`, `caller` or `platform`. Only the plugin's moves its reliability.
    #[schema(value_type = String, example = "plugin")]
    pub fault: execution::Fault,
}

/// One run of a plugin.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Which.
    pub execution_id: Uuid,
    /// `running`, `succeeded` or `failed`.
    #[schema(example = "succeeded")]
    pub status: &'static str,
    /// Which version ran.
    #[schema(example = "1.0.0")]
    pub version: String,
    /// What it answered; null while it runs, when it failed, and a day after it was asked for.
    #[schema(value_type = Option<Object>)]
    pub output: Option<Box<RawValue>>,
    /// The confidence of the version's validation, 0 to 100.
    pub confidence: Option<u8>,
    /// Wall time, ms; null while it runs.
    pub duration_ms: Option<u64>,
    /// What it took; null while it runs.
    pub usage: Option<Usage>,
    /// Why it failed; null unless it did.
    pub error: Option<ExecutionError>,
}

impl TryFrom<executions::Executed> for Execution {
    type Error = ApiError;

    fn try_from(executed: executions::Executed) -> Result<Self, ApiError> {
        let executions::Executed { id, state, output, confidence, .. } = executed;
        let Some(execution) = state.execution() else { return Err(ApiError::not_found("this execution")) };
        let output = output.map(RawValue::from_string).transpose();
        let (status, usage, error) = match &*state {
            State::Absent | State::Running(_) => ("running", None, None),
            State::Succeeded(_, success) => ("succeeded", Some(success.usage), None),
            State::Failed(_, failure) => {
                let error = ExecutionError { code: failure.code.clone(), fault: failure.fault };
                ("failed", Some(failure.usage), Some(error))
            }
        };
        Ok(Self {
            execution_id: id.uuid(),
            status,
            version: execution.version.to_string(),
            output: output.map_err(|error| ApiError::internal(&format!("the output of {id} is no JSON: {error}")))?,
            confidence,
            duration_ms: usage.map(|usage| usage.duration_ms),
            usage: usage.map(|usage| Usage { memory_bytes: usage.memory_bytes, cpu_ms: usage.cpu_ms }),
            error,
        })
    }
}
