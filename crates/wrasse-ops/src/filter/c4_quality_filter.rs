//! `c4_quality_filter` applies the rules of C4 for whole texts.

use wrasse_op::{Common, Configured, Example, OpError, OpSpec, ParamError, Stats, Text, TextFilter};

use crate::c4::{Line, Params};

pub(crate) const SPEC: OpSpec = OpSpec::text_filter::<C4QualityFilter>(
    "c4_quality_filter",
    "Keeps samples that pass the quality rules of C4: enough sentences in lines that are prose.",
)
.measured_by(&["min_words_per_line", "max_word_length"])
.details(
    "The rules and thresholds are those of section 2.2 of [Raffel et al. \
     2020](https://jmlr.org/papers/v21/20-074.html) and of its code, as datatrove 0.10 has them; \
     the list of bad words is left to `flagged_words_filter`. A sample is dropped if the lines \
     that count hold too few sentences, or one of them `lorem ipsum` or `{`. The order of the \
     rules is datatrove's: a line that does not count for its end or its few words drops \
     nothing.\n\n\
     Here a filter leaves texts as they are: the original also removes the lines that do not \
     count, and citations. `c4_quality_mapper` does that; put it *after* this filter, with the \
     same parameters, and both together give the texts of the original. Lines are those of \
     Python's `str.splitlines`, sentences those of spaCy's English `Sentencizer`.",
)
.origin("datatrove 0.10, Raffel et al. 2020 (C4)")
.examples(&[Example {
    about: "counts sentences of lines that end with a stop mark",
    params: r#"{"min_num_sentences": 3}"#,
    input: &[
        r#"{"text": "This is one. This is two.\nAnd here comes three!"}"#,
        r#"{"text": "This is one. This is two.\nAnd here comes three"}"#,
        r#"{"text": "This is one. This is two. And {three} is code."}"#,
    ],
    output: &[r#"{"text": "This is one. This is two.\nAnd here comes three!"}"#],
}]);

pub(crate) struct C4QualityFilter {
    params: Params,
}

impl Configured for C4QualityFilter {
    type Params = Params;

    fn new(params: Params, _: &Common) -> Result<Self, ParamError> {
        params.check()?;
        Ok(Self { params })
    }
}

impl TextFilter for C4QualityFilter {
    const STATS: &'static [&'static str] =
        &["c4_n_sentences", "c4_n_lorem_ipsum", "c4_n_curly_bracket"];

    fn measure(&self, text: &Text, stats: &mut Stats) -> Result<(), OpError> {
        let (mut n_sentences, mut n_lorem_ipsum, mut n_brackets) = (0, 0, 0);
        self.params.for_each_line(text, |line| match line {
            Line::Counts(line) => n_sentences += self.params.n_sentences(&line),
            Line::Removed => {}
            Line::LoremIpsum => n_lorem_ipsum += 1,
            Line::CurlyBracket => n_brackets += 1,
        });
        stats.set("c4_n_sentences", n_sentences);
        stats.set("c4_n_lorem_ipsum", n_lorem_ipsum);
        stats.set("c4_n_curly_bracket", n_brackets);
        Ok(())
    }

    fn keep(&self, stats: &Stats) -> bool {
        let at_least = self.params.min_num_sentences as f64;
        let enough = |sentences| at_least < 0.0 || sentences >= at_least;
        stats.number("c4_n_sentences").is_some_and(enough)
            && stats.number("c4_n_lorem_ipsum") == Some(0.0)
            && stats.number("c4_n_curly_bracket") == Some(0.0)
    }
}
