//! An execution whose process died is ended.

use std::time::Duration;

use async_trait::async_trait;
use souk_domain::id::ExecutionId;

use super::{Cause, Reaction};
use crate::{App, AppError, executions};

/// How long an execution may be under way: longer than it may wait, compile and run.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct LostExecutions;

#[async_trait]
impl Reaction for LostExecutions {
    fn name(&self) -> &'static str {
        "lost-executions"
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == "execution.started"
    }

    fn delay(&self, _: &App) -> Duration {
        PATIENCE
    }

    fn at_once(&self) -> usize {
        16
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        executions::abandon(app, &cause.ctx, ExecutionId::new(cause.recorded.stream.uuid)).await
    }
}
