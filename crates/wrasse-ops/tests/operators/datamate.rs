//! Edges of DataMate's cleaners: what overlaps, what is cut off, and the
//! originals' quirks.
//!
//! The wanted texts were taken from the originals (July 2026).

use serde_json::json;
use wrasse_op::testing;

use crate::build;

/// Operator, and texts before and after.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("AnonymizedIpAddress", &[
        ("::", "<ip>"),
        ("std::vector", "st<ip>vector"),
        ("1::2::3", "1::2::3"),
        (":a::", ":a::"),
        ("1:2:3:4:5:6:7::", "<ip>"),
        ("1:2:3:4:5:6:7:8:", "1:2:3:4:5:6:7:8:"),
        ("::ffff:192.168.1.1", "::ffff:<ip>"),
        ("a::1.2.3.4", "<ip>.2.3.4"),
        ("IPv4 1.2.3.4, 5.6.7.8", "IPv4 <ip>, <ip>"),
        ("sip1.2.3.4 01.2.3.4", "sip<ip> 01.2.3.4"),
        (" 256.1.1.1.1 ", "256.1.1.1.1"),
    ]),
    ("EmailNumberCleaner", &[
        ("a@b.com", "<email>"),
        ("x.a@b..com a@b..com", "x.a@b..com a@b..com"),
        (".a@b.com", ".a@b.com"),
        ("a@b.com.", "<email>."),
        ("a@b.LOCAL", "a@b.LOCAL"),
        ("a @b.com", "a @b.com"),
        ("a@-b.com", "a@-b.com"),
        ("y@x_.com;x@y.com", "y@x_.com;<email>"),
        ("bad@-.com.a@b.com a@b.com", "bad@-.com.<email> <email>"),
        ("a@ab--c.com", "a@ab--c.com"),
        ("a@b.123", "a@b.123"),
        ("a@b-.com -a@b.com-a@b.com-a@b.com", "a@b-.com -a@b.com-a@<email>"),
    ]),
    ("AnonymizedCreditCardNumber", &[
        ("-12345674", "<credit_card_number>"),
        ("5 12345674", "5 <credit_card_number>"),
        (" 12345674 x12345674", "<credit_card_number> x<credit_card_number>"),
        ("4000-4111-1111-1111-1111, 4111-1111-1111-1111", "4000-<credit_card_number>, <credit_card_number>"),
        ("4111 1111 1111 1111 1111", "<credit_card_number> 1111"),
    ]),
    ("AnonymizedPhoneNumber", &[
        ("13800138000", "<tel>"),
        ("(0086)138 0013 8000", "<tel>"),
        ("113800138000", "113800138000"),
        ("+86 010-88886666", "<tel>"),
        ("\u{660}13800138000", "\u{660}13800138000"),
        ("\u{ff11}\u{ff13}\u{ff18}\u{ff10}\u{ff10}\u{ff11}\u{ff13}\u{ff18}\u{ff10}\u{ff10}\u{ff10}", "\u{ff11}\u{ff13}\u{ff18}\u{ff10}\u{ff10}\u{ff11}\u{ff13}\u{ff18}\u{ff10}\u{ff10}\u{ff10}"),
    ]),
    ("AnonymizedUrlCleaner", &[
        ("http://", "http://"),
        ("www.a", "www.a"),
        ("awww.ab", "awww.ab"),
        ("http://a.", "http://a."),
        ("https://www.x.y/(z).", "<url>)."),
        ("-www.ab ~www.ab", "-www.ab ~<url>"),
        ("ahttp://b.c", "a<url>"),
        ("ftp://!!a!!", "<url>!!"),
    ]),
    ("EmojiCleaner", &[
        ("1\u{fe0f}\u{20e3}", ""),
        ("1", "1"),
        ("#\u{20e3}", ""),
        ("\u{1f1e8}\u{1f1f3}\u{1f1e8}", "\u{1f1e8}"),
        ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}"),
        ("\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466}\u{200d}", "\u{200d}"),
        ("a\u{fe0f}", "a"),
        ("\u{1f3fd}", ""),
        ("\u{1f44d}\u{1f3fd}\u{1f44d}", ""),
    ]),
    ("ExtraSpaceCleaner", &[
        ("", ""),
        (" \n ", ""),
        ("a\u{3000}\u{3000}b", "a b"),
        ("我 们 a", "我们 a"),
        ("a ( b", "a ( b"),
        ("\u{200b} a\t\n\n\n\tb", "a\nb"),
        ("，  ，", "，，"),
        ("\u{1f} a", "a"),
    ]),
    ("LegendCleaner", &[
        ("图1 a", ""),
        ("a\n表 A.1-2 b\nc", "a\nc"),
        ("Fig. 1: x", ""),
        ("f\u{131}gure 2 x", ""),
        ("图片12", "图片12"),
        ("Table of x\n", ""),
    ]),
    ("ContentCleaner", &[
        ("目录", "目录"),
        ("目录\na1", ""),
        ("CONTENTS \n1 x\n。\n。\n。\n2 y1", "。\n。\n。\n2 y1"),
        ("x\n 目  录\n前言.......\n\n正文", "x\n\n正文"),
    ]),
    ("DuplicateSentencesFilter", &[
        ("a\n a\na \n\ta\na\n", "a\n"),
        ("\n\n\n\n\n\n", "\n\n\n\n\n\n"),
        ("<tr>\n<tr>\n<tr>\n<tr>\n<tr>\n<tr>\n", "<tr>\n<tr>\n<tr>\n<tr>\n<tr>\n<tr>\n"),
        ("a\nb\na\nb\na\nb\na\nb\na\nb\n", "a\nb\n"),
    ]),
    ("XMLTagCleaner", &[
        ("<a/>", "a: None"),
        ("<a>x<b/>y</a>", "a: \n b: None\n #text: xy"),
        ("<a><b><c>1</c></b><b>2</b></a>", "a: \n b: \n   c: 1\n2"),
        ("<a>\r\n<b k=\"&lt; \n\"> &#65; </b></a>", "a: \n b: \n  @k: <  \n  #text: A"),
    ]),
];

#[test]
fn edges_are_those_of_the_originals() {
    for (name, texts) in CASES {
        let op = build(name, &json!({})).unwrap();
        for (before, after) in *texts {
            let row = json!({ "text": before, "fileType": if *name == "XMLTagCleaner" { "xml" } else { "txt" } });
            let ran = testing::run(&op, &[row]).unwrap();
            assert_eq!(ran.rows[0]["text"], *after, "{name} of {before:?}");
        }
    }
}
