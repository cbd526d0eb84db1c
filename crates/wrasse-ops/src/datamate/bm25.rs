//! Which of some texts are most alike: BM25, with the sums of the original.
//!
//! All texts that are left are scored for a query at once, token by token: the
//! sums are independent of each other, each in the order in which the original
//! adds it up, so that it is the same to the last bit.

use crate::hashing::FastMap;
use crate::segment::tokens;

const K1: f64 = 1.5;
const B: f64 = 0.75;

/// What a token that most texts have weighs, of the average.
const EPSILON: f64 = 0.25;

/// The texts in pairs: the first that is left with whichever of the others has
/// the highest score for its tokens, of equals the first. The last may stay
/// alone.
pub(crate) fn pairs(texts: &[String]) -> Vec<(usize, Option<usize>)> {
    let mut corpus = Corpus::of(texts);
    let mut pairs = Vec::new();
    while let Some(one) = corpus.take(0) {
        let other = corpus.most_like(one).and_then(|at| corpus.take(at));
        pairs.push((one, other));
    }
    pairs
}

/// Texts, as the numbers of their tokens.
struct Corpus {
    documents: Vec<Document>,
    /// Which of them are left.
    left: Vec<usize>,
    /// Of each token, how many of these have it.
    n_with: Vec<usize>,
    /// Logarithms of a half, one and a half, and so on.
    logarithms: Vec<f64>,
}

#[derive(Default)]
struct Document {
    tokens: Vec<usize>,
    /// Each token once, in the order in which they first occur, with how often.
    counts: Vec<(usize, f64)>,
}

