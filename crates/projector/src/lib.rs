//! Folds events into read models exactly once, and rebuilds them.
//!
//! A [`Projection`] is a pure fold that collects [`Changes`], and one flush that writes them. The [`Runner`] follows the feed
//! and writes the checkpoint in the transaction of the flush. A [`Rebuild`] fills a new generation from the log and swaps it
//! in. A [`Reader`] hands out connections that see one generation of each projection.

mod apply;
mod batch;
mod checkpoint;
mod envelope;
mod error;
mod follower;
mod generation;
mod joint;
mod memo;
mod pace;
mod poison;
mod projection;
mod reader;
mod rebuild;
mod runner;
mod status;
mod tables;
mod watermark;

pub use batch::Values;
pub use envelope::{Decoder, Envelope};
pub use error::ProjectorError;
pub use generation::{Generation, discard_abandoned, housekeeping, migrate};
pub use poison::{Poison, poisons, retry, skip};
pub use projection::{Changes, Projection};
pub use reader::{Behind, Foresight, ReadError, ReadGuard, Reader, ReaderOptions, Sight};
pub use rebuild::{
    ColumnDifference, Difference, Interrupted, Milestone, Phase, ProjectionReport, Rebuild, RebuildOptions,
    RebuildOutcome, RebuildProgress, Sum, TableReport, cancel, interrupted, sums,
};
pub use runner::{Runner, RunnerOptions, Wake};
pub use status::{PoisonStatus, ProjectionStatus, RunningRebuild, State, status};
pub use tables::Tables;
