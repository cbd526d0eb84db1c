//! `remove_words_with_incorrect_substrings_mapper` removes words in which
//! something stands that no word has.

use std::borrow::Cow;

use regex::Regex;
use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Text, TextMapper};

use crate::charset::SPECIAL;
use crate::words::keep_words;

pub(crate) const SPEC: OpSpec = OpSpec::text_mapper::<RemoveWordsWithIncorrectSubstringsMapper>(
    "remove_words_with_incorrect_substrings_mapper",
    "Removes words that contain one of the given substrings.",
)
.details("Words are what stands between line ends, tabs and plain spaces. Before a word is searched, the special characters at its ends are taken off (punctuation, digits, emoji; the set is Data-Juicer's): a lone `//` stays. Case matters.\n\nThe words that stay are joined by one separator each: a line end if there was one between them, else a tab, else a space. So runs of separators shrink to one and empty lines go even if no word is removed, as in the original.")
.origin("Data-Juicer 1.6")
.examples(&[
    Example {
        about: "removes what looks like a link by default",
        params: "{}",
        input: &[r#"{"text": "see http://a.b or  www.c.d\n\nor // not"}"#],
        output: &[r#"{"text": "see or\nor // not"}"#],
    },
    Example {
        about: "takes substrings literally",
        params: r#"{"substrings": ["a.c"]}"#,
        input: &[r#"{"text": "abc a.c xa.cx A.C"}"#],
        output: &[r#"{"text": "abc A.C"}"#],
    },
]);

/// Parameters of `remove_words_with_incorrect_substrings_mapper`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The language of the text; only tokenization would need it.
    #[serde(rename = "lang")]
    _lang: String,
    /// Split the text with a SentencePiece model. Not supported: it takes a
    /// model.
    tokenization: bool,
    /// The substrings; if null `http`, `www`, `.com`, `href` and `//`.
    substrings: Option<Vec<String>>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            _lang: "en".to_owned(),
            tokenization: false,
            substrings: None,
        }
    }
}

pub(crate) struct RemoveWordsWithIncorrectSubstringsMapper {
    substrings: Vec<String>,
    /// Any of the substrings; none if there are none.
    any: Option<Regex>,
}

impl Configured for RemoveWordsWithIncorrectSubstringsMapper {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        if params.tokenization {
            return Err(ParamError::new(
                "tokenization",
                "words of a SentencePiece model are not supported",
            )
            .with_hint("leave it out: the text is then split at white space"));
        }
        let substrings = params.substrings.unwrap_or_else(|| {
            let default = ["http", "www", ".com", "href", "//"];
            default.map(str::to_owned).into()
        });
        let any: Vec<String> = substrings.iter().map(|part| regex::escape(part)).collect();
        let any = match any.is_empty() {
            true => None,
            false => Some(Regex::new(&any.join("|")).map_err(|_| {
                ParamError::new("substrings", "too many substrings")
            })?),
        };
        Ok(Self { substrings, any })
    }
}

impl TextMapper for RemoveWordsWithIncorrectSubstringsMapper {
    fn map<'t>(&self, text: &'t Text) -> Result<Cow<'t, str>, OpError> {
        let text = text.as_str();
        // Where the next substring begins; most words lie before it.
        let find = |from: usize| match &self.any {
            Some(any) => any.find_at(text, from).map_or(usize::MAX, |found| found.start()),
            None => usize::MAX,
        };
        let mut next = find(0);
        Ok(keep_words(text, |start, end| {
            if next < start {
                next = find(start);
            }
            if end <= next {
                return true;
            }
            let word = text[start..end].trim_matches(|c| SPECIAL.contains(c));
            !self.substrings.iter().any(|part| word.contains(part))
        }))
    }
}
