//! Two independent runs of the same samples, compared.

use serde::{Deserialize, Serialize};

/// How far two runs of a version's samples agreed. A discrepancy was tried once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CrossCheck {
    /// Samples that were run.
    pub samples: u32,
    /// The consensus of each attempt, the last one counts; thousandths, 0 to 1,000.
    pub attempts: Vec<u16>,
}

impl CrossCheck {
    /// At most this consensus is a discrepancy, thousandths.
    pub const DISCREPANCY: u16 = 700;

    /// The consensus that counts, thousandths.
    #[must_use]
    pub fn consensus(&self) -> u16 {
        self.attempts.last().copied().unwrap_or_default()
    }

    /// Whether the runs did not agree in the end.
    #[must_use]
    pub fn is_discrepant(&self) -> bool {
        self.consensus() <= Self::DISCREPANCY
    }

    /// Points by which it moves reliability: above 0.95 2, above 0.9 1, above 0.8 0, above 0.7 -1, else -2.
    #[must_use]
    pub fn points(&self) -> i64 {
        match self.consensus() {
            951.. => 2,
            901..=950 => 1,
            801..=900 => 0,
            701..=800 => -1,
            0..=700 => -2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_attempt_counts() {
        for (consensus, points) in
            [(1_000, 2), (951, 2), (950, 1), (901, 1), (900, 0), (801, 0), (800, -1), (701, -1), (700, -2), (0, -2)]
        {
            let check = CrossCheck { samples: 3, attempts: vec![100, consensus] };
            assert_eq!((check.points(), check.is_discrepant()), (points, consensus <= 700), "{consensus}");
        }
        assert_eq!(CrossCheck { samples: 1, attempts: vec![1_000, 0] }.points(), -2);
    }
}
