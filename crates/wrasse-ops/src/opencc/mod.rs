//! Conversion between variants of Chinese, as OpenCC 1.1.9 does it: with its
//! dictionaries and in its order.
//!
//! A text is cut into segments: the longest phrase of one dictionary at each
//! place, and what lies between such phrases. Each segment then goes through
//! the stages of its [`Mode`]. A stage replaces, from left to right, the
//! longest entry of its first dictionary that has one; what none has stays.

mod dict;
mod out;
mod phrases;
mod stage;

use std::borrow::Cow;

use dict::Name;
use out::Out;
use phrases::Value;
use stage::Stage;

/// From what into what to convert.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    #[default]
    S2t,
    T2s,
    S2tw,
    Tw2s,
    S2hk,
    Hk2s,
    S2twp,
    Tw2sp,
    T2tw,
    Tw2t,
    T2hk,
    Hk2t,
    T2jp,
    Jp2t,
}

/// The dictionary that cuts segments, and those of each stage.
type Scheme = (Name, &'static [&'static [Name]]);

impl Mode {
    const fn scheme(self) -> Scheme {
        use Name::*;
        const ST: &[Name] = &[StPhrases, StCharacters];
        const TS: &[Name] = &[TsPhrases, TsCharacters];
        const HK_REV: &[Name] = &[HkVariantsRevPhrases, HkVariantsRev];
        const TW_REV: &[Name] = &[TwVariantsRevPhrases, TwVariantsRev];
        const TWP_REV: &[Name] = &[TwPhrasesRev, TwVariantsRevPhrases, TwVariantsRev];
        const JP_REV: &[Name] = &[JpShinjitaiPhrases, JpShinjitaiCharacters, JpVariantsRev];
        match self {
            Self::S2t => (StPhrases, &[ST]),
            Self::T2s => (TsPhrases, &[TS]),
            Self::S2tw => (StPhrases, &[ST, &[TwVariants]]),
            Self::Tw2s => (TsPhrases, &[TW_REV, TS]),
            Self::S2hk => (StPhrases, &[ST, &[HkVariants]]),
            Self::Hk2s => (TsPhrases, &[HK_REV, TS]),
            Self::S2twp => (StPhrases, &[ST, &[TwPhrases], &[TwVariants]]),
            Self::Tw2sp => (TsPhrases, &[TWP_REV, TS]),
            Self::T2tw => (TwVariants, &[&[TwVariants]]),
            Self::Tw2t => (TwVariantsRevPhrases, &[TW_REV]),
            Self::T2hk => (HkVariants, &[&[HkVariants]]),
            Self::Hk2t => (HkVariantsRevPhrases, &[HK_REV]),
            Self::T2jp => (JpVariants, &[&[JpVariants]]),
            Self::Jp2t => (JpShinjitaiPhrases, &[JP_REV]),
        }
    }
}

/// Converts texts in one mode.
pub(crate) struct Converter {
    /// Each phrase of the dictionary of segments, with what it is after all
    /// stages; and characters after all stages, if what lies between phrases is
    /// converted one by one.
    segments: Stage,
    /// Else the stages for what lies between.
    between: Vec<Stage>,
}

impl Converter {
    pub(crate) fn new(mode: Mode) -> Self {
        let (cuts, schemes) = mode.scheme();
        let stage = |names: &[Name]| {
            let dicts: Vec<_> = names.iter().map(|name| name.entries()).collect();
            Stage::new(&dicts)
        };
        let stages: Vec<Stage> = schemes.iter().map(|names| stage(names)).collect();
        let after_all = |key: &'static str| (key, Cow::Owned(after(&stages, key)));
        let keys = |name: Name| name.entries().into_iter().map(|(key, _)| key);
        let phrases = keys(cuts).map(after_all).collect();
        // Between phrases the dictionary that cuts has nothing for the first stage.
        let (first, later) = schemes.split_first().unwrap_or((&(&[] as &[_]), &[]));
        let between = first.iter().filter(|name| **name != cuts);
        let between = || between.clone().chain(later.iter().copied().flatten());
        if between().any(|name| name.has_phrases()) {
            assert!(!cuts.has_characters(), "what is between is no character");
            return Self {
                segments: Stage::new(&[phrases]),
                between: stages,
            };
        }
        let singles = between().flat_map(|name| keys(*name)).map(after_all);
        Self {
            segments: Stage::new(&[phrases, singles.collect()]),
            between: Vec::new(),
        }
    }

    pub(crate) fn convert<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let bytes = text.as_bytes();
        let mut stages = self.between.iter().chain([&self.segments]);
        if stages.all(|stage| stage.has_nothing_in(bytes)) {
            return Cow::Borrowed(text);
        }
        let mut out = Out::with_capacity(text.len() + text.len() / 16);
        if self.between.is_empty() {
            self.segments.replace(bytes, &mut out);
        } else {
            self.convert_segments(bytes, &mut out);
        }
        match out.as_bytes() == bytes {
            true => Cow::Borrowed(text),
            false => Cow::Owned(out.into_string()),
        }
    }

    fn convert_segments(&self, text: &[u8], out: &mut Out) {
        let mut scratch = Default::default();
        let mut start = 0;
        self.segments.for_each_phrase(text, |at, end, value| {
            push_after(&self.between, &text[start..at], &mut scratch, out);
            out.push(match value {
                Value::Is(value) => value,
                Value::OneByOne => &text[at..end],
            });
            start = end;
        });
        push_after(&self.between, &text[start..], &mut scratch, out);
    }
}

/// The text after all stages.
fn after(stages: &[Stage], text: &str) -> String {
    let mut out = Out::default();
    push_after(stages, text.as_bytes(), &mut Default::default(), &mut out);
    out.into_string()
}

/// Appends a text after all stages.
fn push_after(stages: &[Stage], text: &[u8], scratch: &mut [Out; 2], out: &mut Out) {
    let Some((last, earlier)) = stages.split_last() else {
        return out.push(text);
    };
    let [now, next] = scratch;
    let Some((first, earlier)) = earlier.split_first() else {
        return last.replace(text, out);
    };
    now.clear();
    first.replace(text, now);
    for stage in earlier {
        next.clear();
        stage.replace(now.as_bytes(), next);
        std::mem::swap(now, next);
    }
    last.replace(now.as_bytes(), out);
}

#[cfg(test)]
mod tests;
