//! [`Exchange`]: operators that decide over all samples, after the last one.
//!
//! They work in two passes. In the first, any thread takes the *key* of each
//! sample: the little that the decision needs (band hashes, a number to sort
//! by, a value to group by). The samples wait on disk. Then one call decides
//! over all keys, and in the second pass the samples go on as decided.

use serde_json::{Map, Value};
use wrasse_core::{Origin, Sample};

use crate::OpError;

/// Decides over all samples of a run.
///
/// # Contract
///
/// * **Pure.** A key depends on the sample and the parameters, the decision on
///   the keys and their order only. (A resumed run takes all keys anew.)
/// * **Bounded.** [`Exchange::decide`] holds little for each sample, scans the
///   keys again rather than keeping them, and says in its documentation how
///   much it holds.
///
/// `wrasse-ops/src/selector/topk_specified_field_selector.rs` is a short
/// example.
pub trait Exchange: Send + Sync + 'static {
    /// Appends the key of a sample to `key`, which comes empty.
    ///
    /// # Errors
    ///
    /// If this sample has none: it becomes a reject and takes no part.
    fn key(&self, sample: &mut Sample, key: &mut Vec<u8>) -> Result<(), OpError>;

    /// Decides what becomes of the samples, with about `memory` bytes to use
    /// beyond a few for each sample.
    ///
    /// # Errors
    ///
    /// If the keys cannot be read, or make no sense: the run ends.
    fn decide(&self, keys: &dyn Keys, memory: usize) -> Result<Decision, OpError>;

    /// How to decide where keys lie on many machines. Without it, all keys come
    /// to one: give it to an operator whose keys are more than some ten bytes.
    fn spread(&self) -> Option<&dyn Spread> {
        None
    }

    /// A [`Rewrite`] of this operator's, from the bytes that [`Rewrite::pack`] made
    /// of it.
    ///
    /// # Errors
    ///
    /// If the bytes are not such, or it decides otherwise than by rewriting.
    fn unpack_rewrite(&self, _packed: &[u8]) -> Result<Box<dyn Rewrite>, OpError> {
        Err(OpError::fatal("it does not rewrite samples"))
    }
}

/// Decides as [`Exchange::decide`] does, over keys that never come together:
/// each is cut into pieces where it is taken, pieces of one *shard* are weighed
/// together, and the decision is made of what was found in each.
///
/// # Contract
///
/// The decision is the same as that of [`Exchange::decide`], for any number of
/// shards. Pieces that have to be compared belong into one shard.
pub trait Spread {
    /// Cuts a key: `put` appends to the sample's piece in a shard, one of
    /// `n_shards`. What the decision needs of each key is appended to `rest`,
    /// which comes empty: some ten bytes at the most.
    fn cut(&self, key: &[u8], n_shards: u32, put: &mut dyn FnMut(u32, &[u8]), rest: &mut Vec<u8>);

    /// Weighs the pieces of one shard, with about `memory` bytes to use: appends
    /// what is found to `evidence`. [`Keys::len`] is the number of all samples,
    /// [`Keys::scan`] shows those that have a piece here.
    ///
    /// # Errors
    ///
    /// If the pieces make no sense: the run ends.
    fn weigh(
        &self,
        pieces: &dyn Keys,
        memory: usize,
        evidence: &mut Vec<u8>,
    ) -> Result<(), OpError>;

    /// Decides, by the evidence of all shards and what was left of the keys.
    ///
    /// # Errors
    ///
    /// As [`Exchange::decide`].
    fn join(&self, rests: &dyn Keys, evidence: &[Vec<u8>]) -> Result<Decision, OpError>;
}

/// The keys of all samples, in the order of the input.
pub trait Keys {
    /// How many samples there are.
    fn len(&self) -> u32;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all keys together.
    fn bytes(&self) -> u64;

    /// Shows each key with the number of its sample, in order. May be called
    /// any number of times; each time may read them from disk.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    fn scan(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<(), OpError>;
}

/// What becomes of all samples. Samples are named by their number in the order
/// of the input.
pub enum Decision {
    /// For each sample the one that stands for it: itself if it stays, and
    /// otherwise one that stays and that it is a duplicate of.
    Same(Vec<u32>),
    /// These samples go on, in this order: first each at most once, then some of
    /// them again, if any do.
    Order(Vec<u32>),
    /// Each of these groups becomes one sample, whose fields are lists; a sample
    /// is in one group at most.
    Groups(Vec<Vec<u32>>),
    /// All stay, and each is rewritten.
    Rewrite(Box<dyn Rewrite>),
}

/// Rewrites samples by what was learned from all of them.
pub trait Rewrite: Send + Sync {
    /// Rewrites one sample.
    ///
    /// # Errors
    ///
    /// If this sample cannot be processed.
    fn rewrite(&self, sample: &mut Sample) -> Result<(), OpError>;

    /// All that it knows, for [`Exchange::unpack_rewrite`] on another machine.
    fn pack(&self) -> Vec<u8>;
}

/// One sample out of a group: each field holds the list of the members' values,
/// null where a member has none. Its origin is that of the first.
///
/// # Errors
///
/// If a value cannot be decoded.
pub fn merge(members: &[Sample]) -> Result<Sample, OpError> {
    let mut fields: Map<String, Value> = Map::new();
    for (i, member) in members.iter().enumerate() {
        for name in member.field_names() {
            let value = member.value(&name)?.unwrap_or(Value::Null);
            let list = fields
                .entry(name.into_owned())
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.resize(i, Value::Null);
                list.push(value);
            }
        }
    }
    for list in fields.values_mut() {
        if let Value::Array(list) = list {
            list.resize(members.len(), Value::Null);
        }
    }
    let line = Value::Object(fields).to_string();
    let origin = members.first().map_or(Origin::default(), Sample::origin);
    Sample::from_json(line.as_str().into(), origin)
        .map_err(|error| OpError::fatal(format!("a group is no sample: {error}")))
}

/// Keys in memory, for tests.
#[derive(Debug, Default)]
pub struct KeyList(pub Vec<Vec<u8>>);

impl Keys for KeyList {
    fn len(&self) -> u32 {
        self.0.len() as u32
    }

    fn bytes(&self) -> u64 {
        self.0.iter().map(|key| key.len() as u64).sum()
    }

    fn scan(&self, each: &mut dyn FnMut(u32, &[u8])) -> Result<(), OpError> {
        for (i, key) in self.0.iter().enumerate() {
            each(i as u32, key);
        }
        Ok(())
    }
}
