//! Tokenizers of language models, read from files that the user has: byte-pair
//! encodings, as `tokenizer.json` of Hugging Face or as a vocabulary of
//! tiktoken.
//!
//! A text is cut at the added tokens (such as `<|endoftext|>`), each piece
//! between them into words by patterns, each word into tokens by merging pairs
//! of bytes. WordPiece, Unigram and SentencePiece vocabularies are refused.

mod bpe;
mod hugging_face;
mod split;
mod tiktoken;

use std::borrow::Cow;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use regex::Regex;
use unicode_normalization::IsNormalized;
use unicode_normalization::{UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use wrasse_op::{OpError, ParamError};

use bpe::Bpe;
use split::Split;

/// A byte-pair encoding with all that comes before it.
pub(crate) struct Tokenizer {
    /// Finds the added tokens, if there are any.
    added: Option<Regex>,
    form: Form,
    splits: Vec<Split>,
    /// `None`: each byte is a token.
    bpe: Option<Bpe>,
}

/// How texts are normalized before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    AsItIs,
    Nfc,
    Nfkc,
}

impl Tokenizer {
    /// Reads the file that the parameter `param` names; `bytes` names no file
    /// but the tokenizer for which each byte is a token.
    ///
    /// # Errors
    ///
    /// If there is no such file, or it holds no tokenizer that is known.
    pub(crate) fn load(
        param: &str,
        path: Option<&str>,
        encoding: Option<&str>,
    ) -> Result<Self, ParamError> {
        const HINT: &str = "give the path of a `tokenizer.json` or of a `.tiktoken` vocabulary, \
                            or `bytes`; nothing is downloaded";
        let fail = |message: String| ParamError::new(param, message);
        let path = match path {
            None => {
                let error = fail("no tokenizer is given".to_owned()).with_hint(HINT);
                return Err(error.leave_to_original());
            }
            Some("bytes") => {
                return Ok(Self {
                    added: None,
                    form: Form::AsItIs,
                    splits: Vec::new(),
                    bpe: None,
                });
            }
            Some(path) => path,
        };
        let mut file = PathBuf::from(path);
        if file.is_dir() {
            file.push("tokenizer.json");
        }
        let bytes = std::fs::read(&file).map_err(|cause| {
            let error = fail(format!("`{}` cannot be read: {cause}", file.display()));
            match cause.kind() {
                // It may be the name of one that the original downloads.
                ErrorKind::NotFound => error.with_hint(HINT).leave_to_original(),
                _ => error.with_hint(HINT),
            }
        })?;
        let read = match bytes.trim_ascii_start().first() {
            Some(b'{') => hugging_face::read(&bytes),
            _ => tiktoken::read(&bytes, encoding, &name_of(&file)),
        };
        read.map_err(|message| fail(format!("`{}`: {message}", file.display())))
    }

    /// The text as it is cut into tokens.
    pub(crate) fn normalized<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.form {
            Form::Nfc if is_nfc_quick(text.chars()) != IsNormalized::Yes => {
                Cow::Owned(text.nfc().collect())
            }
            Form::Nfkc if is_nfkc_quick(text.chars()) != IsNormalized::Yes => {
                Cow::Owned(text.nfkc().collect())
            }
            Form::AsItIs | Form::Nfc | Form::Nfkc => Cow::Borrowed(text),
        }
    }

    /// Calls `token` with where each token of a normalized text ends.
    ///
    /// # Errors
    ///
    /// If a pattern of the tokenizer is too slow for the text.
    pub(crate) fn tokens(&self, text: &str, mut token: impl FnMut(usize)) -> Result<(), OpError> {
        let mut at = 0;
        if let Some(added) = &self.added {
            for found in added.find_iter(text) {
                self.words(text, at..found.start(), &mut token)?;
                token(found.end());
                at = found.end();
            }
        }
        self.words(text, at..text.len(), &mut token)
    }

    fn words(
        &self,
        text: &str,
        span: Range<usize>,
        token: &mut impl FnMut(usize),
    ) -> Result<(), OpError> {
        if span.is_empty() {
            return Ok(());
        }
        let mut spans = vec![span];
        let mut finer = Vec::new();
        for split in &self.splits {
            for span in spans.drain(..) {
                split.cut(text, span, &mut finer)?;
            }
            std::mem::swap(&mut spans, &mut finer);
        }
        for span in spans {
            match &self.bpe {
                Some(bpe) => {
                    let word = &text.as_bytes()[span.clone()];
                    bpe.tokens(word, |end| token(span.start + end));
                }
                None => span.for_each(|at| token(at + 1)),
            }
        }
        Ok(())
    }

    /// The number of tokens of a text.
    ///
    /// # Errors
    ///
    /// As [`tokens`](Self::tokens).
    pub(crate) fn count(&self, text: &str) -> Result<usize, OpError> {
        let mut n = 0;
        self.tokens(&self.normalized(text), |_| n += 1)?;
        Ok(n)
    }
}

fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default();
    name.to_string_lossy().to_lowercase()
}

#[cfg(test)]
pub(crate) mod tests;
