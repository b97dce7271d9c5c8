//! First `souk serve` on an empty directory, to ready.

use souk_embedded_postgres::testing;

use super::{
    measure::{Budget, Row},
    process::Server,
};
use crate::{failure::Failure, output::note};

/// Starts in `repetitions` empty directories, one after the other.
///
/// # Errors
/// Souk does not start.
pub async fn measure(repetitions: u8) -> Result<Option<Row>, Failure> {
    note("measuring: first start");
    let mut values = Vec::new();
    for _ in 0..repetitions {
        let directory = testing::data_dir();
        let server = Server::souk(directory.path()).await?;
        values.push(server.start.as_secs_f64());
        server.stop().await?;
    }
    let row = Row::plain("first `souk serve` on an empty directory, to ready", "s", &values, Budget::Under(5.0));
    Ok(row.map(|row| row.with_note("PostgreSQL's programs were there; with `initdb`, migration and the ready line")))
}
