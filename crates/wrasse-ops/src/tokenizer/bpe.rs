//! Byte-pair encoding: bytes into tokens by merging the pair that comes first
//! in the vocabulary, until no pair is in it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// Which pairs merge, and which goes first.
pub(super) struct Bpe {
    pub(super) merges: Merges,
    /// Whether a word that is a token is not put together from its bytes.
    pub(super) takes_words: bool,
}

/// The lowest rank merges first.
pub(super) enum Merges {
    /// The rank of each token, by its bytes: tiktoken.
    Tokens(HashMap<Box<[u8]>, u32>),
    /// The rank of each pair of tokens, given by the bytes of both and where
    /// the second begins: Hugging Face. And the tokens.
    Pairs {
        ranks: HashMap<(u32, u32), (u32, u32)>,
        bytes: Box<[u32; 256]>,
        tokens: HashMap<Box<[u8]>, u32>,
    },
}

/// What stands for a byte that is no token.
pub(super) const NO_TOKEN: u32 = u32::MAX;

/// A token so far, in a list from the first to the last.
#[derive(Clone, Copy)]
struct Node {
    end: u32,
    id: u32,
    /// Its neighbors; those at the ends are their own.
    previous: u32,
    next: u32,
    is_gone: bool,
}

impl Bpe {
    /// Calls `token` with where each token of a word ends.
    pub(super) fn tokens(&self, word: &[u8], mut token: impl FnMut(usize)) {
        if word.len() == 1 || self.takes_words && self.knows(word) {
            return token(word.len());
        }
        let mut nodes: Vec<Node> = (0..word.len() as u32)
            .map(|i| Node {
                end: i + 1,
                id: match &self.merges {
                    Merges::Tokens(_) => 0,
                    Merges::Pairs { bytes, .. } => bytes[usize::from(word[i as usize])],
                },
                previous: i.saturating_sub(1),
                next: i + 1,
                is_gone: false,
            })
            .collect();
        // Candidates by rank, then from the left: `n log n` also for a word
        // of a million letters. Those that were overtaken are told by the end
        // of their pair.
        let mut candidates = BinaryHeap::new();
        for left in 0..nodes.len() {
            self.push(word, &nodes, left, &mut candidates);
        }
        while let Some(Reverse((rank, left, end, id))) = candidates.pop() {
            let node = nodes[left as usize];
            let right = node.next as usize;
            if node.is_gone || right >= nodes.len() || nodes[right].end != end {
                continue;
            }
            // The left one may have grown since, to be of another rank.
            if self.rank(word, &nodes, left as usize) != Some((rank, id)) {
                continue;
            }
            let next = nodes[right].next;
            nodes[right].is_gone = true;
            let merged = &mut nodes[left as usize];
            merged.end = end;
            merged.id = id;
            merged.next = next;
            if let Some(node) = nodes.get_mut(next as usize) {
                node.previous = left;
            }
            self.push(word, &nodes, left as usize, &mut candidates);
            if left > 0 {
                let previous = nodes[left as usize].previous as usize;
                self.push(word, &nodes, previous, &mut candidates);
            }
        }
        let mut at = 0;
        while let Some(node) = nodes.get(at) {
            token(node.end as usize);
            at = node.next as usize;
        }
    }

    fn knows(&self, word: &[u8]) -> bool {
        match &self.merges {
            Merges::Tokens(tokens) | Merges::Pairs { tokens, .. } => tokens.contains_key(word),
        }
    }

    fn push(
        &self,
        word: &[u8],
        nodes: &[Node],
        left: usize,
        candidates: &mut BinaryHeap<Reverse<(u32, u32, u32, u32)>>,
    ) {
        if let Some((rank, id)) = self.rank(word, nodes, left) {
            let end = nodes[nodes[left].next as usize].end;
            candidates.push(Reverse((rank, left as u32, end, id)));
        }
    }

    /// The rank of a token with the next, and what they merge into.
    fn rank(&self, word: &[u8], nodes: &[Node], left: usize) -> Option<(u32, u32)> {
        let right = nodes.get(nodes[left].next as usize)?;
        match &self.merges {
            Merges::Tokens(tokens) => {
                let rank = *tokens.get(&word[left..right.end as usize])?;
                Some((rank, 0))
            }
            Merges::Pairs { ranks, .. } => ranks.get(&(nodes[left].id, right.id)).copied(),
        }
    }
}
