//! [`Body`]: the bytes of one part in the making.

use serde::{Deserialize, Serialize};

use super::place::Place;
use super::rows::RowSlice;
use super::staged::{Staged, StagedPosition};
use super::target::Shape;
use crate::Error;

/// Where a part in the making stood at a commit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BodyPosition {
    staged: StagedPosition,
}

/// The bytes of one part in the making.
pub(super) enum Body {
    Plain(Staged),
}

impl Body {
    /// Starts part `index`.
    pub(super) fn create(place: &Place, index: usize) -> Result<Self, Error> {
        let staged = match place.target().shape {
            Shape::Stdout => Staged::stdout(),
            _ => Staged::create(place.staged(index))?,
        };
        Ok(Self::Plain(staged))
    }

    /// Goes on with part `index` where it stood.
    pub(super) fn reopen(
        place: &Place,
        index: usize,
        position: &BodyPosition,
    ) -> Result<Self, Error> {
        let staged = Staged::reopen(place.staged(index), &position.staged)?;
        Ok(Self::Plain(staged))
    }

    pub(super) fn append(&mut self, rows: RowSlice<'_>) -> Result<(), Error> {
        match self {
            Self::Plain(staged) => staged.write(rows.bytes()),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::Plain(staged) => staged.memory_bytes(),
        }
    }

    /// Makes everything safe.
    pub(super) fn sync(&mut self) -> Result<BodyPosition, Error> {
        match self {
            Self::Plain(staged) => Ok(BodyPosition {
                staged: staged.sync()?,
            }),
        }
    }

    /// Ends the part; the staged file is complete and safe.
    pub(super) fn complete(mut self) -> Result<StagedPosition, Error> {
        match &mut self {
            Self::Plain(staged) => staged.sync(),
        }
    }
}
