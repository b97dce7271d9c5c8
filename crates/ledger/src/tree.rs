//! The tree: its growing edge, and reading hashes out of tiles.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use bytes::Bytes;
use tlog_tiles::{
    EMPTY_HASH, Error, HASH_SIZE, Hash, HashReader, Tile, check_tree, prove_record, prove_tree, tree_hash,
};

/// Levels of the tree in one tile.
pub const HEIGHT: u8 = 8;
/// Hashes in a complete tile.
const WIDTH: u64 = 1 << HEIGHT;
/// Bytes of a complete tile.
const FULL: usize = (1 << HEIGHT) * HASH_SIZE;

/// Level and number.
pub type TileKey = (u8, u64);
/// Tiles to write, or that were read.
pub type Tiles = BTreeMap<TileKey, Vec<u8>>;

/// Hashes of complete subtrees with 256^`level` leaves in a tree of `size`.
const fn at_level(size: u64, level: u8) -> u64 {
    match size.checked_shr(HEIGHT as u32 * level as u32) {
        Some(count) => count,
        None => 0,
    }
}

/// The tiles of a tree of `size` that are not complete, and how many hashes they have.
pub fn unfinished(size: u64) -> Vec<(TileKey, usize)> {
    (0..HEIGHT)
        .map(|level| (level, at_level(size, level)))
        .filter(|(_, count)| count % WIDTH > 0)
        .map(|(level, count)| ((level, count / WIDTH), usize::try_from(count % WIDTH).unwrap_or_default()))
        .collect()
}

/// The right edge of a tree: what is needed to add to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// Hashes in the tile of each level that is not complete.
    levels: Vec<Vec<u8>>,
}

impl Edge {
    /// The edge of a tree of `size`, whose unfinished tiles are among `tiles`. None when one is missing or too short.
    pub fn restore(size: u64, tiles: &Tiles) -> Option<Self> {
        let mut levels = vec![Vec::new(); usize::from(HEIGHT)];
        for ((level, number), count) in unfinished(size) {
            let tile = tiles.get(&(level, number))?.get(..count * HASH_SIZE)?;
            levels.get_mut(usize::from(level))?.extend_from_slice(tile);
        }
        Some(Self { size, levels })
    }

    /// Leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds leaves' hashes; gives the tiles that are new or have grown.
    pub fn extend(&mut self, leaves: impl IntoIterator<Item = Hash>) -> Tiles {
        self.levels.resize(usize::from(HEIGHT), Vec::new());
        let (mut changed, before) = (Tiles::new(), self.size);
        for leaf in leaves {
            let mut hash = leaf;
            for (level, tile) in (0..HEIGHT).zip(&mut self.levels) {
                tile.extend_from_slice(&hash.0);
                if tile.len() < FULL {
                    break;
                }
                hash = Tile::subtree_hash(tile);
                changed.insert((level, at_level(self.size, level) / WIDTH), std::mem::take(tile));
            }
            self.size += 1;
        }
        for ((level, number), _) in unfinished(self.size) {
            if at_level(before, level) != at_level(self.size, level)
                && let Some(tile) = self.levels.get(usize::from(level))
            {
                changed.insert((level, number), tile.clone());
            }
        }
        changed
    }

    /// The root.
    ///
    /// # Errors
    /// None that an edge has.
    pub fn root(&self) -> Result<Hash, Error> {
        if self.size == 0 {
            return Ok(EMPTY_HASH);
        }
        let tiles = (0..HEIGHT).zip(&self.levels);
        let tiles =
            tiles.map(|(level, tile)| ((level, at_level(self.size, level) / WIDTH), Bytes::copy_from_slice(tile)));
        tree_hash(self.size, &TileHashes(tiles.collect()))
    }
}

/// Reads hashes out of tiles.
pub struct TileHashes(pub HashMap<TileKey, Bytes>);

impl HashReader for TileHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let read = |index: &u64| {
            let tile = Tile::from_index(HEIGHT, *index);
            let key = (tile.level(), tile.level_index());
            let data = self.0.get(&key).ok_or(Error::IndexesNotInTree)?;
            tile.hash_at_index(data, *index)
        };
        indexes.iter().map(read).collect()
    }
}

/// Remembers which hashes were wanted.
#[derive(Default)]
struct Wanted(RefCell<BTreeSet<TileKey>>);

impl HashReader for Wanted {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let tiles = indexes.iter().map(|index| Tile::from_index(HEIGHT, *index));
        self.0.borrow_mut().extend(tiles.map(|tile| (tile.level(), tile.level_index())));
        Ok(vec![Hash::default(); indexes.len()])
    }
}

/// The tiles that a proof is made of that leaf `index` is in the tree of `size`.
///
/// # Errors
/// It cannot be.
pub fn tiles_of_inclusion(index: u64, size: u64) -> Result<BTreeSet<TileKey>, Error> {
    let wanted = Wanted::default();
    prove_record(size, index, &wanted)?;
    Ok(wanted.0.into_inner())
}

/// The tiles that a proof is made of that the tree of `to` continues the one of `from`.
///
/// # Errors
/// It cannot.
pub fn tiles_of_consistency(from: u64, to: u64) -> Result<BTreeSet<TileKey>, Error> {
    let wanted = Wanted::default();
    prove_tree(to, from, &wanted)?;
    Ok(wanted.0.into_inner())
}

