//! What spaCy takes for a URL, and thus for one token.

use super::affixes::is_lower;
use crate::chars::is_word;

/// Whether all of `text` is a URL, or a host with what may follow it.
pub(super) fn is_url(text: &str) -> bool {
    if !text.contains('.') {
        return false;
    }
    let scheme = text.find("://").filter(|end| {
        let scheme = &text[..*end];
        scheme.chars().count() >= 2
            && scheme
                .chars()
                .all(|c| is_word(c) || matches!(c, '+' | '-' | '.'))
    });
    let users = text.match_indices('@').filter(|(at, _)| *at > 0);
    host_follows(text)
        || scheme.is_some_and(|end| host_follows(&text[end + 3..]))
        || users
            .into_iter()
            .any(|(at, _)| host_follows(&text[at + 1..]))
}

/// Whether `text` is a host, and a port and a path perhaps.
fn host_follows(text: &str) -> bool {
    let end = text.find([':', '/', '?', '#', '@']).unwrap_or(text.len());
    let (host, mut rest) = text.split_at(end);
    if let Some(port) = rest.strip_prefix(':') {
        let digits = port
            .chars()
            .take_while(|c| crate::chars::is_digit(*c))
            .count();
        let length: usize = port.chars().take(digits).map(char::len_utf8).sum();
        if !(2..=5).contains(&digits) {
            return false;
        }
        rest = &port[length..];
    }
    (rest.is_empty() || rest.starts_with(['/', '?', '#'])) && (is_domain(host) || is_address(host))
}

fn is_domain(host: &str) -> bool {
    let Some((labels, top)) = host.rsplit_once('.') else {
        return false;
    };
    (2..=63).contains(&top.chars().count())
        && top.chars().all(is_lower)
        && labels.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || ('\u{a1}'..='\u{ffff}').contains(&c);
    (1..=64).contains(&label.chars().count())
        && label.starts_with(is_inner)
        && label.ends_with(is_inner)
        && label.chars().all(|c| is_inner(c) || matches!(c, '_' | '-'))
}

/// Whether `host` is a public IPv4 address.
fn is_address(host: &str) -> bool {
    let parts: Vec<&str> = host.split('.').collect();
    let [first, second, third, last] = parts[..] else {
        return false;
    };
    // Inner parts may have a leading zero, the outer ones may not.
    let number = |part: &str, may_lead: bool| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        let zeros = !may_lead && part.starts_with('0') || part.len() == 3 && part.starts_with('0');
        if !digits || part.is_empty() || part.len() > 3 || zeros {
            return None;
        }
        part.parse::<u16>().ok()
    };
    let (Some(a), Some(b), Some(c), Some(d)) = (
        number(first, false),
        number(second, true),
        number(third, true),
        number(last, false),
    ) else {
        return false;
    };
    let is_private = matches!(
        (a, b),
        (10 | 127, _) | (169, 254) | (192, 168) | (172, 16..=31)
    );
    (1..=223).contains(&a) && b <= 255 && c <= 255 && (1..=254).contains(&d) && !is_private
}
