//! [`Pen`]: where text is drawn, and what lies between two pieces of it.

use crate::DocError;
use crate::output::Output;

/// An affine map, as PDF writes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix(pub(super) [f64; 6]);

impl Matrix {
    pub(super) const IDENTITY: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// This map, then another.
    pub(super) fn then(self, next: Self) -> Self {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.0, next.0);
        Self([
            a * g + b * i,
            a * h + b * j,
            c * g + d * i,
            c * h + d * j,
            e * g + f * i + k,
            e * h + f * j + l,
        ])
    }

    fn origin(self) -> (f64, f64) {
        (self.0[4], self.0[5])
    }

    /// The length of a vertical unit.
    fn height(self) -> f64 {
        self.0[2].hypot(self.0[3])
    }

    /// The direction of writing, of length 1.
    fn direction(self) -> (f64, f64) {
        let length = self.0[0].hypot(self.0[1]);
        match length > 0.0 {
            true => (self.0[0] / length, self.0[1] / length),
            false => (1.0, 0.0),
        }
    }
}

/// The state of drawing text.
pub(super) struct Pen {
    /// From the units of the drawing to those of the page.
    pub(super) frame: Matrix,
    pub(super) size: f64,
    pub(super) scale: f64,
    pub(super) leading: f64,
    pub(super) char_space: f64,
    pub(super) word_space: f64,
    line: Matrix,
    at: Matrix,
    /// Where the text before ended, on the page, and its size there.
    last: Option<((f64, f64), f64)>,
}

impl Pen {
    pub(super) fn new() -> Self {
        Self {
            frame: Matrix::IDENTITY,
            size: 1.0,
            scale: 1.0,
            leading: 0.0,
            char_space: 0.0,
            word_space: 0.0,
            line: Matrix::IDENTITY,
            at: Matrix::IDENTITY,
            last: None,
        }
    }

    pub(super) fn begin(&mut self) {
        self.place(Matrix::IDENTITY);
    }

    pub(super) fn place(&mut self, matrix: Matrix) {
        self.line = matrix;
        self.at = matrix;
    }

    pub(super) fn move_by(&mut self, x: f64, y: f64) {
        self.place(Matrix([1.0, 0.0, 0.0, 1.0, x, y]).then(self.line));
    }

    pub(super) fn next_line(&mut self) {
        self.move_by(0.0, -self.leading);
    }

    pub(super) fn advance(&mut self, x: f64) {
        self.at = Matrix([1.0, 0.0, 0.0, 1.0, x, 0.0]).then(self.at);
    }

    /// Remembers where text ended.
    pub(super) fn mark(&mut self) {
        let on_page = self.at.then(self.frame);
        let size = (self.size * on_page.height()).abs();
        self.last = Some((on_page.origin(), size));
    }

    /// Adds what lies between the text before and the one to come: a space, a
    /// line end, an empty line or nothing.
    pub(super) fn separate(&self, out: &mut Output) -> Result<(), DocError> {
        let Some(((x, y), size)) = self.last else {
            return Ok(());
        };
        let on_page = self.at.then(self.frame);
        let (new_x, new_y) = on_page.origin();
        let size = size
            .max((self.size * on_page.height()).abs())
            .max(f64::MIN_POSITIVE);
        let (right, up) = on_page.direction();
        let (dx, dy) = (new_x - x, new_y - y);
        // Along the line and across it, in heights of the larger text.
        let along = (dx * right + dy * up) / size;
        let across = (dy * right - dx * up) / size;
        if across.abs() > 2.2 {
            out.end_paragraph();
        } else if across.abs() > 0.6 || along < -1.5 {
            // A new line, or a column beside this one.
            out.end_line();
        } else if along > 0.17 {
            out.space()?;
        }
        Ok(())
    }
}
