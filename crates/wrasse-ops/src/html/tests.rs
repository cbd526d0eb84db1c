//! The semantics of the whole, as a table; each line was checked with lexbor.

use super::*;

#[test]
fn texts_are_those_of_lexbor() {
    for (html, want) in [
        ("", ""),
        (" \n plain ", "plain "),
        ("a<b>c</b>d<!-- no -->e", "acde"),
        (
            "<title>T &amp; t</title><style>p{}</style><script>a<b</script><p>x",
            "T & tp{}a<bx",
        ),
        ("a\r\nb\rc&lt;&nbsp;", "a\nb\nc<\u{a0}"),
        ("x<template>no</template>y", "xy"),
        ("<noscript>a<p>b</noscript>", "ab"),
        ("<table>a<tr><td>b</table>c", "abc"),
        ("<table><tr><td>b</td>a</table>c", "abc"),
        ("r<table> <!doctype html>z", "rz "),
        ("<pre>\n\nx</pre>", "\nx"),
        ("<textarea>\n<b></textarea>", "<b>"),
        ("a < b && c", "a < b && c"),
        ("<svg><![CDATA[a<b]]></svg><![CDATA[c]]>", "a<b"),
    ] {
        assert_eq!(text_of(html), want, "{html:?}");
    }
}

/// The parser needs the square of the depth for some of these, if it may.
#[test]
fn hostile_documents_cost_no_more_than_the_text() {
    const N: usize = 100_000;
    for (html, want) in [
        (format!("{}x", "<div>".repeat(N)), "x".to_owned()),
        (
            format!("{}x{}y", "<div>".repeat(N), "</div>".repeat(N)),
            "xy".to_owned(),
        ),
        ("<table><tr><td>x".repeat(N), "x".repeat(N)),
        ("<ul><li >x".repeat(N), "x".repeat(N)),
        ("<a><div>x</a>".repeat(N), "x".repeat(N)),
        (
            (0..N).map(|i| format!("<p><font size={i}>x")).collect(),
            "x".repeat(N),
        ),
        (
            format!(
                "<a {}>x",
                (0..N).map(|i| format!("a{i} ")).collect::<String>()
            ),
            "x".to_owned(),
        ),
    ] {
        assert_eq!(text_of(&html), want, "{}…", &html[..20]);
    }
}
