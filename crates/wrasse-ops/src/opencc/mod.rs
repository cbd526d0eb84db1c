//! Conversion between variants of Chinese, as OpenCC 1.1.9 does it: with its
//! dictionaries and in its order.
//!
//! A text is cut into segments: the longest phrase of one dictionary at each
//! place, and what lies between such phrases. Each segment then goes through
//! the stages of its [`Mode`]. A stage replaces, from left to right, the
//! longest entry of its first dictionary that has one; what none has stays.

mod dict;

use dict::{Dict, Name};

use crate::scan::{FirstBytes, Hits};

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
    segments: Stage,
    /// Whether the dictionary of segments is the first one of the first stage
    /// too, which need not look again then.
    is_first: bool,
    /// The first stage where its first dictionary has nothing, if so.
    between: Stage,
    stages: Vec<Stage>,
}

/// Dictionaries that are asked one after the other.
struct Stage {
    dicts: Vec<&'static Dict>,
    /// The first bytes of their entries.
    first: FirstBytes,
}

impl Stage {
    fn new(names: &[Name]) -> Self {
        let dicts: Vec<&Dict> = names.iter().map(|name| Dict::get(*name)).collect();
        Self {
            first: FirstBytes::of(dicts.iter().flat_map(|dict| dict.first_chars())),
            dicts,
        }
    }
}

impl Converter {
    pub(crate) fn new(mode: Mode) -> Self {
        let (segments, stages) = mode.scheme();
        Self {
            segments: Stage::new(&[segments]),
            is_first: stages[0][0] == segments,
            between: Stage::new(&stages[0][1..]),
            stages: stages.iter().map(|names| Stage::new(names)).collect(),
        }
    }

    pub(crate) fn convert(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 16);
        // Of one character, no entry reaches beyond a segment.
        let is_narrow = self.between.dicts.iter().all(|dict| dict.has_no_phrases());
        if let [stage] = &self.stages[..]
            && self.is_first
            && is_narrow
        {
            replace(stage, text, &mut out);
            return out;
        }
        let mut scratch = [String::new(), String::new()];
        let mut start = 0;
        for_each_entry(&self.segments, text, |at, key, value| {
            self.segment(&text[start..at], None, &mut scratch, &mut out);
            self.segment(key, Some(value), &mut scratch, &mut out);
            start = at + key.len();
        });
        self.segment(&text[start..], None, &mut scratch, &mut out);
        out
    }

    /// Appends a segment after all stages: a phrase with its value in the
    /// dictionary of segments, or what lies between phrases.
    fn segment(
        &self,
        segment: &str,
        value: Option<&str>,
        scratch: &mut [String; 2],
        out: &mut String,
    ) {
        if segment.is_empty() {
            return;
        }
        let Some((first, rest)) = self.stages.split_first() else {
            return;
        };
        let Some((last, between)) = rest.split_last() else {
            self.first_stage(first, segment, value, out);
            return;
        };
        let [now, next] = scratch;
        now.clear();
        self.first_stage(first, segment, value, now);
        for stage in between {
            next.clear();
            replace(stage, now, next);
            std::mem::swap(now, next);
        }
        replace(last, now, out);
    }

    fn first_stage(&self, stage: &Stage, segment: &str, value: Option<&str>, out: &mut String) {
        match value {
            Some(value) if self.is_first => out.push_str(value),
            // Between phrases the dictionary of segments has nothing.
            None if self.is_first => replace(&self.between, segment, out),
            _ => replace(stage, segment, out),
        }
    }
}

/// Appends a segment, after one stage.
fn replace(stage: &Stage, segment: &str, out: &mut String) {
    let mut copied = 0;
    for_each_entry(stage, segment, |at, key, value| {
        if key != value {
            out.push_str(&segment[copied..at]);
            out.push_str(value);
            copied = at + key.len();
        }
    });
    out.push_str(&segment[copied..]);
}

/// Calls `each` with the entries from left to right: where they are, they and
/// their values.
fn for_each_entry<'t>(
    stage: &'t Stage,
    text: &'t str,
    mut each: impl FnMut(usize, &'t str, &'t str),
) {
    let mut hits = Hits::new(&stage.first, text.as_bytes());
    let mut at = 0;
    while let Some(hit) = hits.next_from(at) {
        let rest = &text[hit..];
        let Some(c) = rest.chars().next() else {
            return;
        };
        at = hit + c.len_utf8();
        if let Some((n, value)) = stage.dicts.iter().find_map(|dict| dict.longest(rest, c)) {
            each(hit, &rest[..n], value);
            at = hit + n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wanted texts were taken from OpenCC 1.1.9.
    #[test]
    fn modes_are_those_of_the_original() {
        let text = "头发里的鼠标和U盘，裏面的臺灣滑鼠與發現；真是惡魔舊學体";
        for (mode, want) in [
            (
                Mode::S2t,
                "頭髮裏的鼠標和U盤，裏面的臺灣滑鼠與發現；真是惡魔舊學體",
            ),
            (
                Mode::T2s,
                "头发里的鼠标和U盘，里面的台湾滑鼠与发现；真是恶魔旧学体",
            ),
            (
                Mode::S2tw,
                "頭髮裡的鼠標和U盤，裡面的臺灣滑鼠與發現；真是惡魔舊學體",
            ),
            (
                Mode::Tw2s,
                "头发里的鼠标和U盘，里面的台湾滑鼠与发现；真是恶魔旧学体",
            ),
            (
                Mode::S2hk,
                "頭髮裏的鼠標和U盤，裏面的台灣滑鼠與發現；真是惡魔舊學體",
            ),
            (
                Mode::Hk2s,
                "头发里的鼠标和U盘，里面的台湾滑鼠与发现；真是恶魔旧学体",
            ),
            (
                Mode::S2twp,
                "頭髮裡的滑鼠和隨身碟，裡面的臺灣滑鼠與發現；真是惡魔舊學體",
            ),
            (
                Mode::Tw2sp,
                "头发里的鼠标和U盘，里面的台湾鼠标与发现；真是恶魔旧学体",
            ),
            (
                Mode::T2tw,
                "头发里的鼠标和U盘，裡面的臺灣滑鼠與發現；真是惡魔舊學体",
            ),
            (
                Mode::Tw2t,
                "头发里的鼠标和U盘，裏面的臺灣滑鼠與發現；真是惡魔舊學体",
            ),
            (
                Mode::T2hk,
                "头发里的鼠标和U盘，裏面的台灣滑鼠與發現；真是惡魔舊學体",
            ),
            (
                Mode::Hk2t,
                "头发里的鼠标和U盘，裏面的臺灣滑鼠與發現；真是惡魔舊學体",
            ),
            (
                Mode::T2jp,
                "头发里的鼠标和U盘，裏面的台湾滑鼠与発現；真是悪魔旧学体",
            ),
            (
                Mode::Jp2t,
                "头发里的鼠标和U盘，裏面的臺灣滑鼠與發現；真是惡魔舊學體",
            ),
        ] {
            assert_eq!(Converter::new(mode).convert(text), want, "{mode:?}");
            assert_eq!(Converter::new(mode).convert(""), "", "{mode:?}");
        }
    }

    #[test]
    fn the_longest_phrase_counts() {
        let converter = Converter::new(Mode::S2t);
        assert_eq!(
            converter.convert("一发千钧，一周天，一发"),
            "一髮千鈞，一周天，一發"
        );
    }
}