impl Corpus {
    fn of(texts: &[String]) -> Self {
        let mut numbers: FastMap<&str, usize> = FastMap::default();
        let mut n_with = Vec::new();
        // Of each token, in which text it was last, and where in its counts.
        let mut last: Vec<(usize, usize)> = Vec::new();
        let mut documents = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let mut document = Document::default();
            tokens(text, |token| {
                let number = *numbers.entry(token).or_insert_with(|| {
                    n_with.push(0);
                    last.push((usize::MAX, 0));
                    n_with.len() - 1
                });
                document.tokens.push(number);
                if last[number].0 != at {
                    last[number] = (at, document.counts.len());
                    document.counts.push((number, 0.0));
                    n_with[number] += 1;
                }
                document.counts[last[number].1].1 += 1.0;
            });
            documents.push(document);
        }
        Self {
            left: (0..texts.len()).collect(),
            logarithms: (0..=texts.len()).map(|n| (n as f64 + 0.5).ln()).collect(),
            documents,
            n_with,
        }
    }

    /// Takes away the text at a place of those that are left.
    fn take(&mut self, at: usize) -> Option<usize> {
        let taken = (at < self.left.len()).then(|| self.left.remove(at))?;
        for (token, _) in &self.documents[taken].counts {
            self.n_with[*token] -= 1;
        }
        Some(taken)
    }

    /// Which of the texts that are left, by its place there, has the highest score
    /// for the tokens of another.
    fn most_like(&self, query: usize) -> Option<usize> {
        let (mut best, mut highest) = (None, f64::NEG_INFINITY);
        for (at, score) in self.scores(&self.documents[query]).into_iter().enumerate() {
            if best.is_none() || score > highest {
                (best, highest) = (Some(at), score);
            }
        }
        best
    }

    /// A score for each of the texts that are left.
    fn scores(&self, query: &Document) -> Vec<f64> {
        let n = self.left.len();
        let weight = |token: usize| {
            let n_with = self.n_with[token];
            self.logarithms[n - n_with] - self.logarithms[n_with]
        };
        let corpus = || self.left.iter().map(|at| &self.documents[*at]);
        let mut is_known = vec![false; self.n_with.len()];
        let (mut sum, mut n_known) = (0.0, 0);
        for (token, _) in corpus().flat_map(|document| &document.counts) {
            if !std::mem::replace(&mut is_known[*token], true) {
                sum += weight(*token);
                n_known += 1;
            }
        }
        let least = EPSILON * (sum / f64::from(n_known));
        let n_tokens: usize = corpus().map(|document| document.tokens.len()).sum();
        let average = n_tokens as f64 / n as f64;
        // What each token of the query adds to each score: a row each.
        let mut row_of = vec![usize::MAX; self.n_with.len()];
        for (row, (token, _)) in query.counts.iter().enumerate() {
            row_of[*token] = row;
        }
        let mut rows = vec![0.0; query.counts.len() * n];
        for (at, document) in corpus().enumerate() {
            let length = document.tokens.len() as f64;
            for (token, count) in &document.counts {
                let row = row_of[*token];
                if row != usize::MAX {
                    let weight = Some(weight(*token)).filter(|weight| *weight >= 0.0);
                    let weight = weight.unwrap_or(least);
                    rows[row * n + at] = weight * count * (K1 + 1.0)
                        / (count + K1 * (1.0 - B + B * length / average));
                }
            }
        }
        let mut scores = vec![0.0; n];
        for token in &query.tokens {
            if self.n_with[*token] > 0 {
                let row = &rows[row_of[*token] * n..][..n];
                for (score, more) in scores.iter_mut().zip(row) {
                    *score += more;
                }
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// The score as the original has it, of texts as their tokens.
    fn plain_score(query: &[&str], document: &[&str], corpus: &[&Vec<&str>]) -> f64 {
        let mut in_order: Vec<&str> = Vec::new();
        let mut n_with: HashMap<&str, f64> = HashMap::new();
        for document in corpus {
            let mut known: Vec<&str> = Vec::new();
            for token in *document {
                if !known.contains(token) {
                    known.push(token);
                    *n_with.entry(token).or_insert_with(|| {
                        in_order.push(token);
                        0.0
                    }) += 1.0;
                }
            }
        }
        let n = corpus.len() as f64;
        let weight = |token: &&str| (n - n_with[token] + 0.5).ln() - (n_with[token] + 0.5).ln();
        let sum = in_order.iter().map(weight).fold(0.0, |sum, one| sum + one);
        let least = EPSILON * (sum / in_order.len() as f64);
        let n_tokens: usize = corpus.iter().map(|document| document.len()).sum();
        let (length, average) = (document.len() as f64, n_tokens as f64 / n);
        let mut score = 0.0;
        for token in query {
            let count = document.iter().filter(|other| *other == token).count() as f64;
            if count > 0.0 {
                let weight = if weight(token) >= 0.0 {
                    weight(token)
                } else {
                    least
                };
                score +=
                    weight * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length / average));
            }
        }
        score
    }

    #[test]
    fn scores_are_the_plain_ones() {
        let words = [
            "机器", "学习", "天气", "，", "x1", "of", " ", "国家", "的", "。",
        ];
        let mut below = crate::dice::dice(11);
        for n in [1, 2, 7, 30] {
            let mut text = || {
                (0..below(40))
                    .map(|_| words[below(10) * below(10) / 9])
                    .collect()
            };
            let texts: Vec<String> = (0..n).map(|_| text()).collect();
            let cut = |text| {
                let mut list = Vec::new();
                tokens(text, |token| list.push(token));
                list
            };
            let all: Vec<Vec<&str>> = texts.iter().map(|text| cut(text)).collect();
            let mut corpus = Corpus::of(&texts);
            while let Some(one) = corpus.take(0) {
                let left: Vec<&Vec<&str>> = corpus.left.iter().map(|at| &all[*at]).collect();
                let want: Vec<f64> = left
                    .iter()
                    .map(|document| plain_score(&all[one], document, &left))
                    .collect();
                assert_eq!(corpus.scores(&corpus.documents[one]), want);
                if let Some(at) = corpus.most_like(one) {
                    assert!(want.iter().all(|score| *score <= want[at]));
                    assert!(want[..at].iter().all(|score| *score < want[at]));
                    corpus.take(at);
                }
            }
        }
    }
}
