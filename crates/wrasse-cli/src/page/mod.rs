//! Reports as one HTML file: text, style and charts, no script, nothing that is
//! fetched. They are read in light and dark, and with the keyboard alone.
//!
//! The same figures give the same bytes: nothing here knows of time.

pub(crate) mod analysis;
mod axis;
mod chart;
mod cuts;
mod diff;
pub(crate) mod run;
mod sketch;

use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

/// A whole page around `body`.
pub(crate) fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the report</a>\n\
         <main id=\"main\">\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Text as it stands in HTML. Control characters, which HTML does not have,
/// become a sign for what cannot be shown.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A table; the cells are HTML. Columns from the `n_left`th on are numbers.
pub(crate) fn html_table(
    caption: &str,
    header: &[&str],
    n_left: usize,
    rows: &[Vec<String>],
) -> String {
    let class = |i: usize| if i < n_left { "" } else { " class=\"n\"" };
    let mut out = format!("<div class=\"wide\"><table>\n<caption>{caption}</caption>\n<thead><tr>");
    for (i, title) in header.iter().enumerate() {
        let _ = write!(out, "<th scope=\"col\"{}>{title}</th>", class(i));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let _ = match i {
                0 => write!(out, "<th scope=\"row\"{}>{cell}</th>", class(i)),
                _ => write!(out, "<td{}>{cell}</td>", class(i)),
            };
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
    out
}

/// A number in few signs: `12`, `0.354`, `1.2e-5`, `25,000`.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        let digits = crate::table::count(size as u64);
        return format!("{}{digits}", if value < 0.0 { "-" } else { "" });
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.2e}");
    }
    // Four digits that count.
    let decimals = (3 - size.log10().floor() as i32).clamp(0, 8) as usize;
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A share in percent.
pub(crate) fn percent(part: u64, of: u64) -> String {
    match of {
        0 => "-".to_owned(),
        of => format!("{:.1} %", part as f64 * 100.0 / of as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_texts_hold_is_no_markup() {
        assert_eq!(
            escape("<b a=\"1\">&\0\n"),
            "&lt;b a=&quot;1&quot;&gt;&amp;\u{fffd}\n"
        );
    }

    #[test]
    fn numbers_are_short() {
        let shown: Vec<String> = [0.0, -3.0, 25_000.0, 0.123_456, 1234.5678, 0.000_012, 0.5]
            .iter()
            .map(|value| number(*value))
            .collect();
        assert_eq!(
            shown,
            ["0", "-3", "25,000", "0.1235", "1235", "1.20e-5", "0.5"]
        );
    }
}
