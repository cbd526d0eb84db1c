//! [`Gates`]: what the gates have seen, here or in shards on the cluster.
//!
//! The driver decides by itself while what it knows is small. Beyond a bound the
//! largest of its sets moves out: into shards, actors that know a range each. From
//! then on the driver has on its disk what they know (16 bytes each, in a file
//! without a name), to teach it to one that comes in the place of another, and in
//! memory only what they have not answered.
//!
//! What is said to them, and when, is decided in [`shards`]; here it is done, on the
//! thread for what needs its input in order.

mod room;
mod shard;
mod shards;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wrasse_core::ByteCount;
use wrasse_op::Fingerprint;
use wrasse_run::{Error, FingerprintSet, Seen, Spool};
use wrasse_sched::TaskId;

pub(crate) use self::room::reserved;
use self::room::{Room, moves};
pub use self::shard::Shard;
use self::shard::{Answer, Question};
use self::shards::{Do, Shards, owner};
use crate::link::Link;
use crate::needs::Ledger;
use crate::note::Note;
use crate::ordering::Held;
use crate::protocol::{Cluster, Hear, Say};
use crate::wire::{Verdict, decode, encode, unpack_bits};

/// What the driver's sets may hold, unless it was told otherwise: fifty million
/// fingerprints.
const BYTES_MAX: u64 = 1 << 30;

/// Bytes that a fingerprint takes in memory, at the least.
const PRINT_BYTES: u64 = size_of::<Fingerprint>() as u64;

/// What is said about a gate.
pub(crate) enum News {
    /// An object has come to it.
    Object {
        task: TaskId,
        gate: usize,
        fingerprints: Arc<Vec<Fingerprint>>,
    },
    /// The gateway has told of a shard, or of the cluster.
    Heard(Hear, Vec<u8>),
}

/// What the gates of a run have seen.
pub(crate) struct Gates<'a> {
    link: &'a Link,
    held: &'a Held,
    ledger: &'a Ledger,
    cluster: Cluster,
    /// Where files without names are.
    dir: PathBuf,
    /// What sets here may hold, as the user wants it.
    wanted: Option<u64>,
    /// What the driver may use in all.
    memory: Option<ByteCount>,
    gates: Vec<Gate>,
    /// Of each shard, its gate and its number there.
    shards: Vec<(usize, usize)>,
    /// What a person calls each; none where no gate is.
    names: Vec<Option<String>>,
}

enum Gate {
    Here(FingerprintSet),
    There(Box<There>),
}

/// A gate whose fingerprints are in shards.
struct There {
    /// The number of its first shard among all.
    first: usize,
    shards: Shards<TaskId>,
    /// What each knows.
    kept: Vec<Spool>,
    /// Bytes of memory that each holds.
    memory: Vec<u64>,
    memory_max: Option<u64>,
}

