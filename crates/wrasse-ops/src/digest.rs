//! MD5 of many messages, side by side.
//!
//! One message is a chain of steps that wait for each other; of 16 messages
//! vector registers do each step at once.

use multiversion::multiversion;

/// Messages side by side.
const LANES: usize = 16;

/// Bytes of a block.
const BLOCK: usize = 64;

/// Longer messages are done alone.
const BLOCKS_MAX: usize = 4;

type Lanes = [u32; LANES];

/// Takes messages and gives their digests, in another order.
pub(crate) struct Md5s<F: FnMut([u8; 16])> {
    /// Messages that wait, padded, by their number of blocks.
    waiting: [Vec<u8>; BLOCKS_MAX],
    each: F,
}

impl<F: FnMut([u8; 16])> Md5s<F> {
    /// Calls `each` with the digest of every message.
    pub(crate) fn new(each: F) -> Self {
        Self {
            waiting: Default::default(),
            each,
        }
    }

    /// Takes a message.
    pub(crate) fn push(&mut self, message: &[u8]) {
        // One bit and the length go behind it.
        let n_blocks = (message.len() + 8) / BLOCK + 1;
        let Some(waiting) = self.waiting.get_mut(n_blocks - 1) else {
            (self.each)(md5::compute(message).0);
            return;
        };
        let end = waiting.len() + n_blocks * BLOCK;
        waiting.extend_from_slice(message);
        waiting.push(0x80);
        waiting.resize(end - 8, 0);
        waiting.extend_from_slice(&(message.len() as u64 * 8).to_le_bytes());
        if waiting.len() == LANES * n_blocks * BLOCK {
            let blocks = waiting.as_chunks().0;
            side_by_side(&blocks.chunks(n_blocks).collect::<Vec<_>>(), &mut self.each);
            waiting.clear();
        }
    }

    /// The messages that still wait.
    pub(crate) fn finish(mut self) {
        let longest_first = self.waiting.iter().enumerate().rev();
        let messages: Vec<&[[u8; BLOCK]]> = longest_first
            .flat_map(|(i, waiting)| waiting.as_chunks().0.chunks(i + 1))
            .collect();
        for messages in messages.chunks(LANES) {
            side_by_side(messages, &mut self.each);
        }
    }
}

