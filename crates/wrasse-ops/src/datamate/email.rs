//! What the Python package `email-validator` takes as an e-mail address,
//! without asking any server.

/// Top-level domains that no mail is sent to.
const RESERVED: &[&str] = &["arpa", "invalid", "local", "localhost", "onion", "test"];

/// Whether `address` is valid; lengths are limited as in RFC 5321. A domain
/// with characters beyond ASCII is none.
pub(crate) fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    address.len() <= 254 && is_local(local) && is_domain(domain)
}

fn is_local(local: &str) -> bool {
    let is_member =
        |c: char| c.is_ascii_alphanumeric() || "_!#$%&'*+-/=?^`{|}~".contains(c) || c.is_numeric();
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_member))
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        let is_member = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        (1..=63).contains(&bytes.len())
            && bytes.iter().all(is_member)
            && bytes[0] != b'-'
            && bytes[bytes.len() - 1] != b'-'
            // Two hyphens there are for encoded names; whether what was encoded
            // makes a name is not looked at.
            && (bytes.get(2..4) != Some(b"--") || bytes[..2].eq_ignore_ascii_case(b"xn"))
    };
    let last = domain.rsplit('.').next();
    let is_reserved = |name: &&str| last.is_some_and(|last| last.eq_ignore_ascii_case(name));
    domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(is_label)
        && domain.ends_with(|c: char| c.is_ascii_alphabetic())
        && !RESERVED.iter().any(is_reserved)
}
