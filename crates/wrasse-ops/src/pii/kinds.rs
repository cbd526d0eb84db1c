//! What is looked for, and how.

use super::checked;
use super::find::{self, Find};
use super::keyed;

/// A kind of what is looked for, in the order of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pem,
    Jwt,
    Url,
    Ip,
    Mac,
    Path,
    Email,
    Secret,
    Id,
    Channel,
    OpenId,
    Phone,
    IdCard,
    /// With the right check digit.
    CheckedIdCard,
    Iban,
    Card,
}

impl Kind {
    /// The kinds that the original has.
    pub(crate) const ALL: [Self; 13] = [
        Self::Pem,
        Self::Jwt,
        Self::Url,
        Self::Ip,
        Self::Mac,
        Self::Path,
        Self::Email,
        Self::Secret,
        Self::Id,
        Self::Channel,
        Self::OpenId,
        Self::Phone,
        Self::IdCard,
    ];

    /// Kinds of numbers whose check digits are looked at.
    pub(crate) const CHECKED: [Self; 3] = [Self::CheckedIdCard, Self::Iban, Self::Card];

    /// How it is searched.
    pub(super) fn searches(self) -> Vec<Search> {
        match self {
            Self::Pem => vec![Search::gated(
                "-----BEGIN ",
                r"-----BEGIN [A-Z0-9 -]+-----[\s\S]*?-----END [A-Z0-9 -]+-----",
            )],
            Self::Jwt => vec![Search::gated(
                "eyJ",
                r"\beyJ[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\.[A-Za-z0-9_=-]+\b",
            )],
            Self::Url => vec![Search::gated("http", r#"https?://[^\s"'<>]+"#)],
            Self::Ip => vec![
                Search::new(find::IPV4, How::Ipv4),
                Search::new(find::IPV6, How::Hand(find::ipv6)),
            ],
            Self::Mac => vec![Search::new(find::MAC, How::Hand(find::mac))],
            Self::Path => vec![
                Search::new(find::UNIX_PATH, How::Hand(find::unix_path)).with_group(),
                Search::new(find::WINDOWS_PATH, How::Hand(find::windows_path)).with_group(),
                Search::new(find::NETWORK_PATH, How::Hand(find::network_path)).with_group(),
            ],
            Self::Email => vec![Search::gated(
                "@",
                r"[a-zA-Z0-9][\w.+-]*@[\w.-]+\.(?:[a-zA-Z]{2,}|\w{2,})",
            )],
            Self::Secret => vec![Search::new(keyed::SECRET, How::Hand(keyed::secret)).with_group()],
            Self::Id => vec![Search::new(keyed::ID, How::Hand(keyed::id)).with_group()],
            Self::Channel => {
                vec![Search::new(keyed::CHANNEL, How::Hand(keyed::channel)).with_group()]
            }
            Self::OpenId => vec![
                Search::new(keyed::FEISHU_ID, How::Hand(keyed::feishu_id)),
                Search::new(keyed::OPEN_ID, How::Hand(keyed::open_id)),
            ],
            Self::Phone => vec![
                Search::new(find::MOBILE, How::Hand(find::mobile)),
                Search::new(find::PHONE, How::Hand(find::phone)),
            ],
            Self::IdCard => vec![Search::new(find::ID_CARD, How::Hand(find::id_card))],
            Self::CheckedIdCard => {
                vec![Search::new(
                    find::ID_CARD,
                    How::Hand(checked::checked_id_card),
                )]
            }
            Self::Iban => vec![Search::new(checked::IBAN, How::Hand(checked::iban))],
            Self::Card => vec![Search::new(checked::CARD, How::Hand(checked::card))],
        }
    }
}

/// One search, as it is declared.
pub(super) struct Search {
    pub(super) pattern: &'static str,
    pub(super) how: How,
    /// Whether the first group of a match stays in front of the replacement.
    pub(super) keeps_group: bool,
}

/// How a pattern is searched.
#[derive(Clone, Copy)]
pub(super) enum How {
    Pattern,
    /// By the pattern, if these bytes are in the text.
    Gated(&'static str),
    Hand(Find),
    /// By the pattern, in runs of digits and points.
    Ipv4,
}

impl Search {
    const fn new(pattern: &'static str, how: How) -> Self {
        Self {
            pattern,
            how,
            keeps_group: false,
        }
    }

    const fn gated(gate: &'static str, pattern: &'static str) -> Self {
        Self::new(pattern, How::Gated(gate))
    }

    const fn with_group(self) -> Self {
        Self {
            keeps_group: true,
            ..self
        }
    }
}
