//! Making the new generations the live ones.

use souk_ports::Position;
use sqlx::PgConnection;

use super::{
    Milestone, Phase, Rebuild, RebuildOptions,
    level::{Building, lock_checkpoints},
    meter::Meter,
};
use crate::{Generation, ProjectorError};

impl Rebuild {
    /// Swaps all of `buildings`, or none. While the checkpoints are locked nothing is folded, so this is kept short: the new
    /// generations have caught up before.
    pub(super) async fn swap(
        &self,
        buildings: &mut [Building],
        options: &RebuildOptions,
        meter: &Meter,
    ) -> Result<(), ProjectorError> {
        buildings.sort_by(|left, right| left.generation().projection.cmp(&right.generation().projection));
        meter.phase(Phase::CatchingUp);
        for building in buildings.iter_mut() {
            self.catch_up(building, Position::MAX, meter).await?;
        }
        meter.phase(Phase::Swapping);
        let mut tx = souk_transaction::begin(&self.pool).await?;
        for building in buildings.iter_mut() {
            let live = lock_checkpoints(&mut tx, building.live_generation()).await?;
            // A position in another log means nothing.
            let highest = if building.apart { None } else { live.into_iter().max() };
            self.catch_up(building, highest.unwrap_or(0).max(building.last()), meter).await?;
        }
        for building in buildings.iter() {
            let live = lock_checkpoints(&mut tx, building.live_generation()).await?;
            let own = lock_checkpoints(&mut tx, building.generation()).await?;
            if !building.apart && own.iter().min() < live.iter().max() {
                return Err(ProjectorError::NeverLevel(building.generation().projection.clone()));
            }
            set_state(&mut tx, building.live_generation(), false).await?;
            set_state(&mut tx, building.generation(), true).await?;
        }
        // With it ends what a restarted process would go on with.
        meter.swapped(&mut tx).await?;
        (options.on_milestone)(Milestone::Swapping).await;
        tx.commit().await?;
        for building in buildings.iter() {
            tracing::info!(
                projection = building.generation().projection,
                generation = building.generation().generation,
                position = building.last(),
                "a rebuilt generation is live"
            );
        }
        Ok(())
    }
}

/// Writing the checkpoints anew makes a flush that waits for them see that the generation changed.
async fn set_state(connection: &mut PgConnection, generation: &Generation, live: bool) -> Result<(), ProjectorError> {
    let sql = if live {
        "UPDATE souk_ops.projection_generation SET state = 'live', live_at = now() \
         WHERE projection = $1 AND generation = $2 AND state = 'building'"
    } else {
        "UPDATE souk_ops.projection_generation SET state = 'retired', retired_at = now() \
         WHERE projection = $1 AND generation = $2 AND state = 'live'"
    };
    let changed =
        sqlx::query(sql).bind(&generation.projection).bind(generation.generation).execute(&mut *connection).await?;
    if changed.rows_affected() != 1 {
        let Generation { projection, generation, .. } = generation.clone();
        return Err(ProjectorError::Interfered { projection, generation });
    }
    sqlx::query("UPDATE souk_ops.projection_checkpoint SET live = $3 WHERE projection = $1 AND generation = $2")
        .bind(&generation.projection)
        .bind(generation.generation)
        .bind(live)
        .execute(connection)
        .await?;
    Ok(())
}