/// Whether the tree of `to` leaves with `new` continues the one of `from` leaves with `old`, as `tiles` have it.
///
/// # Errors
/// It does not, or tiles are missing.
pub fn continues(tiles: &TileHashes, (from, old): (u64, Hash), (to, new): (u64, Hash)) -> Result<(), Error> {
    let proof = prove_tree(to, from, tiles)?;
    check_tree(&proof, to, new, from, old)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};
    use tlog_tiles::{check_record, record_hash};

    use super::*;

    /// Behind the greatest power of two that is less than all.
    fn halves(leaves: &[Vec<u8>]) -> (&[Vec<u8>], &[Vec<u8>]) {
        let mut split = 1;
        while split * 2 < leaves.len() {
            split *= 2;
        }
        leaves.split_at(split)
    }

    /// The hash of RFC 6962, section 2.1, word for word and as slowly.
    fn naive(leaves: &[Vec<u8>]) -> [u8; 32] {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => Sha256::new().chain_update([0]).chain_update(leaf).finalize().into(),
            _ => {
                let (left, right) = halves(leaves);
                Sha256::new().chain_update([1]).chain_update(naive(left)).chain_update(naive(right)).finalize().into()
            }
        }
    }

    /// The audit path of RFC 6962, section 2.1.1.
    fn naive_path(index: usize, leaves: &[Vec<u8>]) -> Vec<[u8; 32]> {
        if leaves.len() < 2 {
            return Vec::new();
        }
        let (left, right) = halves(leaves);
        if index < left.len() {
            let mut path = naive_path(index, left);
            path.push(naive(right));
            path
        } else {
            let mut path = naive_path(index - left.len(), right);
            path.push(naive(left));
            path
        }
    }

    fn leaves(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|number| format!("leaf {number}").into_bytes()).collect()
    }

    /// The tree of `leaves`, added in pieces of `step`.
    fn grown(leaves: &[Vec<u8>], step: usize) -> (Edge, TileHashes) {
        let (mut edge, mut tiles) = (Edge::default(), HashMap::new());
        for piece in leaves.chunks(step) {
            let changed = edge.extend(piece.iter().map(|leaf| record_hash(leaf)));
            tiles.extend(changed.into_iter().map(|(key, tile)| (key, Bytes::from(tile))));
        }
        (edge, TileHashes(tiles))
    }

    /// The leaves and roots that the test of RFC 6962's reference implementation has.
    #[test]
    fn known_roots_come_out() {
        let inputs =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves: Vec<Vec<u8>> = inputs.iter().map(|input| hex::decode(input).unwrap()).collect();
        for (size, root) in roots.iter().enumerate() {
            assert_eq!(hex::encode(grown(&leaves[..size], 3).0.root().unwrap().0), *root, "{size}");
            assert_eq!(hex::encode(naive(&leaves[..size])), *root, "{size}");
        }
    }

    #[test]
    fn tiles_grow_and_an_edge_is_restored_at_every_size_around_their_ends() {
        let all = leaves(66_000);
        for size in [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000] {
            let (edge, tiles) = grown(&all[..size], 300);
            let map: Tiles = tiles.0.iter().map(|(key, tile)| (*key, tile.to_vec())).collect();
            let restored = Edge::restore(size as u64, &map).unwrap();
            assert_eq!(restored, edge, "{size}");
            assert_eq!(edge.root().unwrap().0, naive(&all[..size]), "{size}");
            assert!(
                tiles.0.contains_key(&(1, 0)) == (size >= 256) && tiles.0.contains_key(&(2, 0)) == (size >= 65_536)
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn proofs_hold_and_one_flipped_bit_breaks_them(size in 1_usize..1500, step in 1_usize..400, index: u32, older: u32, bit: usize) {
            let all = leaves(size);
            let (edge, tiles) = grown(&all, step);
            let root = edge.root().unwrap();
            prop_assert_eq!(root.0, naive(&all));
            let size = size as u64;
            let index = u64::from(index) % size;
            let leaf = record_hash(&all[usize::try_from(index).unwrap()]);

            let needed = tiles_of_inclusion(index, size).unwrap();
            let few = TileHashes(needed.iter().map(|key| (*key, tiles.0[key].clone())).collect());
            let mut proof = prove_record(size, index, &few).unwrap();
            let path: Vec<[u8; 32]> = proof.iter().map(|hash| hash.0).collect();
            prop_assert_eq!(path, naive_path(usize::try_from(index).unwrap(), &all));
            prop_assert!(check_record(&proof, size, root, index, leaf).is_ok());
            let mut other = leaf;
            other.0[bit % 32] ^= 1 << (bit % 8);
            prop_assert!(check_record(&proof, size, root, index, other).is_err());
            if !proof.is_empty() {
                let at = bit % proof.len();
                proof[at].0[bit % 32] ^= 1 << (bit % 8);
                prop_assert!(check_record(&proof, size, root, index, leaf).is_err());
            }

            let older = u64::from(older) % size + 1;
            let old = Hash(naive(&all[..usize::try_from(older).unwrap()]));
            let needed = tiles_of_consistency(older, size).unwrap();
            let few = TileHashes(needed.iter().map(|key| (*key, tiles.0[key].clone())).collect());
            prop_assert!(continues(&few, (older, old), (size, root)).is_ok());
            let mut forked = old;
            forked.0[bit % 32] ^= 1 << (bit % 8);
            prop_assert!(continues(&few, (older, forked), (size, root)).is_err());
        }
    }
}
