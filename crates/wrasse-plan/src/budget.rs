//! [`Budget`]: how a memory limit is spent, decided before the run.
//!
//! A run needs memory for itself (code, tables of the operators, buffers of
//! sink and readers) and for blocks: each worker holds the block it reads,
//! what the operators make of it, and the rows it encodes. What is left keeps
//! blocks that wait for their turn. Worker processes of Python operators say what
//! they need (`mem_required`): one of each pool must fit, beside the blocks of one
//! thread; more of them take what blocks leave. A limit that cannot hold that much
//! is refused with the sum, not met by a run that hangs.

use wrasse_core::ByteCount;

/// What a run asks for.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Threads that the user wants.
    pub threads: usize,
    /// Limit on the memory of the whole process and its worker processes; none if
    /// absent.
    pub memory: Option<ByteCount>,
    /// Bytes of rows in a block.
    pub block_bytes: ByteCount,
    /// Memory that does not depend on blocks: program, tables, sink.
    pub base: ByteCount,
    /// What worker processes need at the least, as far as they say so.
    pub processes: ByteCount,
}

/// What a run gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Worker threads.
    pub threads: usize,
    /// Bytes for blocks in flight, those that wait included.
    pub blocks: ByteCount,
    /// Blocks in flight at the most.
    pub blocks_in_flight: usize,
    /// What the limit leaves, for more worker processes; none without a limit.
    pub left: Option<ByteCount>,
}

/// A memory limit that is too small.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a memory limit of {limit} is too small: the least is {least} \
     ({base} for program, tables and sink + {worker} for one worker's blocks{})",
    of_processes(*processes)
)]
pub struct BudgetError {
    limit: ByteCount,
    /// The smallest limit that works.
    pub least: ByteCount,
    base: ByteCount,
    worker: ByteCount,
    processes: ByteCount,
}

fn of_processes(bytes: ByteCount) -> String {
    match bytes.0 {
        0 => String::new(),
        _ => format!(" + {bytes} for one Python process of each pool (`mem_required`)"),
    }
}

/// A block is held as read, as changed texts, and as encoded rows.
const COPIES: u64 = 3;

/// What the allocator keeps of freed blocks for a while, for each worker, in
/// blocks: measured as the growth of the resident memory with each thread of a
/// fast recipe, less the copies.
const KEPT: u64 = 5;

/// Blocks that wait for their turn, for each one that is worked on. More
/// evens out blocks of unequal cost; each costs memory.
const WAITING_PER_WORKER: usize = 2;

impl Budget {
    /// Spends the demand's memory limit.
    ///
    /// # Errors
    ///
    /// If the limit does not even hold one worker's blocks.
    pub fn new(demand: &Demand) -> Result<Self, BudgetError> {
        let copies = demand.block_bytes.0 * COPIES;
        let kept = demand.block_bytes.0 * KEPT;
        let worker = copies + kept;
        let wanted = demand.threads.max(1);
        let in_flight = |threads: usize| threads * (1 + WAITING_PER_WORKER) + 1;
        let Some(limit) = demand.memory else {
            return Ok(Self {
                threads: wanted,
                blocks: ByteCount(copies * in_flight(wanted) as u64),
                blocks_in_flight: in_flight(wanted),
                left: None,
            });
        };
        let fixed = demand.base.0 + demand.processes.0;
        let for_blocks = limit.0.saturating_sub(fixed);
        let fitting = (for_blocks / worker.max(1)) as usize;
        if fitting == 0 {
            return Err(BudgetError {
                limit,
                least: ByteCount(fixed + worker),
                base: demand.base,
                worker: ByteCount(worker),
                processes: demand.processes,
            });
        }
        let threads = wanted.min(fitting);
        let for_blocks = for_blocks - kept * threads as u64;
        let blocks = for_blocks.min(copies * in_flight(threads) as u64);
        Ok(Self {
            threads,
            blocks: ByteCount(blocks),
            blocks_in_flight: in_flight(threads),
            left: Some(ByteCount(for_blocks - blocks)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn demand(threads: usize, memory_mib: Option<u64>) -> Demand {
        Demand {
            threads,
            memory: memory_mib.map(|mib| ByteCount(mib * MIB)),
            block_bytes: ByteCount(2 * MIB),
            base: ByteCount(40 * MIB),
            processes: ByteCount(0),
        }
    }

    #[test]
    fn processes_are_counted_and_more_of_them_take_what_is_left() {
        let with = |memory_mib| {
            Budget::new(&Demand {
                processes: ByteCount(100 * MIB),
                ..demand(1, Some(memory_mib))
            })
        };
        let told = with(155).unwrap_err();
        assert_eq!(told.least, ByteCount(156 * MIB));
        assert!(told.to_string().contains("100 MiB for one Python process"));
        // Program, process, one thread's blocks and what the allocator keeps: 174.
        let left = |memory_mib| with(memory_mib).map(|b| b.left);
        assert_eq!(left(156), Ok(Some(ByteCount(0))));
        assert_eq!(left(300), Ok(Some(ByteCount(126 * MIB))));
        assert_eq!(Budget::new(&demand(1, None)).map(|b| b.left), Ok(None));
    }

    #[test]
    fn a_small_limit_costs_threads_first() {
        assert_eq!(Budget::new(&demand(8, None)).map(|b| b.threads), Ok(8));
        assert_eq!(Budget::new(&demand(8, Some(90))).map(|b| b.threads), Ok(3));
        assert_eq!(Budget::new(&demand(8, Some(56))).map(|b| b.threads), Ok(1));
    }

    #[test]
    fn a_hopeless_limit_is_refused_with_the_sum() {
        let error = Budget::new(&demand(8, Some(55))).unwrap_err();
        assert_eq!(error.least, ByteCount(56 * MIB));
        assert!(error.to_string().contains("56.0 MiB"), "{error}");
    }
}