/// The digests of messages of any length, in their order.
pub(crate) fn md5_of_all(messages: &[&[u8]]) -> Vec<[u8; 16]> {
    let n_blocks = |i: usize| (messages[i].len() + 8) / BLOCK + 1;
    let mut digests = vec![[0; 16]; messages.len()];
    let mut order: Vec<usize> = (0..messages.len()).collect();
    // The longest first, or it would be left alone in its lane at the end.
    order.sort_by_key(|i| std::cmp::Reverse(messages[*i].len()));
    let mut left: usize = order.iter().map(|i| n_blocks(*i)).sum();
    let mut waiting = order.into_iter().peekable();
    while let Some(i) = waiting.next_if(|i| n_blocks(*i) * LANES / 2 > left) {
        left -= n_blocks(i);
        digests[i] = md5::compute(messages[i]).0;
    }
    let mut lanes: [Option<Lane<'_>>; LANES] = [const { None }; LANES];
    let mut state = [[0; LANES]; 4];
    loop {
        for (n, lane) in lanes.iter_mut().enumerate() {
            if lane.as_ref().is_some_and(|lane| !lane.is_done()) {
                continue;
            }
            if let Some(done) = lane.take() {
                digests[done.message] = digest(&state, n);
            }
            if let Some(i) = waiting.next() {
                *lane = Some(Lane::new(i, messages[i]));
                for (lanes, start) in state.iter_mut().zip(START) {
                    lanes[n] = start;
                }
            }
        }
        // No lane is done before so many blocks.
        let steps = lanes.iter().flatten().map(Lane::n_left).min();
        let Some(steps) = steps else {
            return digests;
        };
        for _ in 0..steps {
            let mut words = [[0; LANES]; 16];
            for (n, lane) in lanes.iter_mut().enumerate() {
                if let Some(lane) = lane {
                    load(&mut words, n, lane.next());
                }
            }
            compress(&mut state, &words);
        }
    }
}

/// Longer messages are cut into parts of so many bytes.
const PART: usize = 2048;

/// Digests of texts of any length, in their order: MD5 of a short one, MD5 of
/// the digests of its parts of a long one. So that a long text fills all lanes,
/// where MD5 of it were one chain.
///
/// Who can make two texts of one digest can make two of one MD5.
pub(crate) fn tree_md5_of_all(texts: &[&[u8]]) -> Vec<[u8; 16]> {
    let n_parts = |text: &[u8]| text.len().div_ceil(PART).max(1);
    let mut parts = Vec::with_capacity(texts.len());
    for text in texts {
        match n_parts(text) {
            1 => parts.push(*text),
            _ => parts.extend(text.chunks(PART)),
        }
    }
    let mut of_parts = md5_of_all(&parts).into_iter();
    let mut digests = Vec::with_capacity(texts.len());
    let mut long = Vec::new();
    let mut joined = Vec::new();
    for text in texts {
        let own = of_parts.by_ref().take(n_parts(text));
        if n_parts(text) == 1 {
            digests.extend(own);
            continue;
        }
        long.push(digests.len());
        digests.push([0; 16]);
        // No text has this byte.
        let mut bytes = vec![0xff];
        bytes.extend(own.flatten());
        joined.push(bytes);
    }
    if !long.is_empty() {
        let joined: Vec<&[u8]> = joined.iter().map(Vec::as_slice).collect();
        for (at, digest) in long.into_iter().zip(tree_md5_of_all(&joined)) {
            digests[at] = digest;
        }
    }
    digests
}

/// A message under way.
struct Lane<'m> {
    message: usize,
    /// Its whole blocks.
    blocks: std::slice::Iter<'m, [u8; BLOCK]>,
    /// The rest of it, one bit and the length, in one block or two.
    last: [[u8; BLOCK]; 2],
    n_last: usize,
    /// How many of these are done.
    at_last: usize,
}

impl<'m> Lane<'m> {
    fn new(message: usize, bytes: &'m [u8]) -> Self {
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let n_last = if rest.len() + 9 > BLOCK { 2 } else { 1 };
        let mut last = [[0; BLOCK]; 2];
        last[0][..rest.len()].copy_from_slice(rest);
        last[0][rest.len()] = 0x80;
        last[n_last - 1][BLOCK - 8..].copy_from_slice(&(bytes.len() as u64 * 8).to_le_bytes());
        Self {
            message,
            blocks: blocks.iter(),
            last,
            n_last,
            at_last: 0,
        }
    }

    /// How many blocks are left.
    fn n_left(&self) -> usize {
        self.blocks.len() + self.n_last - self.at_last
    }

    fn is_done(&self) -> bool {
        self.n_left() == 0
    }

    #[inline]
    fn next(&mut self) -> &[u8; BLOCK] {
        if let Some(block) = self.blocks.next() {
            return block;
        }
        self.at_last += 1;
        &self.last[self.at_last - 1]
    }
}

/// Puts a block's words into a lane.
#[inline]
fn load(words: &mut [Lanes; 16], lane: usize, block: &[u8; BLOCK]) {
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        word[lane] = u32::from_le_bytes(*bytes);
    }
}

/// The digest in a lane.
fn digest(state: &[Lanes; 4], lane: usize) -> [u8; 16] {
    let mut digest = [0; 16];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word[lane].to_le_bytes();
    }
    digest
}

/// What a digest begins with, RFC 1321.
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Gives the digests of messages of whole blocks, a lane for each, the longest
/// first.
fn side_by_side(messages: &[&[[u8; BLOCK]]], each: &mut impl FnMut([u8; 16])) {
    let mut state = START.map(|start| [start; LANES]);
    let n_blocks = messages.first().map_or(0, |message| message.len());
    for at in 0..n_blocks {
        let mut words = [[0; LANES]; 16];
        for (lane, message) in messages.iter().enumerate() {
            if let Some(block) = message.get(at) {
                load(&mut words, lane, block);
            }
        }
        compress(&mut state, &words);
        for (lane, message) in messages.iter().enumerate() {
            if message.len() == at + 1 {
                each(digest(&state, lane));
            }
        }
    }
}