impl<'a> Gates<'a> {
    /// Those of a run that goes on from what was `seen`. `wanted` is what the user
    /// wants them to hold here, `memory` what the driver may use in all.
    ///
    /// # Errors
    ///
    /// If that cannot be read, or be told to shards.
    pub(crate) fn new(
        seen: &Seen,
        names: Vec<Option<String>>,
        (link, held, ledger): (&'a Link, &'a Held, &'a Ledger),
        cluster: &Cluster,
        dir: PathBuf,
        (wanted, memory): (Option<u64>, Option<ByteCount>),
    ) -> Result<Self, Error> {
        let mut gates = Self {
            link,
            held,
            ledger,
            cluster: cluster.clone(),
            dir,
            wanted,
            memory,
            gates: Vec::new(),
            shards: Vec::new(),
            names,
        };
        for gate in 0..seen.n_gates() {
            gates.gates.push(Gate::Here(FingerprintSet::default()));
            let bytes = seen.len(gate) * PRINT_BYTES;
            if gates.bytes_max().is_some_and(|most| bytes > most) {
                // Not even for a moment here.
                gates.move_out(gate, Some(seen)).map_err(Error::failed)?;
            } else {
                gates.gates[gate] = Gate::Here(seen.set(gate)?);
            }
        }
        gates.make_room().map_err(Error::failed)?;
        gates.account();
        Ok(gates)
    }

    /// Takes news; what became of it.
    pub(crate) fn take(&mut self, news: News) -> Result<Vec<Note>, String> {
        match news {
            News::Object {
                task,
                gate,
                fingerprints,
            } => self.judge(task, gate, fingerprints),
            News::Heard(Hear::Cluster(cluster), _) => {
                self.cluster = cluster;
                Ok(Vec::new())
            }
            News::Heard(Hear::Answered { shard, life, .. }, bytes) => {
                self.answered(shard, life, &bytes)
            }
            News::Heard(
                Hear::ShardLost {
                    shard,
                    life,
                    message,
                },
                _,
            ) => self.lost(shard, life, &message),
            News::Heard(..) => Ok(Vec::new()),
        }
    }

    /// Says how much they hold, and where.
    pub(crate) fn account(&self) {
        let here = self.gates.iter().map(|gate| match gate {
            Gate::Here(set) => set.memory_bytes() as u64,
            Gate::There(there) => there
                .kept
                .iter()
                .map(|kept| kept.memory_bytes() as u64)
                .sum(),
        });
        let there = self.gates.iter().map(|gate| match gate {
            Gate::Here(_) => 0,
            Gate::There(there) => there.memory.iter().sum(),
        });
        let store = |to: &std::sync::atomic::AtomicU64, bytes| to.store(bytes, Ordering::Relaxed);
        store(&self.held.fingerprints, here.sum());
        store(&self.held.sharded, there.sum());
        store(&self.held.shards, self.shards.len() as u64);
    }

    fn judge(
        &mut self,
        task: TaskId,
        gate: usize,
        fingerprints: Arc<Vec<Fingerprint>>,
    ) -> Result<Vec<Note>, String> {
        match &mut self.gates[gate] {
            Gate::Here(seen) => {
                let note = judged(task, gate, &seen.judge(&fingerprints));
                self.make_room()?;
                Ok(vec![note])
            }
            Gate::There(there) => {
                let mut out = Vec::new();
                there.shards.ask(task, fingerprints, &mut out);
                let mut notes = vec![Note::Asked { task }];
                notes.extend(self.act(gate, out)?);
                Ok(notes)
            }
        }
    }

    fn answered(&mut self, shard: u32, life: u32, bytes: &[u8]) -> Result<Vec<Note>, String> {
        let Some(&(gate, at)) = self.shards.get(shard as usize) else {
            return Ok(Vec::new());
        };
        let answer: Answer = decode(bytes)?;
        let Gate::There(there) = &mut self.gates[gate] else {
            return Ok(Vec::new());
        };
        there.memory[at] = answer.memory_bytes;
        let (n, most) = (there.shards.len(), there.memory_max);
        if let Some(most) = most.filter(|most| answer.memory_bytes > *most) {
            return Err(self.too_many(gate, n, (answer.memory_bytes, most)));
        }
        let is_new = unpack_bits(&answer.is_new, 0, answer.is_new.len() * 8);
        let mut out = Vec::new();
        if let Gate::There(there) = &mut self.gates[gate] {
            there.shards.answered(at, life, &is_new, &mut out);
        }
        self.act(gate, out)
    }

    fn lost(&mut self, shard: u32, life: u32, message: &str) -> Result<Vec<Note>, String> {
        let Some(&(gate, at)) = self.shards.get(shard as usize) else {
            return Ok(Vec::new());
        };
        let Gate::There(there) = &mut self.gates[gate] else {
            return Ok(Vec::new());
        };
        let mut out = Vec::new();
        if there.shards.lost(at, life, &mut out).is_err() {
            return Err(format!(
                "the actor that holds fingerprints of {} dies each time: {message}",
                self.name(gate)
            ));
        }
        self.act(gate, out)
    }

    /// Does what the state of a gate's shards commands.
    fn act(&mut self, gate: usize, out: Vec<Do<TaskId>>) -> Result<Vec<Note>, String> {
        let link = self.link;
        let Gate::There(there) = &mut self.gates[gate] else {
            return Ok(Vec::new());
        };
        let number = |shard: usize| (there.first + shard) as u32;
        let ask = |shard: usize, life: u32, question: &Question| {
            let question = encode(question)?;
            let ask = Say::Ask {
                shard: number(shard),
                life,
                bytes: question.len(),
            };
            let said = link.say(&[ask], &[&question]);
            said.map_err(|error| error.message)
        };
        let mut notes = Vec::new();
        for what in out {
            match what {
                Do::Begin { shard, life } => {
                    let shard = number(shard);
                    let memory = there.memory_max;
                    let begin = Say::Shard {
                        shard,
                        life,
                        memory,
                    };
                    let said = link.say(&[begin], &[]);
                    said.map_err(|error| error.message)?;
                }
                Do::Teach {
                    shard,
                    life,
                    from,
                    n,
                } => {
                    let mut prints = vec![0; n * PRINT_BYTES as usize];
                    let read = there.kept[shard].read(from * PRINT_BYTES, &mut prints);
                    read.map_err(|error| unkept(&error))?;
                    let judges = false;
                    ask(shard, life, &Question { judges, prints })?;
                }
                Do::Judge {
                    shard,
                    life,
                    prints,
                } => ask(shard, life, &Question::new(true, &prints))?,
                Do::Keep { shard, prints } => keep(&mut there.kept[shard], prints)?,
                Do::Decided { name, keep } => notes.push(judged(name, gate, &keep)),
            }
        }
        Ok(notes)
    }

    /// What sets here may hold; without bound, if none.
    fn bytes_max(&self) -> Option<u64> {
        let usual = || self.memory.map_or(BYTES_MAX, |memory| memory.0 / 4);
        moves(&self.cluster, self.wanted).then(|| self.wanted.unwrap_or_else(usual))
    }

    /// Moves sets out until those that are left may stay.
    fn make_room(&mut self) -> Result<(), String> {
        while let Some(most) = self.bytes_max() {
            let here = self.gates.iter().enumerate();
            let here = here.filter_map(|(at, gate)| match gate {
                Gate::Here(set) if self.names[at].is_some() => Some((set.memory_bytes(), at)),
                _ => None,
            });
            let all: Vec<(usize, usize)> = here.collect();
            let bytes: usize = all.iter().map(|(bytes, _)| bytes).sum();
            match all.iter().max() {
                Some((_, largest)) if bytes as u64 > most => self.move_out(*largest, None)?,
                _ => break,
            }
        }
        Ok(())
    }

    /// Moves a gate's fingerprints into shards: those of its set, or those that were
    /// `seen`.
    fn move_out(&mut self, gate: usize, seen: Option<&Seen>) -> Result<(), String> {
        let n_gates = self.names.iter().flatten().count();
        let room = Room::new(&self.cluster, self.ledger, n_gates);
        let n = room.n;
        let spool = |_| Spool::new(self.dir.clone(), 0);
        let mut kept: Vec<Spool> = (0..n).map(spool).collect();
        if let Some(seen) = seen {
            let read = seen.read(gate, &mut |bytes| {
                let prints = bytes.chunks_exact(PRINT_BYTES as usize);
                let mut prints = prints.map(|bytes| {
                    let mut print = [0; size_of::<Fingerprint>()];
                    print.copy_from_slice(bytes);
                    Fingerprint::from_le_bytes(print)
                });
                let put = prints.try_for_each(|print| keep(&mut kept[owner(print, n)], [print]));
                put.map_err(Error::failed)
            });
            read.map_err(|error| error.message)?;
        }
        if let Gate::Here(set) = &self.gates[gate] {
            for print in set.iter() {
                keep(&mut kept[owner(print, n)], [print])?;
            }
        }
        let known: Vec<u64> = kept.iter().map(|kept| kept.len() / PRINT_BYTES).collect();
        let most = known.iter().max().copied().unwrap_or(0) * PRINT_BYTES;
        if let Some(each) = room.each.filter(|each| most > *each) {
            return Err(self.too_many(gate, n, (most, each)));
        }
        let mut out = Vec::new();
        let there = There {
            first: self.shards.len(),
            shards: Shards::new(&known, &mut out),
            kept,
            memory: vec![0; n],
            memory_max: room.each,
        };
        self.shards.extend((0..n).map(|at| (gate, at)));
        self.gates[gate] = Gate::There(Box::new(there));
        self.act(gate, out).map(drop)
    }

    /// Says that one of `n` shards would hold, or holds, more than it may.
    fn too_many(&self, gate: usize, n: usize, (bytes, most): (u64, u64)) -> String {
        format!(
            "the fingerprints of {} do not fit into {n} shards: one holds {}, of {} that its \
             node has for it; --resume goes on with as many as the cluster has nodes then",
            self.name(gate),
            ByteCount(bytes),
            ByteCount(most)
        )
    }

    fn name(&self, gate: usize) -> String {
        let name = self.names[gate].as_deref();
        format!("`{}`", name.unwrap_or_default())
    }
}

fn judged(task: TaskId, gate: usize, keep: &[bool]) -> Note {
    Note::Judged {
        task,
        verdict: Verdict::new(gate, keep),
        kept: keep.iter().filter(|keep| **keep).count() as u64,
    }
}

fn keep(kept: &mut Spool, prints: impl IntoIterator<Item = Fingerprint>) -> Result<(), String> {
    let mut prints = prints.into_iter();
    let put = prints.try_for_each(|print| kept.append(&print.to_le_bytes()));
    put.map_err(|error| unkept(&error))
}

fn unkept(error: &std::io::Error) -> String {
    format!("fingerprints cannot be kept on disk: {error}")
}
