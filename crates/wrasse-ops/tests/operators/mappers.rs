//! Edges of the mappers: empty texts, line ends of Windows, what is cut off in
//! the middle, and the originals' quirks.
//!
//! The wanted texts were taken from Data-Juicer 1.6.

use serde_json::json;

use crate::{Case, run_on};

/// Texts before and after.
#[rustfmt::skip]
const CASES: &[Case] = &[
    ("clean_copyright_mapper", r#"{}"#, &[
        ("", ""),
        ("\n\n", ""),
        ("# a\r\n\r\nb", "\r\nb"),
        ("/*/ x */y", "/*/ x */y"),
        ("a /* COPYRİGHT */ b /* copyright */", "a  b /* copyright */"),
        ("/* open copyright", "/* open copyright"),
        ("//a", ""),
        ("code\n# b", "code\n# b"),
        ("/* x */\n# copyright", "/* x */\n# copyright"),
        ("-- a\n#b\n//c\n\nd\n\n", "d\n\n"),
    ]),
    ("clean_email_mapper", r#"{"repl": "<\\g<0>>"}"#, &[
        ("", ""),
        ("@", "@"),
        ("a@b.c", "<a@b.c>"),
        ("a@b.c.D", "<a@b.c>.D"),
        ("a@.b.c", "<a@.b.c>"),
        ("a@b..c-d.e1", "<a@b..c-d.e>1"),
        ("A+b_c@d.ef.", "<A+b_c@d.ef>."),
        ("a@b.c@d.e", "<a@b.c>@d.e"),
        ("a\r\n@b.c", "a\r\n@b.c"),
        ("é@b.c", "é@b.c"),
    ]),
    ("clean_ip_mapper", r#"{"repl": "<\\g<0>>"}"#, &[
        ("", ""),
        ("1.2.3.4.5", "<1.2.3.4>.5"),
        ("256.256.256.256", "256.256.256.256"),
        ("01.2.3.4", "0<1.2.3.4>"),
        ("1.2.3", "1.2.3"),
        ("1.2.3.4\r\n", "<1.2.3.4>\r\n"),
        ("a:b:c:d:e:f:0:1:2", "<a:b:c:d:e:f:0:1>:2"),
        ("12345:2:3:4:5:6:7:89abc", "1<2345:2:3:4:5:6:7:89ab>c"),
        ("1:2:3:4:5:6:7:1.2.3.4", "<1:2:3:4:5:6:7:1>.2.3.4"),
        ("٣:2:3:4:5:6:7:٣", "<٣:2:3:4:5:6:7:٣>"),
    ]),
    ("clean_links_mapper", r#"{"repl": "<\\1>"}"#, &[
        ("", ""),
        ("http://", "http://"),
        ("http:///x", "<http:///x>"),
        ("a:b", "a:b"),
        ("ab:c", "ab:c"),
        ("ab:cd", "ab:cd"),
        ("ab:c.", "ab:c."),
        ("note:this. Then", "<note:this>. Then"),
        ("foo.www.a.co/ x", "foo.<www.a.co/> x"),
        ("x-www.a.co/bc", "<x-www.a.co/bc>"),
        ("www٣.ab", "<www٣.ab>"),
        ("wwww.ab", "wwww.ab"),
        ("t.co/a", "t.co/a"),
        ("t.co/ab(c(d)e).", "<t.co/ab(c(d)e)>."),
        ("t.co/ab(c(d(e))).", "<t.co/ab>(c(d(e)))."),
        ("链接http://a.b", "链接http://a.b"),
        ("：http://a.b/路，径 后", "：<http://a.b/路，径> 后"),
        ("a@b.co/xyz", "a@<b.co/xyz>"),
        ("ab:\r\ncd", "ab:\r\ncd"),
        ("http://a.b«c»", "<http://a.b«c>»"),
    ]),
    ("clean_links_mapper", r#"{"repl": "[\\2|\\3]"}"#, &[
        ("see ab:c(d(e)f) g", "see ab:c(d(e)f) g"),
    ]),
    ("remove_long_words_mapper", r#"{"max_len": 3}"#, &[
        ("", ""),
        (" \t\n ", ""),
        ("a\r\nb", "a\r\nb"),
        ("abcd a", "a"),
        ("\"abc\", «abcde» x", "\"abc\", x"),
        ("a\t \n b\t\tc  d", "a\nb\tc d"),
        ("12345 ab", "ab"),
        ("数据集合 数据", "数据"),
    ]),
    ("remove_long_words_mapper", r#"{"min_len": 2, "max_len": 4}"#, &[
        ("a bb ccccc", "bb"),
        ("(a) ((((a))))", "(a)"),
        ("ab\n\n\ncd\n", "ab\ncd"),
    ]),
    ("remove_repeat_sentences_mapper", r#"{}"#, &[
        ("", ""),
        ("a. a. ab. ab. ab", "a. a. ab."),
        ("Go on. Go on.\r\nGo on.", "Go on.\r\n"),
        ("3.14 3.14 3.14", "3.14 3.14"),
        ("好的。好的。“好的。”好", "好的。好"),
        ("Wait...... Wait...... Wait", "Wait...... Wait....."),
        ("Hm…… Hm…… Hm", "Hm……"),
        (" \n \n ", " \n \n "),
        ("A b.” A b.” A b.”c", "A b.”c"),
        ("ab!ab?ab", "ab!"),
    ]),
    ("remove_repeat_sentences_mapper", r#"{"lowercase": true, "ignore_special_character": false, "min_repeat_sentence_length": 0}"#, &[
        ("ΑΣ. ας. ΑΣ", "ΑΣ. ΑΣ"),
        ("\n \n  \na", "\n \n\na"),
        ("a. A! a.", "a. A!"),
    ]),
    ("remove_specific_chars_mapper", r#"{"chars_to_remove": ["ab", "\n", "é"]}"#, &[
        ("", ""),
        ("a\r\nbcé", "\rc"),
        ("xyz", "xyz"),
    ]),
    ("replace_content_mapper", r#"{"pattern": ["(?m)$", "\\s+"], "repl": [".", " "]}"#, &[
        ("", "."),
        ("a\r\nb\n", "a . b. ."),
        ("a", "a."),
    ]),
    ("punctuation_normalization_mapper", r#"{}"#, &[
        ("", ""),
        ("１…—．‘’", "\"... - . ‘'"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa。bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb»", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""),
    ]),
    ("whitespace_normalization_mapper", r#"{}"#, &[
        ("", ""),
        (" \u{1c}\u{3000}", ""),
        ("\u{feff} a\u{1680}b", "\u{feff} a\u{1680}b"),
        ("\ta\tb\r\n", "a b"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u{2009}b\u{84}c\n", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b c"),
    ]),
];

#[test]
fn edges_are_those_of_the_original() {
    for (name, params, texts) in CASES {
        let params: serde_json::Value = serde_json::from_str(params).unwrap();
        for (text, want) in *texts {
            let ran = run_on(name, &params, text);
            assert_eq!(
                ran.rows,
                [json!({ "text": want })],
                "{name} {params} {text:?}"
            );
        }
    }
}
