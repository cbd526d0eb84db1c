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
        ("<pre>\n\nx</pre>", "\nx"),
        ("<textarea>\n<b></textarea>", "<b>"),
        ("a < b && c", "a < b && c"),
        ("<svg><![CDATA[a<b]]></svg><![CDATA[c]]>", "a<b"),
    ] {
        assert_eq!(text_of(html), want, "{html:?}");
    }
}
