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

#[test]
fn what_needs_no_tree_has_the_text_of_the_tree() {
    const PIECES: &[&str] = &[
        "x",
        " ",
        "\n",
        "y z ",
        "é数",
        "<",
        "< ",
        "<3",
        "&",
        "& ",
        "&amp;",
        "&amp",
        "&ampx",
        "&notit;",
        "&notin;",
        "&nope;",
        "&#65;",
        "&#x41",
        "&#",
        "&#x",
        "&#;",
        "&#0;",
        "&#128;",
        "&#32;",
        "&#10;",
        "&#99999999999;",
        "&#xd800;",
        "&NotEqualTilde;",
        "&lt;b&gt;",
        "&é",
        "<!-- c -->",
        "<!-->",
        "<!--->",
        "<!-- a --!> b -->",
        "<!--",
        "</>",
        "</ p>",
        "<!x>",
        "<?x>",
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<i class='<p>' x=\"&lt;\">",
        "</i>",
        "<a href=x>",
        "</a>",
        "<A/>",
        "<div\n>",
        "</div>",
        "<ul>",
        "<li>",
        "</ul>",
        "<h1>",
        "</h2>",
        "<form>",
        "</form>",
        "<button>",
        "</button>",
        "<nobr>",
        "<pre>",
        "</pre>",
        "<dd>",
        "</dl>",
        "<ruby><rt>",
        "<br>",
        "</br>",
        "<hr/>",
        "<img>",
        "<https://x.y/z?a=1&b=2>",
        "<center><font size=1>",
        "\r\n",
        "\r",
        "&#13;",
        "<noscript>",
        "</noscript>",
        "<style>",
        "</style>",
        "</style x",
        "<STYLE a=b>",
        "<input value=1>",
        "</font>",
        "<p",
    ];
    let mut below = crate::dice::dice(5);
    let mut n_plain = 0;
    for round in 0..20_000 {
        let html: String = (0..below(20))
            .map(|_| PIECES[below(PIECES.len())])
            .collect();
        // Most of these are deeply nested, and have no text that needs a tree.
        let html = match round % 2 {
            0 => html,
            _ => html
                .replace(['!', '?'], "")
                .replace("</ p>", "</i>")
                .replace("</>", "</b>"),
        };
        if let Some(text) = plain::text_of(&html) {
            n_plain += 1;
            assert_eq!(text, parse(&html).tree().text(0), "{html:?}");
        }
    }
    assert!(n_plain > 10_000, "{n_plain}");
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
