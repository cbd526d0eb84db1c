//! Values of flags.

use std::net::{Ipv4Addr, SocketAddr};

pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number from 1".to_owned()),
        Ok(n) => Ok(n),
    }
}

/// An address with a port, or a port of this machine: `9090`, `:9090`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse()
        .map_err(|_| "expected an address with a port, such as 127.0.0.1:9090".to_owned())
}

/// More seconds than this are a mistake, and would overflow.
const SECONDS_MAX: f64 = 1e9;

pub(super) fn json_object(text: &str) -> Result<serde_json::Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(value),
        Ok(_) => Err("expected an object, `{...}`".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(n) if (0.0..=SECONDS_MAX).contains(&n) => Ok(n),
        _ => Err("expected a number of seconds from 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine() {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(address("9090"), Ok(local(9090)));
        assert_eq!(address(":0"), Ok(local(0)));
        assert_eq!(address("127.0.0.1:80"), Ok(local(80)));
        assert_eq!(address("[::1]:80").unwrap().to_string(), "[::1]:80");
        assert!(address("localhost").is_err());
        assert!(address("70000").is_err());
    }

    #[test]
    fn seconds_are_finite() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for bad in ["-1", "nan", "inf", "1e300", "x"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
