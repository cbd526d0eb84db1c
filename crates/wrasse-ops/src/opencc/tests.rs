//! Whole texts, against what OpenCC gave and against slow, plain code.

use std::collections::HashMap;

use super::*;
use crate::dice::dice;

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

/// A dictionary, read as it is.
struct Plain(HashMap<&'static str, String>);

impl Plain {
    fn new(name: Name) -> Self {
        let entries = name.entries().into_iter();
        Self(entries.map(|(key, value)| (key, value.into())).collect())
    }

    /// The longest entry that a text begins with.
    fn longest<'t>(&self, text: &'t str) -> Option<(&'t str, &str)> {
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
        let keys = ends.take(16).map(|end| &text[..end]);
        keys.filter_map(|key| Some((key, self.0.get(key)?.as_str())))
            .last()
    }
}

fn plainly_replaced(dicts: &[Plain], mut text: &str) -> String {
    let mut out = String::new();
    while let Some(c) = text.chars().next() {
        let found = dicts.iter().find_map(|dict| dict.longest(text));
        let itself = &text[..c.len_utf8()];
        let (key, value) = found.unwrap_or((itself, itself));
        out.push_str(value);
        text = &text[key.len()..];
    }
    out
}

fn plainly_converted(cuts: &Plain, stages: &[Vec<Plain>], text: &str) -> String {
    let after_all = |segment: &str| {
        stages.iter().fold(segment.to_owned(), |text, dicts| {
            plainly_replaced(dicts, &text)
        })
    };
    let (mut out, mut between, mut rest) = (String::new(), String::new(), text);
    while let Some(c) = rest.chars().next() {
        let found = cuts.longest(rest);
        let n = found.map_or(c.len_utf8(), |(key, _)| key.len());
        let (here, behind) = rest.split_at(n);
        if found.is_some() {
            out += &(after_all(&std::mem::take(&mut between)) + &after_all(here));
        } else {
            between += here;
        }
        rest = behind;
    }
    out + &after_all(&between)
}

#[test]
fn fast_conversion_is_plain_conversion() {
    const MODES: [Mode; 14] = [
        Mode::S2t,
        Mode::T2s,
        Mode::S2tw,
        Mode::Tw2s,
        Mode::S2hk,
        Mode::Hk2s,
        Mode::S2twp,
        Mode::Tw2sp,
        Mode::T2tw,
        Mode::Tw2t,
        Mode::T2hk,
        Mode::Hk2t,
        Mode::T2jp,
        Mode::Jp2t,
    ];
    let mut below = dice(3);
    for mode in MODES {
        let (cuts, stages) = mode.scheme();
        let names = || stages.iter().copied().flatten().chain([&cuts]);
        let keys: Vec<_> = names()
            .flat_map(|name| name.entries())
            .map(|(key, _)| key)
            .collect();
        let plain = |names: &&[Name]| names.iter().copied().map(Plain::new).collect();
        let stages: Vec<Vec<Plain>> = stages.iter().map(plain).collect();
        let cuts = Plain::new(cuts);
        let converter = Converter::new(mode);
        let mut by_first: HashMap<char, Vec<&str>> = HashMap::new();
        for key in &keys {
            by_first
                .entry(key.chars().next().unwrap())
                .or_default()
                .push(*key);
        }
        for _ in 0..100 {
            let mut text = String::new();
            let n_kinds = [6, 20][below(2)];
            for _ in 0..below(60) {
                // Phrases, one in the end of the other, parts of them, and what
                // stands between: some of it is what begins one.
                let key = keys[below(keys.len())];
                let overlapping = text.chars().last().and_then(|c| by_first.get(&c));
                match (below(n_kinds), overlapping) {
                    (0, _) => text.extend(key.chars().skip(below(5))),
                    (1, _) => text.push_str(&"P".repeat(below(5))),
                    (2, _) => {
                        text.push_str(["，", "U", "é", "𪢮", "😀", "复", "한", "\n"][below(8)]);
                    }
                    (3, _) => text.extend(key.chars().take(below(5))),
                    (4, _) | (_, None) => text.push_str(key),
                    (_, Some(keys)) => text.extend(keys[below(keys.len())].chars().skip(1)),
                }
            }
            let want = plainly_converted(&cuts, &stages, &text);
            assert_eq!(converter.convert(&text), want, "{mode:?} {text:?}");
        }
    }
}
