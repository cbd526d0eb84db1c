//! `language_id_score_filter` keeps texts that are in a language, as far as can be told.

use whatlang::Lang;
use wrasse_op::{
    Common, Configured, Example, Interval, OpError, OpSpec, ParamError, Stat, Stats, Text,
    TextFilter,
};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<LanguageIdScoreFilter>(
    "language_id_score_filter",
    "Keeps samples in certain languages, of which the identification is sure enough.",
)
.details(
    "The values are `lang`, an ISO 639-1 code such as `en` or `zh`, and `lang_score`, 0 to 1; \
     `und` and 0 for a text without letters.\n\n\
     Names and parameters are Data-Juicer's, the model is not: it uses fastText's `lid.176`, \
     176 languages and 126 MB to download; here it is whatlang, 70 languages by their script, \
     alphabet and trigrams, within the program. What differs:\n\n\
     * The score is not the probability that fastText gives. It is 1 as soon as the language \
     leads the next one clearly, by a margin that shrinks with the length of the text, and the \
     share of that margin otherwise. Long prose has 1 nearly always; a sentence or less may \
     stay below the default `min_score` although its language is right.\n\
     * A language that is none of the 70 (Basque, Icelandic, Malay, Swahili, ...) is taken for \
     another one, often with a low score.\n\
     * Chinese, Japanese and Korean are told by their characters, each taken for two letters \
     beside those of commands and links. The score is 1 if they are twice as much as these, and \
     0 if they are as much; if they are less, the language of the letters counts.\n\
     * Code has a language, too, an arbitrary one.\n\
     * Chinese is `zh` whatever the script or dialect, Bokmål is `no`, Persian is `fa`.",
)
.decided_by(&["lang"])
.origin("Data-Juicer 1.6; model: whatlang 0.18")
.examples(&[
    Example {
        about: "keeps English",
        params: r#"{"lang": "en"}"#,
        input: &[
            r#"{"text": "The weather was better than anyone had expected, so they went for a walk."}"#,
            r#"{"text": "Das Wetter war besser als erwartet, und so gingen sie durch den Wald nach Hause."}"#,
        ],
        output: &[
            r#"{"text": "The weather was better than anyone had expected, so they went for a walk."}"#,
        ],
    },
    Example {
        about: "keeps several languages",
        params: r#"{"lang": ["zh", "ja"]}"#,
        input: &[
            r#"{"text": "今天天气很好，我们去公园散步。"}"#,
            r#"{"text": "今日は天気がいいので、公園へ散歩に行きます。"}"#,
            r#"{"text": "오늘은 날씨가 좋아서 공원에 갑니다."}"#,
        ],
        output: &[
            r#"{"text": "今天天气很好，我们去公园散步。"}"#,
            r#"{"text": "今日は天気がいいので、公園へ散歩に行きます。"}"#,
        ],
    },
]);

/// Parameters of `language_id_score_filter`.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Params {
    /// The language to keep, or a list of them, as ISO 639-1 codes; any if
    /// empty or null.
    lang: Option<Languages>,
    /// The lowest score to keep, 0 to 1.
    min_score: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            lang: None,
            min_score: 0.8,
        }
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum Languages {
    One(String),
    Many(Vec<String>),
}

pub(crate) struct LanguageIdScoreFilter {
    /// None for any language.
    languages: Vec<String>,
    score: Interval,
}

impl Configured for LanguageIdScoreFilter {
    type Params = Params;

    fn new(params: Params, common: &Common) -> Result<Self, ParamError> {
        let languages = match params.lang {
            None => Vec::new(),
            Some(Languages::One(language)) if language.is_empty() => Vec::new(),
            Some(Languages::One(language)) => vec![language],
            Some(Languages::Many(languages)) => languages,
        };
        let known: Vec<&str> = Lang::all().iter().map(|lang| code(*lang)).collect();
        if let Some(unknown) = languages.iter().find(|code| !known.contains(&code.as_str())) {
            let message = format!("`{unknown}` is not among the languages that are told apart");
            let hint = format!("leave it out; known are {}", known.join(", "));
            return Err(ParamError::new("lang", message).with_hint(hint));
        }
        Ok(Self {
            languages,
            score: common.interval(Some(params.min_score), None),
        })
    }
}

impl TextFilter for LanguageIdScoreFilter {
    const STATS: &'static [&'static str] = &["lang", "lang_score"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let (language, score) = Letters::of(text).east_asian().unwrap_or_else(|| {
            let found = whatlang::detect(text);
            found.map_or(("und", 0.0), |info| (code(info.lang()), info.confidence()))
        });
        stats.set("lang", Stat::Text(language.to_owned()));
        stats.set("lang_score", score);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let is_wanted = match stats.get("lang") {
            Some(Stat::Text(language)) => self.languages.contains(language),
            _ => false,
        };
        (self.languages.is_empty() || is_wanted)
            && self.score.keeps_stat(stats, "lang_score")
    }
}

/// The letters of a text, by what they tell of East Asian languages.
///
/// whatlang goes by the script of most letters, with each kana a script of its
/// own: a Japanese manual with some commands in it would be English.
#[derive(Default)]
struct Letters {
    han: usize,
    kana: usize,
    hangul: usize,
    others: usize,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self::default();
        for c in text.chars() {
            match c {
                'a'..='z' | 'A'..='Z' => letters.others += 1,
                '\0'..='\x7f' => {}
                '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
                    letters.han += 1;
                }
                '\u{20000}'..='\u{3ffff}' => letters.han += 1,
                '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{ff66}'..='\u{ff9d}' => {
                    letters.kana += 1;
                }
                '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7a3}' => {
                    letters.hangul += 1;
                }
                _ => letters.others += usize::from(c.is_alphabetic()),
            }
        }
        letters
    }

    /// The language, if it is the greater part of the text, and how far it
    /// leads the rest: 1 for twice as much.
    fn east_asian(&self) -> Option<(&'static str, f64)> {
        // A character says about as much as two letters.
        let weight = 2 * (self.han + self.kana + self.hangul);
        if weight == 0 || weight < self.others {
            return None;
        }
        let language = if self.hangul > self.han + self.kana {
            "ko"
        } else if 10 * self.kana > self.han + self.kana {
            "ja"
        } else {
            "zh"
        };
        let lead = (weight - self.others) as f64 / self.others.max(1) as f64;
        Some((language, lead.min(1.0)))
    }
}

/// The ISO 639-1 code of a language.
fn code(language: Lang) -> &'static str {
    match language {
        Lang::Epo => "eo",
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "no",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        Lang::Cym => "cy",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_language_has_a_code_of_its_own() {
        let codes: BTreeSet<&str> = Lang::all().iter().map(|lang| code(*lang)).collect();
        assert_eq!(codes.len(), Lang::all().len());
        assert!(codes.iter().all(|code| code.len() == 2));
    }
}