/// The integer parts of 2^32 |sin(i)|, RFC 1321.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn compress(state: &mut [Lanes; 4], words: &[Lanes; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    macro_rules! rounds {
        ($from:literal, $shifts:expr, |$i:ident| $word:expr, |$x:ident, $y:ident, $z:ident| $mix:expr) => {
            for $i in 0..16_usize {
                let (sine, word) = (SINES[$from + $i], &words[$word % 16]);
                let shift: u32 = $shifts[$i % 4];
                let mut next = [0; LANES];
                for lane in 0..LANES {
                    let ($x, $y, $z) = (b[lane], c[lane], d[lane]);
                    let mixed: u32 = $mix;
                    let sum = a[lane]
                        .wrapping_add(mixed)
                        .wrapping_add(sine)
                        .wrapping_add(word[lane]);
                    next[lane] = b[lane].wrapping_add(sum.rotate_left(shift));
                }
                (a, d, c, b) = (d, c, b, next);
            }
        };
    }
    rounds!(0, [7, 12, 17, 22], |i| i, |x, y, z| z ^ (x & (y ^ z)));
    rounds!(16, [5, 9, 14, 20], |i| 5 * i + 1, |x, y, z| y
        ^ (z & (x ^ y)));
    rounds!(32, [4, 11, 16, 23], |i| 3 * i + 5, |x, y, z| x ^ y ^ z);
    rounds!(48, [6, 10, 15, 21], |i| 7 * i, |x, y, z| y ^ (x | !z));
    for (sums, lanes) in state.iter_mut().zip([a, b, c, d]) {
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum = sum.wrapping_add(lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_one_at_a_time() {
        let bytes: Vec<u8> = (0..600_u32).map(|i| (i * 7 % 251) as u8).collect();
        for n in [0, 1, 15, 16, 17, 40, 400] {
            let messages: Vec<&[u8]> = (0..n)
                .map(|i| &bytes[i % 9..i % 9 + i * 13 % 300])
                .collect();
            let mut got = Vec::new();
            let mut md5s = Md5s::new(|digest| got.push(digest));
            messages.iter().for_each(|message| md5s.push(message));
            md5s.finish();
            let mut want: Vec<[u8; 16]> = messages.iter().map(|m| md5::compute(m).0).collect();
            got.sort_unstable();
            want.sort_unstable();
            assert_eq!(got, want, "{n}");
        }
    }

    #[test]
    fn messages_of_any_length_go_side_by_side() {
        let bytes: Vec<u8> = (0..20_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        for n in [0, 1, 2, 15, 16, 17, 40, 300] {
            let lengths: [fn(usize) -> usize; 3] = [
                |i| i,
                |i| i * 977 % 3000,
                |i| if i == 3 { 20_000 } else { 55 + i % 10 },
            ];
            for length in lengths {
                let messages: Vec<&[u8]> = (0..n).map(|i| &bytes[..length(i)]).collect();
                let want: Vec<_> = messages.iter().map(|m| md5::compute(m).0).collect();
                assert_eq!(md5_of_all(&messages), want, "{n}");
            }
        }
    }

    #[test]
    fn digests_of_parts_make_those_of_long_texts() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| (i * 7 % 251) as u8).collect();
        let joined = |text: &[u8]| {
            let parts = text.chunks(PART).flat_map(|part| md5::compute(part).0);
            [0xff].into_iter().chain(parts).collect::<Vec<u8>>()
        };
        let (short, long) = (&bytes[..PART], &bytes[..PART + 1]);
        let twice = joined(&joined(&bytes));
        let want = [&b""[..], short, &joined(long), &twice].map(|text| md5::compute(text).0);
        assert_eq!(tree_md5_of_all(&[b"", short, long, &bytes]), want);
    }

    #[test]
    fn every_length_is_padded_rightly() {
        let bytes = [7; 300];
        for n in 0..300 {
            let mut got = Vec::new();
            let mut md5s = Md5s::new(|digest| got.push(digest));
            md5s.push(&bytes[..n]);
            md5s.finish();
            assert_eq!(got, [md5::compute(&bytes[..n]).0], "{n}");
        }
    }
}
