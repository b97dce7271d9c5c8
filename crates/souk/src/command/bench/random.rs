//! Numbers that look random and are the same in every run, so that two runs measure the same work.

use uuid::Uuid;

/// A sequence of numbers (SplitMix64).
#[derive(Clone)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence that `seed` names.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Less than `end`, which is not 0.
    pub const fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// At least 0, less than 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A UUID of random bits.
    pub fn uuid(&mut self) -> Uuid {
        let bits = u128::from(self.next()) << 64 | u128::from(self.next());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }
}

/// Zipf's law with exponent 1 over ranks from 0: rank r is drawn in proportion to 1 / (r + 1), or, when the first `missing`
/// ranks are left out, to 1 / (r + 1 + missing).
pub struct Zipf {
    missing: usize,
    cumulated: Vec<f64>,
}

impl Zipf {
    /// Over `ranks` ranks, at least one.
    pub fn new(ranks: usize) -> Self {
        Self::without(0, ranks)
    }

    /// Over `ranks` ranks, at least one, behind the first `missing`.
    pub fn without(missing: usize, ranks: usize) -> Self {
        let mut sum = 0.0;
        let weights = (1..=ranks.max(1)).map(|rank| {
            sum += 1.0 / (rank + missing) as f64;
            sum
        });
        Self { missing, cumulated: weights.collect() }
    }

    /// A rank.
    pub fn draw(&self, sequence: &mut Sequence) -> usize {
        let total = self.cumulated.last().copied().unwrap_or(1.0);
        let point = sequence.share() * total;
        self.cumulated.partition_point(|sum| *sum <= point).min(self.cumulated.len() - 1)
    }

    /// All ranks, in the order in which draws without putting back give them.
    pub fn order(&self, sequence: &mut Sequence) -> Vec<u32> {
        // The first arrival of a Poisson process whose rate is the weight: the earliest arrivals are the draws.
        let mut arrivals: Vec<(f64, u32)> = (0_u32..)
            .take(self.cumulated.len())
            .map(|rank| (-(1.0 - sequence.share()).ln() * (f64::from(rank + 1) + self.missing as f64), rank))
            .collect();
        arrivals.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        arrivals.into_iter().map(|(_, rank)| rank).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_repeats_itself() {
        let (mut one, mut other) = (Sequence::new(7), Sequence::new(7));
        assert_eq!(one.uuid(), other.uuid());
        assert_ne!(one.next(), Sequence::new(8).next());
    }

    #[test]
    fn the_first_rank_is_drawn_twice_as_often_as_the_second() {
        let (zipf, mut sequence) = (Zipf::new(100), Sequence::new(1));
        let mut counts = [0_u32; 100];
        for _ in 0..100_000 {
            counts[zipf.draw(&mut sequence)] += 1;
        }
        assert!((1.8..2.2).contains(&(f64::from(counts[0]) / f64::from(counts[1]))));
        assert!(counts.iter().all(|count| *count > 0));
    }

    #[test]
    fn an_order_holds_every_rank_once_and_popular_ones_early() {
        let order = Zipf::new(1_000).order(&mut Sequence::new(3));
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1_000).collect::<Vec<_>>());
        assert!(order.iter().position(|rank| *rank == 0) < Some(50));
    }
}
