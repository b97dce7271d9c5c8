//! Proofs of a ledger, checked as RFC 6962 has it and with nothing of Souk's.

use std::path::Path;

use data_encoding::BASE64;
use serde_json::Value;
use sha2::{Digest, Sha256};
use souk_tests::client::{Answer, Client};

use super::world::World;

type Hash = [u8; 32];

/// The head of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tree {
    size: u64,
    root: Hash,
}

impl Tree {
    fn of(checkpoint: &str) -> Self {
        let mut lines = checkpoint.lines().skip(1);
        let size = lines.next().and_then(|size| size.parse().ok()).expect("a size");
        Self { size, root: hash_in(lines.next().expect("a root")) }
    }
}

/// What was proven before something happened.
pub struct Proofs {
    tree: Tree,
    /// By position, from 1 on.
    events: Vec<Value>,
    key: String,
    bundle: String,
}

impl Proofs {
    /// Has every event proven, and the history of the plugin, down to `folder`.
    pub async fn taken(world: &World, folder: &Path) -> Self {
        let bundle = folder.join("before.json").to_str().expect("a path").to_owned();
        world.command(&["audit", &world.plugin, "--export", &bundle]);
        let key = world.command(&["ledger", "key"]).trim().to_owned();
        let tree = signed(world).await;
        let events = events(&world.admin, tree.size).await;
        let proofs = Self { tree, events, key, bundle };
        proofs.verify(world, &proofs.bundle);
        proofs
    }

    /// All of it holds as before, and the tree that is signed now continues the one before.
    pub async fn hold(&self, world: &World, folder: &Path) {
        let now = signed(world).await;
        assert!(now.size > self.tree.size, "the erasure is an event, too");
        let path = format!("/ledger/consistency?from={}&to={}", self.tree.size, now.size);
        let answer = world.nobody.get(&path).await.expect("answers").expect(200).expect("is proven");
        assert!(
            continues(self.tree, now, &hashes(&answer.body["proof"])),
            "{} does not continue {:?}",
            answer.text,
            self.tree
        );

        let after = events(&world.admin, self.tree.size).await;
        for (was, is) in self.events.iter().zip(&after) {
            let same = ["index", "leaf", "stream", "streamSalt", "data", "dataSalt", "metadata", "metadataSalt"];
            assert!(same.iter().all(|field| was[field] == is[field]), "{was} became {is}");
        }
        let bundle = folder.join("after.json").to_str().expect("a path").to_owned();
        world.command(&["audit", &world.plugin, "--export", &bundle]);
        self.verify(world, &self.bundle);
        self.verify(world, &bundle);
    }

    fn verify(&self, world: &World, bundle: &str) {
        let output = world.command(&["audit", "verify", bundle, "--key", &self.key, "--tiles", world.nobody.base()]);
        assert!(!output.contains("REFUSED"), "{output}");
    }
}

/// The tree once all that was recorded until now is in it and signed.
async fn signed(world: &World) -> Tree {
    let head = world.head().await;
    let size = |answer: &Answer| answer.text.lines().nth(1).and_then(|size| size.parse().ok());
    let signed = world.nobody.until("!/ledger/checkpoint", |answer| size(answer) >= Some(head)).await;
    Tree::of(&signed.expect("is signed").text)
}

/// The proof of each of the first `count` events, each checked with the bytes that it tells.
async fn events(admin: &Client, count: u64) -> Vec<Value> {
    let mut events = Vec::new();
    for position in 1..=count {
        let path = format!("/events/{position}/proof");
        let proof = admin.get(&path).await.expect("answers").expect(200).expect("is proven").body;
        let bytes = |field: &str| BASE64.decode(proof[field].as_str().expect("bytes").as_bytes()).expect("base64");
        let leaf = bytes("leaf");
        let told: Value = serde_json::from_slice(&leaf).expect("JSON");
        for part in ["data", "metadata"] {
            let salted = [bytes(&format!("{part}Salt")), bytes(part)].concat();
            assert_eq!(told[part], hex::encode(Sha256::digest(salted)), "position {position}");
        }
        let tree = Tree::of(proof["checkpoint"].as_str().expect("a checkpoint"));
        let index = proof["index"].as_u64().expect("an index");
        assert!(includes(tree, index, &leaf, &hashes(&proof["inclusionProof"])), "position {position}: {proof}");
        events.push(proof);
    }
    events
}

fn hash_in(text: &str) -> Hash {
    BASE64.decode(text.as_bytes()).expect("base64").try_into().expect("a hash")
}

fn hashes(list: &Value) -> Vec<Hash> {
    list.as_array().expect("a list").iter().map(|hash| hash_in(hash.as_str().expect("a hash"))).collect()
}

fn node(left: Hash, right: Hash) -> Hash {
    Sha256::digest([&[1_u8][..], &left, &right].concat()).into()
}

/// Both one level up; past levels at which the last of them stands alone where `alone`.
fn climb(at: &mut u64, last: &mut u64, alone: bool) {
    while alone && *at & 1 == 0 && *at != 0 {
        (*at, *last) = (*at >> 1, *last >> 1);
    }
    (*at, *last) = (*at >> 1, *last >> 1);
}

/// RFC 9162, section 2.1.3.2.
fn includes(tree: Tree, index: u64, leaf: &[u8], proof: &[Hash]) -> bool {
    let (mut at, mut last) = (index, tree.size - 1);
    let mut hash: Hash = Sha256::digest([&[0_u8][..], leaf].concat()).into();
    for other in proof {
        if last == 0 {
            return false;
        }
        let right = at & 1 == 1 || at == last;
        hash = if right { node(*other, hash) } else { node(hash, *other) };
        climb(&mut at, &mut last, right);
    }
    index < tree.size && last == 0 && hash == tree.root
}

/// RFC 9162, section 2.1.4.2.
fn continues(old: Tree, new: Tree, proof: &[Hash]) -> bool {
    if old.size == new.size {
        return proof.is_empty() && old.root == new.root;
    }
    let mut proof = proof.iter().copied();
    let first = if old.size.is_power_of_two() { Some(old.root) } else { proof.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old.size - 1, new.size - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut was, mut is) = (first, first);
    for other in proof {
        if last == 0 {
            return false;
        }
        let right = at & 1 == 1 || at == last;
        if right {
            was = node(other, was);
        }
        is = if right { node(other, is) } else { node(is, other) };
        climb(&mut at, &mut last, right);
    }
    last == 0 && was == old.root && is == new.root
}

#[test]
fn a_proof_of_something_else_is_none() {
    let leaf = |number: u8| -> Hash { Sha256::digest([0_u8, number]).into() };
    let (a, b, c) = (leaf(1), leaf(2), leaf(3));
    let old = Tree { size: 2, root: node(a, b) };
    let new = Tree { size: 3, root: node(node(a, b), c) };
    assert!(includes(new, 0, &[1], &[b, c]) && includes(new, 2, &[3], &[node(a, b)]));
    assert!(!includes(new, 0, &[2], &[b, c]) && !includes(new, 1, &[1], &[b, c]) && !includes(new, 0, &[1], &[b]));
    assert!(continues(old, new, &[c]) && continues(old, old, &[]));
    assert!(continues(
        Tree { size: 3, ..new },
        Tree { size: 4, root: node(node(a, b), node(c, a)) },
        &[c, a, node(a, b)]
    ));
    let other = Tree { size: 2, root: node(a, c) };
    assert!(!continues(other, new, &[c]) && !continues(old, new, &[a]) && !continues(old, new, &[]));
}
